"""Describes the features of a table: names, JSON types, and the ranges and categories seen in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, Fault
from vendorkit.records.features import Feature, FeatureSet, FeatureType

MOST_CATEGORIES = 100


def describe_features(model: str, frame: pd.DataFrame, names: Sequence[str], definition: str) -> FeatureSet:
    """The feature set of a training table.

    Args:
        model: Id of the model.
        frame: Training rows, shape `(n_rows, n_columns)`.
        names: Columns that the model is given, in order.
        definition: Digest of the code that made them.

    Raises:
        BadInput: Columns that are missing, named twice, infinite, or of a type that has no JSON form: all named.
    """
    faults: list[Fault] = []
    features: list[Feature] = []
    named, there = Counter(names), Counter(frame.columns)
    for name, times in named.items():
        if not there[name]:
            known = ", ".join(map(str, there))
            faults.append(Fault(f"features: {name}", f"is not a column; there are: {known}."))
        elif times > 1:
            faults.append(Fault(f"features: {name}", "is named twice."))
        elif there[name] > 1:
            faults.append(Fault(f"features: {name}", "stands twice in the table.", "Rename one in prepare()."))
        else:
            described = _describe(name, frame[name])
            if isinstance(described, Fault):
                faults.append(described)
            else:
                features.append(described)
    if not names:
        faults.append(Fault("features", "are empty; name at least one."))
    if faults:
        raise BadInput("The features cannot be described.", faults)
    return FeatureSet(model=model, features=tuple(features), definition=definition)


def _describe(name: str, column: pd.Series) -> Feature | Fault:
    kind = _type_of(column)
    nullable = bool(column.isna().any())
    if kind is None:
        says = f"has type {column.dtype}, expected numbers, text or true and false."
        return Fault(f"features: {name}", says, "Convert it in prepare().")
    present = column.dropna()
    if kind in ("number", "integer"):
        values = present.to_numpy(dtype=float)
        if not np.isfinite(values).all():
            return Fault(f"features: {name}", "holds infinite values.", "Remove or cap them in prepare().")
        low, high = (float(values.min()), float(values.max())) if len(values) else (None, None)
        return Feature(name=name, type=kind, nullable=nullable, minimum=low, maximum=high)
    if kind == "string":
        distinct = sorted(str(value) for value in present.unique())
        categories = tuple(distinct) if len(distinct) <= MOST_CATEGORIES else None
        return Feature(name=name, type=kind, nullable=nullable, categories=categories)
    return Feature(name=name, type=kind, nullable=nullable)


def _type_of(column: pd.Series) -> FeatureType | None:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(column.dtype):
        return "number"
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    return "string" if pd.api.types.infer_dtype(values, skipna=True) == "string" else None
