"""What a data contract (Open Data Contract Standard 3.1.0) asks of a table, as plain rules of its columns.

Only what can be counted is read: `logicalType` and its options, `required`, `unique`, keys, and quality rules of the
library. Rules in SQL or of other tools are named as not counted, never skipped in silence.
"""

from __future__ import annotations

import re
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
    faults: list[Fault] = []
    tables = list(_mappings(value.get("schema"), f"{where}: schema", faults).values())
    found = [entry for entry in tables if table in (entry.get("name"), entry.get("physicalName"))]
    if not faults and not found and len(tables) != 1:
        raise BadInput(f"{where} does not describe {table}.", [Fault(f"{where}: schema", f"has no table {table!r}.")])
    rules = _rules((found or tables)[0], where, faults) if found or tables else None
    if faults or rules is None:
        raise BadInput(f"{where} cannot be judged by.", faults)
    return rules


def _mappings(value: Any, place: str, faults: list[Fault]) -> dict[int, dict[str, Any]]:
    """The entries of a list by their positions; what is no mapping is a fault."""
    if not isinstance(value, list | None):
        faults.append(Fault(place, "expected a list."))
        return {}
    found = {at: entry for at, entry in enumerate(value or ()) if isinstance(entry, dict)}
    odd = (at for at in range(len(value or ())) if at not in found)
    faults += [Fault(f"{place}[{at}]", "expected a mapping.") for at in odd]
    return found


def _mapping(value: Any, place: str, faults: list[Fault]) -> dict[str, Any]:
    """A mapping; what is none is a fault."""
    if not isinstance(value, dict | None):
        faults.append(Fault(place, "expected a mapping."))
    return value if isinstance(value, dict) else {}


def _rules(table: dict[str, Any], where: str, faults: list[Fault]) -> TableRules:
    columns: list[ColumnRules] = []
    key: list[tuple[float, str]] = []
    quality: list[Quality | str] = []
    for at, entry in _mappings(table.get("properties"), f"{where}: schema.properties", faults).items():
        place = f"{where}: schema.properties[{at}]"
        if not isinstance(entry.get("name"), str):
            faults.append(Fault(place, "has no name."))
            continue
        name = str(entry.get("physicalName") or entry["name"])
        columns.append(_column(name, entry, place, faults))
        if entry.get("primaryKey"):
            position = entry.get("primaryKeyPosition", at)
            faults += _unless(_is_number(position), f"{place}.primaryKeyPosition", position)
            key.append((position if _is_number(position) else at, name))
        quality += _quality(name, entry, place, faults)
    quality += _quality(None, table, f"{where}: schema", faults)
    if not columns and not faults:
        faults.append(Fault(f"{where}: schema", "describes no columns."))
    return TableRules(
        tuple(columns),
        tuple(name for _, name in sorted(key)),
        tuple(rule for rule in quality if isinstance(rule, Quality)),
        tuple(rule for rule in quality if isinstance(rule, str)),
    )


def _unless(fits: bool, place: str, value: Any) -> list[Fault]:
    return [] if fits else [Fault(place, f"is {value!r}.")]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


def _column(name: str, entry: dict[str, Any], place: str, faults: list[Fault]) -> ColumnRules:
    given = _mapping(entry.get("logicalTypeOptions"), f"{place}.logicalTypeOptions", faults)
    options = {key: given[key] for key in (*LIMITS, *LENGTHS, "pattern") if key in given}
    for key, value in options.items():
        fits = _is_pattern(value) if key == "pattern" else _is_number(value)
        in_time = key in LIMITS and entry.get("logicalType") in ("date", "timestamp")
        faults += _unless(fits or in_time, f"{place}.logicalTypeOptions.{key}", value)
    kind = entry.get("logicalType")
    faults += _unless(isinstance(kind, str | None), f"{place}.logicalType", kind)
    return ColumnRules(name, kind, bool(entry.get("required")), bool(entry.get("unique")), options)


def _quality(column: str | None, entry: dict[str, Any], place: str, faults: list[Fault]) -> Iterator[Quality | str]:
    for at, rule in _mappings(entry.get("quality"), f"{place}.quality", faults).items():
        kind, here = rule.get("type", "library"), f"{place}.quality[{at}]"
        if kind == "text":
            continue
        metric = rule.get("metric") or rule.get("rule")
        operator = next((name for name in OPERATORS if name in rule), None)
        if kind != "library":
            yield f"{column or 'the table'}: {rule.get('name') or rule.get('description') or f'a rule of type {kind}'}"
        elif metric not in METRICS or operator is None:
            faults.append(Fault(here, f"has metric {metric!r} and {operator or 'no operator'}."))
        else:
            bound, arguments = rule[operator], _mapping(rule.get("arguments"), f"{here}.arguments", faults)
            faults += _unless(_is_bound(bound, operator), f"{here}.{operator}", bound)
            if "pattern" in arguments:
                faults += _unless(_is_pattern(arguments["pattern"]), f"{here}.arguments.pattern", arguments["pattern"])
            yield Quality(metric, operator, bound, column, arguments, rule.get("unit") == "percent")


def _is_bound(value: Any, operator: str) -> bool:
    if not operator.endswith("Between"):
        return _is_number(value)
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
