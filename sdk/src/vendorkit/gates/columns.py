"""Columns of a benchmark that slices name: what a condition picks, and the groups of one or two columns.

A column is held as its distinct values and a code for each row, so that a condition is evaluated once for each
value. Missing values belong to no condition; as groups they are a group of their own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput
from vendorkit.records.slices import MISSING, Comparison, Condition, Operator, Slice, group_name
from vendorkit.records.tallies import MOST_VALUES

HOLDS: dict[Operator, Callable[[Any, float | str], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Args:
        levels: Its distinct values without the missing, ascending: float64 or text, shape (k,).
        codes: For each row the place of its value in `levels`, -1 where it is missing; int32, shape (n,).
    """

    levels: NDArray[Any]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.levels.dtype.kind == "f"

    @property
    def names(self) -> list[str]:
        """Its groups' names in the order of the codes; the missing come last."""
        return [*(group_name(level) for level in self.levels.tolist()), MISSING]

    @property
    def group_codes(self) -> NDArray[np.int32]:
        """The codes with the missing as the last group: 0 to k."""
        filled: NDArray[np.int32] = np.where(self.codes < 0, np.int32(len(self.levels)), self.codes)
        return filled


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that belong together.

    Args:
        name: `sex = female`, or `sex = female, housing = own`.
        rows: Their places, ascending.
    """

    name: str
    rows: NDArray[np.intp]


def picked(condition: Condition, columns: Mapping[str, Column | str]) -> NDArray[np.bool_]:
    """Rows for which a condition holds; a comparison with a missing value never does.

    Args:
        condition: Of a parsed slice.
        columns: By name, each of n rows.

    Returns:
        Shape (n,).

    Raises:
        BadInput: A column is not there, or a text is compared with a column of numbers or the other way round.
    """
    if isinstance(condition, Comparison):
        return _compared(condition, named(condition.column, columns))
    masks = [picked(part, columns) for part in condition.parts]
    joined: NDArray[np.bool_] = (np.logical_and if condition.word == "and" else np.logical_or).reduce(masks)
    return joined


def families(names: tuple[str, ...], columns: Mapping[str, Column | str]) -> Iterator[list[Group]]:
    """The groups of each column, then of each pair of columns; only groups that have rows.

    Raises:
        BadInput: A column is not there, or has too many values to be groups.
    """
    for subset in [(name,) for name in names] + list(combinations(names, 2)):
        yield list(_groups(subset, [categories(name, columns) for name in subset]))


def categories(name: str, columns: Mapping[str, Column | str]) -> Column:
    """A column whose values are groups.

    Raises:
        BadInput: It is not there, or has too many values.
    """
    found = named(name, columns)
    if len(found.levels) > MOST_VALUES:
        raise BadInput(
            f"column {name} has {len(found.levels):,} different values, more than the {MOST_VALUES} that can be "
            f"groups; use a condition such as `{name} < 25`, or a column of categories."
        )
    return found


def of_slice(sliced: Slice, columns: Mapping[str, Column | str]) -> list[Group]:
    """The rows of a condition as one group, or all groups of the columns."""
    if sliced.condition is None:
        return [group for family in families(sliced.groups, columns) for group in family]
    return [Group(sliced.text.strip(), np.flatnonzero(picked(sliced.condition, columns)))]


def named(name: str, columns: Mapping[str, Column | str]) -> Column:
    """The column of that name.

    Raises:
        BadInput: It is not there.
    """
    found = columns.get(name, "the benchmark has no such column")
    if isinstance(found, str):
        raise BadInput(f"column {name!r} cannot be used: {found.rstrip('.')}.")
    return found


def _groups(names: tuple[str, ...], found: list[Column]) -> Iterator[Group]:
    code, count = np.zeros(len(found[0]), dtype=np.int64), 1
    for each in found:
        size = len(each.levels) + 1
        code, count = code * size + each.group_codes, count * size
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=count))
    for cell in range(count):
        start = ends[cell - 1] if cell else 0
        if start < ends[cell]:
            places = _unpacked(cell, [len(each.levels) + 1 for each in found])
            said = [f"{name} = {each.names[at]}" for name, each, at in zip(names, found, places, strict=True)]
            yield Group(", ".join(said), order[start : ends[cell]])


def _unpacked(cell: int, sizes: list[int]) -> list[int]:
    places = []
    for size in reversed(sizes):
        cell, place = divmod(cell, size)
        places.append(place)
    return places[::-1]


def _compared(comparison: Comparison, found: Column) -> NDArray[np.bool_]:
    value = comparison.value
    if found.numeric == isinstance(value, str):
        holds, wants = ("numbers", "a number") if found.numeric else ("text", "a text in quotes")
        raise BadInput(f"column {comparison.column} holds {holds}; compare it with {wants} in place of {value!r}.")
    holding = HOLDS[comparison.operator](found.levels, value)
    with_missing = np.append(np.asarray(holding, dtype=bool), False)
    mask: NDArray[np.bool_] = with_missing[found.codes]  # -1 is the last place: the missing
    return mask
