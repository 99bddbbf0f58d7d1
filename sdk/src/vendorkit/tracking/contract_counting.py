"""How many values of a table break its data contract, counted batch by batch: counts of parts add up to the whole.

What is unique is told by a hash of 64 bits for each value, 8 bytes of memory; all else needs none that grows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from vendorkit.records.data_contract import ColumnRules, Quality, TableRules
from vendorkit.tracking.hashes import Hashes, row_hashes, sorted_hashes


@dataclass
class Distinct:
    """How many values stand twice."""

    hashes: list[Hashes] = field(default_factory=list)

    def add(self, rows: pd.DataFrame) -> None:
        """Some rows, each a value."""
        self.hashes.append(row_hashes(rows))

    @property
    def repeated(self) -> int:
        """Values beyond the first of their like."""
        together = sorted_hashes(self.hashes)
        return int((together[1:] == together[:-1]).sum())


@dataclass
class ColumnCount:
    """What was counted of one column."""

    rules: ColumnRules
    rows: int = 0
    present: int = 0
    wrong_type: bool = False
    broken: dict[str, int] = field(default_factory=dict)
    distinct: Distinct = field(default_factory=Distinct)

    def add(self, values: pd.Series[Any]) -> None:
        """Some values."""
        rules, present = self.rules, values.dropna()
        self.rows += len(values)
        self.present += len(present)
        if rules.unique:
            self.distinct.add(present.to_frame())
        if rules.type in TYPES and len(present) and not TYPES[rules.type](present):
            self.wrong_type = True
            return  # what is of another type has no range
        if pd.api.types.is_datetime64_any_dtype(present):
            present = pd.to_datetime(present, utc=True)
        for key, value in rules.options.items():
            self.broken[key] = self.broken.get(key, 0) + int(OPTIONS[key][1](present, value).sum())

    def told(self) -> Iterator[tuple[str, int]]:
        """What the column must be, and how many of its values are not."""
        rules = self.rules
        if rules.required:
            yield "is never missing", self.rows - self.present
        if rules.unique:
            yield "is unique", self.distinct.repeated
        if rules.type in TYPES:
            yield f"is of type {rules.type}", self.present if self.wrong_type else 0
        for key, value in {} if self.wrong_type else rules.options.items():
            yield f"{OPTIONS[key][0]} {value}", self.broken.get(key, 0)


@dataclass
class QualityCount:
    """What was counted for a quality rule."""

    rule: Quality
    counted: int = 0
    distinct: Distinct = field(default_factory=Distinct)

    def add(self, frame: pd.DataFrame) -> None:
        """Some rows."""
        values = frame[self.rule.column] if self.rule.column else frame.iloc[:, 0]
        if self.rule.metric == "duplicateValues":
            self.distinct.add(values.dropna().to_frame())
        else:
            self.counted += QUALITIES[self.rule.metric](values, self.rule.arguments)

    def cell(self, n: int) -> dict[str, Any]:
        """Whether the rule holds of n rows."""
        rule = self.rule
        count = float(self.distinct.repeated if rule.metric == "duplicateValues" else self.counted)
        if rule.percent:
            count = 100 * count / max(1, n)
        kept = _holds(count, rule.operator, rule.bound)
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", rule.operator).lower()
        unit = " %" if rule.percent else ""
        name = f"{rule.column or 'the table'}: {rule.metric} {words} {rule.bound}{unit}, is {count:g}{unit}"
        return cell(name, 0 if kept else 1, n)


class ContractCount:
    """What was counted of a table.

    Args:
        rules: What its contract asks.
        columns: The columns that it has.
    """

    def __init__(self, rules: TableRules, columns: list[str]) -> None:
        self._rules, self._names, self._rows = rules, columns, 0
        self._columns = {each.name: ColumnCount(each) for each in rules.columns if each.name in columns}
        self._key = Distinct()
        there = (each for each in rules.quality if each.column is None or each.column in columns)
        self._quality = [QualityCount(each) for each in there]

    def add(self, frame: pd.DataFrame) -> None:
        """Some rows."""
        self._rows += len(frame)
        for name, column in self._columns.items():
            column.add(frame[name])
        if self._rules.key and set(self._rules.key) <= set(self._names):
            self._key.add(frame[list(self._rules.key)])
        for count in self._quality:
            count.add(frame)

    def cells(self) -> Iterator[dict[str, Any]]:
        """One cell for each rule, with the number of values that break it."""
        n, described = self._rows, {column.name for column in self._rules.columns}
        for name in self._names:
            if name not in described:
                yield cell(f"{name} is not in the contract", 1, n)
        for column in self._rules.columns:
            if column.name not in self._columns:
                yield cell(f"{column.name} is missing", n, n)
                continue
            for says, broken in self._columns[column.name].told():
                yield cell(f"{column.name} {says}", broken, n)
        if self._rules.key and set(self._rules.key) <= set(self._names):
            yield cell(f"{', '.join(self._rules.key)} is unique", self._key.repeated, n)
        yield from (count.cell(n) for count in self._quality)


def violations(frame: pd.DataFrame, rules: TableRules) -> Iterator[dict[str, Any]]:
    """One cell for each rule, with the number of values of a whole table that break it."""
    counting = ContractCount(rules, list(frame.columns))
    counting.add(frame)
    return counting.cells()


def cell(name: str, value: float, n: int) -> dict[str, Any]:
    """One figure of many; a count above 0 is a failure."""
    return {"name": name, "n": n, "value": value, "verdict": "fail" if value and isinstance(value, int) else "pass"}


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
