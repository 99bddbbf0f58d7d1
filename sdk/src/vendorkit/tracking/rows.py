"""Columns of a benchmark beside the scores: which row of the benchmark each prepared row came from.

The vendor's `prepare` may drop or sort rows, so a column is used only where its rows can be told for certain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Coded = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

MOST_LABELS = 50


def columns_of(
    raw: pd.DataFrame, prepared: pd.DataFrame, index: pd.Index[Any], label: str | None, wanted: list[str]
) -> dict[str, Coded | str]:
    """Each wanted column as distinct values and codes, or why it cannot be had; arguments as of `values_of`.

    Returns:
        By name: values (k,), ascending, and int32 codes (n_prepared,), -1 where the value is missing.
    """
    found = values_of(raw, prepared, index, label, wanted)
    return {name: values if isinstance(values, str) else coded(values) for name, values in found.items()}


def values_of(
    raw: pd.DataFrame, prepared: pd.DataFrame, index: pd.Index[Any], label: str | None, wanted: list[str]
) -> dict[str, pd.Series[Any] | str]:
    """Each wanted column beside the prepared rows, or why it cannot be had.

    Args:
        raw: The benchmark as it was read.
        prepared: What `prepare` made of it.
        index: The index that `prepare` gave its rows.
        label: The label column.
        wanted: Names of columns. Columns of the benchmark come first, then those that `prepare` made.

    Returns:
        By name: the values, shape (n_prepared,).
    """
    why = _unmatched(raw, prepared, index, label) if any(name in raw for name in wanted) else ""
    found: dict[str, pd.Series[Any] | str] = {}
    for name in wanted:
        if name in raw and not why:
            found[name] = raw[name].take(raw.index.get_indexer(index))
        elif name in prepared:
            found[name] = prepared[name]
        else:
            found[name] = why or "neither the benchmark nor the prepared table has it"
    return found


def _unmatched(raw: pd.DataFrame, prepared: pd.DataFrame, index: pd.Index[Any], label: str | None) -> str:
    """Why the rows of both tables cannot be matched; empty where they can."""
    places = raw.index.get_indexer(index) if index.is_unique else np.array([-1])
    if (places < 0).any():
        return "`prepare` gave its rows other index values than those of its input; keep the index of the rows"
    if len(index) < len(raw) and (places == np.arange(len(index))).all():
        return "`prepare` dropped rows and may have numbered the rest anew; keep the index of the rows"
    if label is not None and label in raw and label in prepared:
        pairs = pd.DataFrame({"raw": raw[label].to_numpy()[places], "prepared": prepared[label].to_numpy()})
        distinct = pairs.drop_duplicates()
        if pairs["raw"].nunique() <= MOST_LABELS and distinct["raw"].duplicated().any():
            return "the labels of `prepare` are not those of its input's rows; keep the index of the rows"
    return ""


def coded(values: pd.Series[Any]) -> Coded:
    """Distinct values and codes of a column, -1 where it is missing."""
    missing = values.isna().to_numpy()
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        given: Any = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        given = np.where(missing, "", values.astype(object)).astype(str)
    codes, levels = pd.factorize(given[~missing], sort=True)
    filled = np.full(len(values), -1, dtype=np.int32)
    filled[~missing] = codes
    return np.asarray(levels, dtype=np.float64 if given.dtype.kind == "f" else str), filled
