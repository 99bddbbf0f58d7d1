"""What is counted of data: violations of its contract, missing values, age, labels, and rows that leak."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput
from vendorkit.records.data_contract import ColumnRules, Quality, TableRules, read_rules
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.subject import Measuring

DAY_SECONDS = 86_400

Frames = dict[str, pd.DataFrame]


def data(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """One figure of the data of a benchmark, or of all datasets of the model."""
    counts = COUNTS[str(given["metric"])](measuring, given)
    cells = counts.pop("cells", [])
    return {**counts, "cells": cells, "values": {str(given["metric"]): counts.pop("value")}}


def _frames(measuring: Measuring, given: dict[str, Any]) -> Frames:
    """The tables that are asked about: the benchmark, or every dataset."""
    benchmark = given.get("benchmark") or {}
    frames = measuring.raw(benchmark)
    return {name: frame for name, frame in frames.items() if not benchmark or name in benchmark}


def _contract_violations(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    frames = _frames(measuring, given)
    cells: list[dict[str, Any]] = []
    notes: list[str] = []
    for name, frame in frames.items():
        contract = given["contracts"].get(name)
        if contract is None:
            raise BadInput(f"dataset {name} has no data contract that can be read.")
        rules = read_rules(contract["text"].encode(), name, contract["path"])
        cells += [{**cell, "name": f"{name}: {cell['name']}"} for cell in violations(frame, rules)]
        notes += [f"Not counted, another tool must judge it: {name}, {rule}" for rule in rules.not_counted]
    broken = sum(cell["value"] for cell in cells)
    worst = [cell["name"] for cell in cells if cell["value"]]
    says = f"Broken: {', '.join(worst[:5])}{', ...' if len(worst) > 5 else ''}." if worst else ""
    rows = sum(len(frame) for frame in frames.values())
    return {"value": broken, "n": rows, "says": says, "cells": cells, "notes": notes}


def violations(frame: pd.DataFrame, rules: TableRules) -> Iterator[dict[str, Any]]:
    """One cell for each rule, with the number of values that break it."""
    described = {column.name for column in rules.columns}
    for name in frame.columns:
        if name not in described:
            yield _cell(f"{name} is not in the contract", 1, len(frame))
    for column in rules.columns:
        if column.name not in frame:
            yield _cell(f"{column.name} is missing", len(frame), len(frame))
            continue
        for says, broken in _of_column(frame[column.name], column):
            yield _cell(f"{column.name} {says}", broken, len(frame))
    if rules.key and set(rules.key) <= set(frame.columns):
        broken = int(frame.duplicated(list(rules.key)).sum())
        yield _cell(f"{', '.join(rules.key)} is unique", broken, len(frame))
    for quality in rules.quality:
        if quality.column is None or quality.column in frame:
            yield _of_quality(frame, quality)


def _of_column(values: pd.Series[Any], rules: ColumnRules) -> Iterator[tuple[str, int]]:
    """What a column must be, and how many of its values are not."""
    present = values.dropna()
    if rules.required:
        yield "is never missing", len(values) - len(present)
    if rules.unique:
        yield "is unique", int(present.duplicated().sum())
    if rules.type in TYPES:
        wrong = 0 if not len(present) or TYPES[rules.type](present) else len(present)
        yield f"is of type {rules.type}", wrong
        if wrong:
            return  # what is of another type has no range
    if pd.api.types.is_datetime64_any_dtype(present):
        present = pd.to_datetime(present, utc=True)
    for key, value in rules.options.items():
        words, breaks = OPTIONS[key]
        yield f"{words} {value}", int(breaks(present, value).sum())


def _of_quality(frame: pd.DataFrame, rule: Quality) -> dict[str, Any]:
    values = frame[rule.column] if rule.column else frame.iloc[:, 0]
    count = float(QUALITIES[rule.metric](values, rule.arguments))
    if rule.percent:
        count = 100 * count / max(1, len(frame))
    kept = _holds(count, rule.operator, rule.bound)
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", rule.operator).lower()
    unit = " %" if rule.percent else ""
    name = f"{rule.column or 'the table'}: {rule.metric} {words} {rule.bound}{unit}, is {count:g}{unit}"
    return _cell(name, 0 if kept else 1, len(frame))


def _holds(count: float, operator: str, bound: Any) -> bool:
    if operator in ("mustBeBetween", "mustNotBeBetween"):
        inside = bool(bound[0] <= count <= bound[1])
        return inside == (operator == "mustBeBetween")
    holds = {
        "mustBe": count == bound,
        "mustNotBe": count != bound,
        "mustBeGreaterThan": count > bound,
        "mustBeGreaterOrEqualTo": count >= bound,
        "mustBeLessThan": count < bound,
        "mustBeLessOrEqualTo": count <= bound,
    }
    return bool(holds[operator])


def _invalid(values: pd.Series[Any], arguments: dict[str, Any]) -> int:
    present = values.dropna()
    allowed = arguments.get("validValues")
    wrong = ~present.isin(allowed) if allowed is not None else pd.Series(False, index=present.index)
    if "pattern" in arguments:
        wrong |= ~present.astype(str).str.fullmatch(arguments["pattern"])
    return int(wrong.sum())


QUALITIES: dict[str, Callable[[pd.Series[Any], dict[str, Any]], int]] = {
    "nullValues": lambda values, _: int(values.isna().sum()),
    "missingValues": lambda values, given: int(
        (values.isna() | values.isin([v for v in given.get("missingValues", []) if v is not None])).sum()
    ),
    "invalidValues": _invalid,
    "duplicateValues": lambda values, _: int(values.dropna().duplicated().sum()),
    "rowCount": lambda values, _: len(values),
}

TYPES: dict[str, Callable[[pd.Series[Any]], bool]] = {
    "string": lambda values: pd.api.types.infer_dtype(values) == "string",
    "number": lambda values: pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values),
    "integer": lambda values: (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and bool((values.astype(float) % 1 == 0).all())
    ),
    "boolean": pd.api.types.is_bool_dtype,
    "date": pd.api.types.is_datetime64_any_dtype,
    "timestamp": pd.api.types.is_datetime64_any_dtype,
}


def _bound(values: pd.Series[Any], bound: Any) -> Any:
    return pd.to_datetime(bound, utc=True) if pd.api.types.is_datetime64_any_dtype(values) else bound


OPTIONS: dict[str, tuple[str, Callable[[pd.Series[Any], Any], Any]]] = {
    "minimum": ("is at least", lambda values, bound: values < _bound(values, bound)),
    "maximum": ("is at most", lambda values, bound: values > _bound(values, bound)),
    "exclusiveMinimum": ("is above", lambda values, bound: values <= _bound(values, bound)),
    "exclusiveMaximum": ("is below", lambda values, bound: values >= _bound(values, bound)),
    "multipleOf": ("is a multiple of", lambda values, bound: values % bound != 0),
    "minLength": ("has a length of at least", lambda values, bound: values.str.len() < bound),
    "maxLength": ("has a length of at most", lambda values, bound: values.str.len() > bound),
    "pattern": ("has the form", lambda values, bound: ~values.str.contains(bound, regex=True)),
}


def _missing_share(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    frames = _frames(measuring, given)
    cells = []
    for table, frame in frames.items():
        for name in _columns(frame, given) or list(frame.columns):
            cells.append(_cell(f"{table}: {name}", float(frame[name].isna().mean()), len(frame)))
    worst = max(cells, key=lambda cell: cell["value"])
    says = f"The worst is {worst['name']}." if worst["value"] else ""
    return {"value": worst["value"], "n": min(map(len, frames.values())), "says": says, "cells": cells}


def _columns(frame: pd.DataFrame, given: dict[str, Any]) -> list[str]:
    """The columns that the gate names.

    Raises:
        BadInput: They are not there.
    """
    names = list(given.get("columns") or [])
    absent = [name for name in names if name not in frame]
    if absent:
        raise BadInput(f"there is no column {', '.join(absent)}; there are: {', '.join(map(str, frame.columns))}.")
    return names


def _age_days(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    frames = _frames(measuring, given)
    if given.get("columns"):
        newest = min(_times(frame, given).max() for frame in frames.values())
        age = (datetime.now(UTC) - newest.to_pydatetime()).total_seconds()
    else:
        snapshots = {**measuring.subject.datasets, **(given.get("benchmark") or {})}
        taken = [Snapshot.parse(snapshots[name], name).taken_at for name in frames]
        oldest = min(datetime.fromisoformat(text.replace("Z", "+00:00")) for text in taken)
        age = (datetime.now(UTC) - oldest).total_seconds()
    return {"value": age / DAY_SECONDS, "n": min(map(len, frames.values()))}


def _times(frame: pd.DataFrame, given: dict[str, Any]) -> Any:
    """The one time column that the gate names, in UTC."""
    (name,) = _columns(frame, given) or [""]
    if not pd.api.types.is_datetime64_any_dtype(frame[name]):
        raise BadInput(f"column {name} is of type {frame[name].dtype}; expected a date or a time.")
    return pd.to_datetime(frame[name], utc=True).dropna()


def _rows(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    least = min(map(len, _frames(measuring, given).values()))
    return {"value": least, "n": least}


def _labels(measuring: Measuring, given: dict[str, Any]) -> pd.Series[Any]:
    frame = measuring.prepared(given.get("benchmark"))
    column = measuring.subject.label
    if column is None or column not in frame:
        raise BadInput(f"the prepared table has no label{f' {column}' if column else ''}.")
    return frame[column]


def _label_share(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    labels = _labels(measuring, given)
    return {"value": float(labels.notna().mean()), "n": len(labels)}


def _label_balance(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    labels = _labels(measuring, given).dropna()
    strange = sorted({str(value) for value in labels.unique() if value not in (0, 1)})
    if strange:
        raise BadInput(f"the label holds {', '.join(strange[:5])}; its balance is known for 0 and 1 only.")
    return {"value": float(labels.mean()) if len(labels) else float("nan"), "n": len(labels)}


def _shared(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Rows of the benchmark whose values (of the key, or of all columns) stand in the training data."""
    ((name, benchmark, training),) = _both(measuring, given)
    columns = _columns(benchmark, given) or list(benchmark.columns)
    if list(training.columns) != list(benchmark.columns) and not given.get("columns"):
        raise BadInput(f"the benchmark has other columns than {name}; name the columns of a key.")
    _columns(training, given)
    shared = _hashes(benchmark[columns]).isin(set(_hashes(training[columns]))).to_numpy()
    rows = [str(at + 1) for at in np.flatnonzero(shared)[:3]]
    says = f"They are {'rows' if len(rows) > 1 else 'row'} {', '.join(rows)} of the benchmark." if rows else ""
    return {"value": int(shared.sum()), "n": len(benchmark), "says": says}


def _hashes(rows: pd.DataFrame) -> pd.Series[Any]:
    """A hash of each row; whole numbers and fractions of the same value are the same."""
    plain = {str(name): rows[name].astype(float) for name in rows if pd.api.types.is_numeric_dtype(rows[name])}
    return pd.util.hash_pandas_object(rows.assign(**plain), index=False)


def _time_overlap(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    ((_, benchmark, training),) = _both(measuring, given)
    early = _times(benchmark, given) <= _times(training, given).max()
    return {"value": int(early.sum()), "n": len(benchmark)}


def _both(measuring: Measuring, given: dict[str, Any]) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Dataset, benchmark rows and training rows."""
    held, trained = measuring.raw(given["benchmark"]), measuring.raw()
    return [(name, held[name], trained[name]) for name in given["benchmark"]]


def _cell(name: str, value: float, n: int) -> dict[str, Any]:
    return {"name": name, "n": n, "value": value, "verdict": "fail" if value and isinstance(value, int) else "pass"}


COUNTS: dict[str, Callable[[Measuring, dict[str, Any]], dict[str, Any]]] = {
    "contract_violations": _contract_violations,
    "missing_share": _missing_share,
    "age_days": _age_days,
    "rows": _rows,
    "label_share": _label_share,
    "label_balance": _label_balance,
    "shared_rows": _shared,
    "shared_keys": _shared,
    "time_overlap": _time_overlap,
}
