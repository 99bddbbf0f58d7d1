"""What is counted of each row, as expressions of a table engine: losses, outcomes, bins, conditions and groups.

The meaning of each is in `records.tallies`; nothing is computed here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import ibis
import numpy as np

from vendorkit.errors import BadInput, Fault
from vendorkit.records.slices import MISSING, Comparison, Condition, Operator, group_name
from vendorkit.records.tallies import MOST_VALUES, Asked, Term

CLIP = float(np.finfo(np.float64).eps)
_HOLDS: dict[Operator, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Scale:
    """What the terms need to know of all rows.

    Args:
        asked: What is counted.
        mean: Mean of the labels.
        said: The most probable class of each row, where there are classes.
    """

    asked: Asked
    mean: float
    said: Any = None


def _log_loss(y: Any, p: Any, scale: Scale) -> Any:
    clipped = ibis.greatest(ibis.least(p, 1.0 - CLIP), CLIP)
    return -ibis.ifelse(y == 1, clipped, 1.0 - clipped).ln()


def _pinball(y: Any, p: Any, scale: Scale) -> Any:
    q = scale.asked.quantile
    return ibis.greatest(q * (y - p), (q - 1.0) * (y - p))


TERMS: dict[Term, Callable[[Any, Any, Scale], Any]] = {
    "log_loss": _log_loss,
    "class_log_loss": lambda y, p, scale: -ibis.greatest(ibis.least(p, 1.0 - CLIP), CLIP).ln(),
    "right": lambda y, p, scale: (scale.said == y).cast("float64"),
    "squared_error": lambda y, p, scale: (y - p) * (y - p),
    "absolute_error": lambda y, p, scale: (y - p).abs(),
    "relative_error": lambda y, p, scale: (y - p).abs() / ibis.greatest(y.abs(), CLIP),
    "pinball": _pinball,
    "zero": lambda y, p, scale: (y == 0).cast("float64"),
    "size": lambda y, p, scale: y.abs(),
    "label": lambda y, p, scale: y - scale.mean,
    "label_squared": lambda y, p, scale: (y - scale.mean) * (y - scale.mean),
}
"""Every term, from label, score and scale."""


def outcome(y: Any, scores: list[Any], threshold: float | None) -> Any:
    """The label, and twice each score's yes, as one small number; 0 where labels are not 0 and 1."""
    if threshold is None:
        return ibis.literal(0, "int8")
    code = (y == 1).cast("int8")
    for place, p in enumerate(scores, start=1):
        code = code + (p >= threshold).cast("int8") * (1 << place)
    return code.cast("int8")


def score_bin(p: Any, bins: int) -> Any:
    """The bin of a score from 0 to 1, bins of equal width, closed on the left, the last on both sides."""
    return ibis.least((p * bins).floor(), bins - 1.0).cast("int32")


def edge_bin(p: Any, edges: tuple[float, ...]) -> Any:
    """How many edges a score lies above."""
    return reduce(operator.add, ((p > edge).cast("int32") for edge in edges), ibis.literal(0, "int32"))


def holds(condition: Condition, table: Any) -> Any:
    """A condition on rows; a comparison with a missing value never holds.

    Raises:
        BadInput: A text is compared with numbers or the other way round, or a column is not there.
    """
    if not isinstance(condition, Comparison):
        word = operator.and_ if condition.word == "and" else operator.or_
        return reduce(word, (holds(part, table) for part in condition.parts))
    name, value = condition.column, condition.value
    column = _column(table, name)
    if column.type().is_numeric() == isinstance(value, str):
        found, wants = ("numbers", "a number") if column.type().is_numeric() else ("text", "a text in quotes")
        raise BadInput(f"column {name} holds {found}; compare it with {wants} in place of {value!r}.")
    return _HOLDS[condition.operator](column, value).fill_null(False)


def _column(table: Any, name: str) -> Any:
    if name not in table.columns:
        raise BadInput(f"column {name!r} cannot be used: the benchmark has no such column.")
    return table[name]


@dataclass(frozen=True)
class Coded:
    """A column as numbers from 0; the last is a missing value.

    Args:
        name: The column.
        values: What each number stands for, as people read it.
        code: The Ibis expression.
    """

    name: str
    values: tuple[str, ...]
    code: Any


def coded(table: Any, names: Sequence[str]) -> tuple[Coded, ...]:
    """Columns whose values are groups.

    Raises:
        BadInput: One has too many different values.
    """
    whole = [name for name in names if table[name].type().is_integer()]
    asked = {
        f"{what}{place}": value
        for place, name in enumerate(whole)
        for what, value in (("min", table[name].min()), ("max", table[name].max()), ("n", table[name].count()))
    }
    found = table.aggregate(rows=table.count(), **asked).to_pyarrow().to_pylist()[0] if whole else {}
    ranges = {
        name: (found[f"min{place}"], found[f"max{place}"], found[f"n{place}"] < found["rows"])
        for place, name in enumerate(whole)
    }
    return tuple(_coded(table, name, *ranges.get(name, (None, None, True))) for name in names)


def _coded(table: Any, name: str, least: int | None, most: int | None, gaps: bool) -> Coded:
    """A column; of whole numbers with their range, and whether values are missing."""
    column = table[name]
    if least is not None and most is not None and most - least < MOST_VALUES:
        code = (column.cast("int64") - least if least else column).cast("int16")
        code = code.fill_null(most - least + 1) if gaps else code
        return Coded(name, (*map(str, range(least, most + 1)), MISSING), code)
    values = table.select(v=column).distinct().filter(lambda each: each.v.notnull()).limit(MOST_VALUES + 1)
    levels = sorted(values.to_pyarrow()["v"].to_pylist())
    if len(levels) > MOST_VALUES:
        says = f"has more than {MOST_VALUES} different values."
        raise BadInput("This table cannot be counted.", [Fault(name, says, "Use a column of categories.")])
    branches = [(level, place) for place, level in enumerate(levels)]
    code = column.cases(*branches, else_=len(levels)).cast("int16") if branches else ibis.literal(0, "int16")
    return Coded(name, (*map(group_name, levels), MISSING), code)
