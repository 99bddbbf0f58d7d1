"""What a data contract (Open Data Contract Standard 3.1.0) asks of a table, as plain rules of its columns.

Only what can be counted is read: `logicalType` and its options, `required`, `unique`, keys, and quality rules of the
library. Rules in SQL or of other tools are named as not counted, never skipped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vendorkit.errors import BadInput, Fault
from vendorkit.records.yaml_text import read_yaml

LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
LENGTHS = ("minLength", "maxLength")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """A quality rule of the library.

    Args:
        metric: What is counted, one of METRICS.
        operator: How it is held against `bound`, one of OPERATORS.
        bound: A number, or two.
        column: None for a rule of the whole table.
        arguments: For instance `validValues`, `missingValues`, `pattern`.
        percent: Whether the count is a share of the rows, 0 to 100.
    """

    metric: str
    operator: str
    bound: Any
    column: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    percent: bool = False


@dataclass(frozen=True)
class ColumnRules:
    """What is asked of one column.

    Args:
        name: Its name in the table.
        type: `string`, `date`, `timestamp`, `time`, `number`, `integer`, `object`, `array`, `boolean`, or None.
        required: Whether no value may be missing.
        unique: Whether no value may stand twice.
        options: Of `logicalTypeOptions`, those of LIMITS and LENGTHS, and `pattern`.
    """

    name: str
    type: str | None
    required: bool
    unique: bool
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableRules:
    """What is asked of a table.

    Args:
        columns: In the order of the contract.
        key: The columns of the primary key.
        quality: Quality rules.
        not_counted: Rules that only another tool can judge, in words.
    """

    columns: tuple[ColumnRules, ...]
    key: tuple[str, ...] = ()
    quality: tuple[Quality, ...] = ()
    not_counted: tuple[str, ...] = ()


def read_rules(text: bytes, table: str, where: str) -> TableRules:
    """The rules of one table of a data contract.

    Args:
        text: The contract, YAML.
        table: Name or physical name of the table; a contract of one table needs no match.
        where: Its path, for messages.

    Raises:
        BadInput: It is no contract, or does not have the table, or rules cannot be read; all faults are listed.
    """
    value = read_yaml(text, where).value
    if not isinstance(value, dict) or value.get("kind") != "DataContract":
        raise BadInput(f"{where} is no data contract.", [Fault(f"{where}: kind", "expected DataContract.")])
    tables = [entry for entry in value.get("schema") or () if isinstance(entry, dict)]
    found = [entry for entry in tables if table in (entry.get("name"), entry.get("physicalName"))]
    if not found and len(tables) != 1:
        raise BadInput(f"{where} does not describe {table}.", [Fault(f"{where}: schema", f"has no table {table!r}.")])
    return _rules(found[0] if found else tables[0], where)


def _rules(table: dict[str, Any], where: str) -> TableRules:
    faults: list[Fault] = []
    columns: list[ColumnRules] = []
    key: list[tuple[Any, str]] = []
    quality: list[Quality | str] = []
    for at, entry in enumerate(table.get("properties") or ()):
        place = f"{where}: schema.properties[{at}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            faults.append(Fault(place, "has no name."))
            continue
        name = str(entry.get("physicalName") or entry["name"])
        columns.append(_column(name, entry, place, faults))
        if entry.get("primaryKey"):
            key.append((entry.get("primaryKeyPosition", at), name))
        for rule in _quality(name, entry, place, faults):
            quality.append(rule)
    for rule in _quality(None, table, f"{where}: schema", faults):
        quality.append(rule)
    if not columns and not faults:
        faults.append(Fault(f"{where}: schema", "describes no columns."))
    if faults:
        raise BadInput(f"{where} cannot be judged by.", faults)
    named = tuple(name for _, name in sorted(key))
    return TableRules(
        tuple(columns),
        named,
        tuple(rule for rule in quality if isinstance(rule, Quality)),
        tuple(rule for rule in quality if isinstance(rule, str)),
    )


def _column(name: str, entry: dict[str, Any], place: str, faults: list[Fault]) -> ColumnRules:
    given = entry.get("logicalTypeOptions") or {}
    options = {key: given[key] for key in (*LIMITS, *LENGTHS, "pattern") if key in given}
    for key, value in options.items():
        fits = isinstance(value, str) if key == "pattern" else isinstance(value, int | float)
        if not fits and not (key in LIMITS and entry.get("logicalType") in ("date", "timestamp")):
            faults.append(Fault(f"{place}.logicalTypeOptions.{key}", f"is {value!r}."))
    return ColumnRules(name, entry.get("logicalType"), bool(entry.get("required")), bool(entry.get("unique")), options)


def _quality(column: str | None, entry: dict[str, Any], place: str, faults: list[Fault]) -> Iterator[Quality | str]:
    for at, rule in enumerate(entry.get("quality") or ()):
        kind = rule.get("type", "library")
        if kind == "text":
            continue
        metric = rule.get("metric") or rule.get("rule")
        operator = next((name for name in OPERATORS if name in rule), None)
        if kind != "library":
            yield f"{column or 'the table'}: {rule.get('name') or rule.get('description') or f'a rule of type {kind}'}"
        elif metric not in METRICS or operator is None:
            faults.append(Fault(f"{place}.quality[{at}]", f"has metric {metric!r} and {operator or 'no operator'}."))
        else:
            arguments = dict(rule.get("arguments") or {})
            percent = rule.get("unit") == "percent"
            yield Quality(metric, operator, rule[operator], column, arguments, percent)
