"""Counting segments inside the table engine: every value of some columns and every pair, in one pass over the rows.

Rows become small numbers once. Then a few groupings of three or four columns are counted, from which every pair and
every single column is added up: six groupings in place of twenty-one for six columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from vendorkit.adapters.tables.source import TableSource, said_plainly
from vendorkit.errors import BadInput, Fault
from vendorkit.records.tallies import Tallies, Where

CLIP = float(np.finfo(np.float64).eps)
MOST_VALUES = 200
MOST_CELLS = 65_536
"""Cells of one grouping: its counters stay in the cache of a core."""

MISSING = "(missing)"
Dense = dict[str, NDArray[Any]]


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


def tally(
    source: TableSource, columns: tuple[str, ...], *, label: str, score: str, threshold: float = 0.5, bins: int = 0
) -> Tallies:
    """Count all rows, each value of each column, and each pair of values of two columns.

    Args:
        source: Rows in any engine that Ibis speaks.
        columns: Names of columns with at most 200 different values each.
        label: Column of 0 and 1.
        score: Column of the probability of 1, 0 to 1.
        threshold: A score of at least this is a yes.
        bins: Bins of the score histograms, 0 for none.

    Raises:
        BadInput: Columns are not there, labels or scores are missing or out of range, or a column has too many
            values; says all faults.
    """
    table = source.unordered
    _check(table, columns, label, score)
    coded = [_coded(table, name) for name in columns]
    ones, p = (table[label] == 1).cast("int8"), table[score].cast("float64")
    clipped = ibis.greatest(ibis.least(p, 1.0 - CLIP), CLIP)
    named = {
        **{f"c{place}": each.code for place, each in enumerate(coded)},
        "o": ((p >= threshold).cast("int8") * 2 + ones).cast("int8"),
        "l": -ibis.ifelse(ones == 1, clipped, 1.0 - clipped).ln(),
        "s": (p - ones) * (p - ones),
    }
    if bins:
        named["h"] = ibis.least((p * bins).floor(), bins - 1.0).cast("int32")
    with said_plainly(source.source), table.select(**named).cache() as rows:
        counted = _counted(rows, [len(each.values) for each in coded])
        histograms = _histograms(rows, [len(each.values) for each in coded], bins) if bins else {}
    return _tallies(coded, counted, histograms, bins)


def _check(table: Any, columns: tuple[str, ...], label: str, score: str) -> None:
    there = [name for name in (*columns, label, score) if name not in table.columns]
    faults = [Fault(name, f"is no column; there are {', '.join(table.columns)}.") for name in there]
    for name in (label, score):
        if name not in there and not (table[name].type().is_numeric() or table[name].type().is_boolean()):
            faults.append(Fault(name, f"holds {table[name].type()}, expected numbers."))
    if not faults:
        y, p = table[label].cast("float64"), table[score].cast("float64")
        asked = table.aggregate(
            n=table.count(),
            labels=((y == 0) | (y == 1)).fill_null(False).sum(),
            scores=((p >= 0) & (p <= 1) & ~p.isnan()).fill_null(False).sum(),
        )
        found = asked.to_pyarrow().to_pylist()[0]
        if not found["n"]:
            faults.append(Fault("", "The table has no rows."))
        elif found["labels"] < found["n"]:
            faults.append(Fault(label, f"is neither 0 nor 1 in {found['n'] - found['labels']:,} rows."))
        if (found["scores"] or 0) < found["n"]:
            says = f"is missing, NaN or outside 0 to 1 in {found['n'] - found['scores']:,} rows."
            faults.append(Fault(score, says))
    if faults:
        raise BadInput("This table cannot be counted.", faults)


def _coded(table: Any, name: str) -> Coded:
    column = table[name]
    if column.type().is_integer():
        least, most = table.aggregate(a=column.min(), b=column.max()).to_pyarrow().to_pylist()[0].values()
        if least is not None and most - least < MOST_VALUES:
            code = (column - least).cast("int16").fill_null(most - least + 1)
            return Coded(name, (*map(str, range(least, most + 1)), MISSING), code)
    values = table.select(v=column).distinct().filter(lambda each: each.v.notnull()).limit(MOST_VALUES + 1)
    levels = sorted(values.to_pyarrow()["v"].to_pylist())
    if len(levels) > MOST_VALUES:
        says = f"has more than {MOST_VALUES} different values."
        raise BadInput("This table cannot be counted.", [Fault(name, says, "Use a column of categories.")])
    branches = [(level, place) for place, level in enumerate(levels)]
    code = column.cases(*branches, else_=len(levels)).cast("int16") if branches else ibis.literal(0, "int16")
    return Coded(name, (*map(_said, levels), MISSING), code)


def _said(level: Any) -> str:
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def covering(sizes: list[int]) -> list[tuple[int, ...]]:
    """Groupings of columns such that every pair, and every column, is in one: the most new pairs first.

    Args:
        sizes: Number of values of each column.

    Returns:
        Places of columns; groupings of more than two columns have at most `MOST_CELLS` cells.
    """
    open_pairs = set(combinations(range(len(sizes)), 2))
    if not open_pairs:
        return [(0,)] if sizes else [()]
    allowed = [
        each
        for width in (2, 3, 4)
        for each in combinations(range(len(sizes)), width)
        if width == 2 or 4 * prod(sizes[place] for place in each) <= MOST_CELLS * 4
    ]
    chosen = []
    while open_pairs:
        best = max(
            allowed,
            key=lambda each: (
                len(open_pairs & set(combinations(each, 2))),
                -prod(sizes[place] for place in each),
            ),
        )
        chosen.append(best)
        open_pairs -= set(combinations(best, 2))
    return chosen


def _counted(rows: Any, sizes: list[int]) -> dict[tuple[int, ...], Dense]:
    """Counts and sums of every single and pair: dense arrays of shape (sizes..., 4)."""
    found: dict[tuple[int, ...], Dense] = {}
    for places in covering(sizes):
        keys = [*(f"c{place}" for place in places), "o"]
        grouped = rows.group_by(keys).agg(n=rows.count(), l=rows.l.sum(), s=rows.s.sum())
        answer = grouped.to_pyarrow()
        shape = (*(sizes[place] for place in places), 4)
        at = np.ravel_multi_index([answer[key].to_numpy().astype(np.int64) for key in keys], shape)
        dense: Dense = {}
        for name, kind in (("n", np.int64), ("l", np.float64), ("s", np.float64)):
            flat = np.zeros(prod(shape), dtype=kind)
            flat[at] = answer[name].to_numpy()
            dense[name] = flat.reshape(shape)
        for width in (0, 1, 2):
            for axes in combinations(range(len(places)), width):
                kept = tuple(places[axis] for axis in axes)
                if kept not in found:
                    out = tuple(axis for axis in range(len(places)) if axis not in axes)
                    found[kept] = {name: array.sum(axis=out) for name, array in dense.items()}
    return found


def _histograms(rows: Any, sizes: list[int], bins: int) -> dict[tuple[int, ...], NDArray[np.int64]]:
    """Score histograms of all rows and of every single column: shape (values, 2, bins)."""
    found: dict[tuple[int, ...], NDArray[np.int64]] = {}
    coded = rows.mutate(y=rows.o % 2)
    for place, size in enumerate(sizes) if sizes else [(-1, 1)]:
        keys = [*([f"c{place}"] if place >= 0 else []), "y", "h"]
        answer = coded.group_by(keys).agg(n=coded.count()).to_pyarrow()
        counts = np.zeros((size, 2, bins), dtype=np.int64)
        first = answer[f"c{place}"].to_numpy() if place >= 0 else np.zeros(answer.num_rows, dtype=np.int64)
        counts[first, answer["y"].to_numpy(), answer["h"].to_numpy()] = answer["n"].to_numpy()
        found[(place,)] = counts
        found.setdefault((), counts.sum(axis=0, keepdims=True))
    return found


def _tallies(
    coded: list[Coded],
    counted: dict[tuple[int, ...], Dense],
    histograms: dict[tuple[int, ...], NDArray[np.int64]],
    bins: int,
) -> Tallies:
    where: list[Where] = []
    parts: dict[str, list[NDArray[Any]]] = {"n": [], "l": [], "s": [], "h": []}
    for places in sorted(counted, key=lambda each: (len(each), each)):
        dense = {name: array.reshape(-1, 4) for name, array in counted[places].items()}
        kept = np.flatnonzero(dense["n"].sum(axis=1))
        sizes = tuple(len(coded[place].values) for place in places)
        for cell in kept.tolist():
            at = np.unravel_index(cell, sizes) if sizes else ()
            named = zip(places, at, strict=True)
            where.append(tuple((coded[place].name, coded[place].values[value]) for place, value in named))
        for name, array in dense.items():
            parts[name].append(array[kept])
        if places in histograms:
            parts["h"].append(histograms[places][kept])
    outcomes = np.concatenate(parts["n"])
    histogram = np.concatenate(parts["h"]) if parts["h"] else np.zeros((0, 2, bins), dtype=np.int64)
    return Tallies(
        where=tuple(where),
        tn=outcomes[:, 0],
        fn=outcomes[:, 1],
        fp=outcomes[:, 2],
        tp=outcomes[:, 3],
        log_loss=np.concatenate(parts["l"]).sum(axis=1),
        squared_error=np.concatenate(parts["s"]).sum(axis=1),
        negatives=histogram[:, 0],
        positives=histogram[:, 1],
    )
