"""Few combinations in which every two values of different questions meet once, where they may meet at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

Pair = tuple[tuple[str, int], tuple[str, int]]
"""Two questions, in the order of their names, each with the number of a value."""


def covering(values: Mapping[str, Sequence[Any]], possible: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Combinations that hold every possible pair of values.

    Each begins with a pair that is not held yet and takes, question by question, the value that holds most new pairs.

    Args:
        values: Question to its values.
        possible: Whether some answers go together; asked of some of the questions too, and of no more than pairs in
            substance: what is possible two by two must be possible together.
    """
    left = {pair for pair in pairs(values) if possible({name: values[name][place] for name, place in pair})}
    found = []
    while left:
        row = dict(min(left))
        for name in sorted(values, key=lambda name: -len(values[name])):
            if name not in row:
                fitting = [
                    place for place in range(len(values[name])) if possible(_answers({**row, name: place}, values))
                ]
                row[name] = max(fitting, key=lambda place, name=name: len(_held({**row, name: place}) & left))  # type: ignore[misc]
        left -= _held(row)
        found.append(_answers(row, values))
    return found


def pairs(values: Mapping[str, Sequence[Any]]) -> set[Pair]:
    """Every two values of different questions."""
    every = [(name, place) for name in sorted(values) for place in range(len(values[name]))]
    return {(one, other) for one, other in combinations(every, 2) if one[0] != other[0]}


def _held(row: Mapping[str, int]) -> set[Pair]:
    return set(combinations(sorted(row.items()), 2))


def _answers(row: Mapping[str, int], values: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: values[name][place] for name, place in row.items()}
