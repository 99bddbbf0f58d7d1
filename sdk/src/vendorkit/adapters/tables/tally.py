"""Counting segments inside the table engine: every value of some columns and every pair, in one pass over the rows.

Rows become small numbers once. Then a few groupings of three or four columns are counted, from which every pair and
every single column is added up: six groupings in place of twenty-one for six columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vendorkit.adapters.tables.source import TableSource, said_plainly
from vendorkit.adapters.tables.terms import TERMS, Coded, Scale, coded, edge_bin, holds, outcome, score_bin
from vendorkit.errors import BadInput, Fault
from vendorkit.records.class_scores import SAID, class_column
from vendorkit.records.tallies import Asked, Tallies, Where

MOST_CELLS = 16_384
"""Cells of one grouping: an engine sets up and reads through a counter for each, also for few rows."""
MOST_BINS = 8_000_000
"""Counters of all score histograms of one grouping; the bins become fewer before they become more than this."""
FEWEST_BINS = 100

Dense = dict[str, NDArray[Any]]
Family = tuple[int, ...]
"""Places of the columns whose values are the segments: none, one or two."""


@dataclass(frozen=True)
class Counting:
    """Rows as small numbers, ready to be grouped.

    Args:
        rows: Columns `c0`, `c1` ... of codes, `o` the outcome, `t0` ... the terms, `y` the label, `score`, `live`.
        asked: What is counted.
        columns: The columns that `c0` ... stand for.
        terms: Names of the terms.
    """

    rows: Any
    asked: Asked
    columns: tuple[Coded, ...]
    terms: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        """Number of values of each column, the missing one among them."""
        return [len(each.values) for each in self.columns]

    @property
    def outcomes(self) -> int:
        """Number of outcomes."""
        return 1 if self.asked.threshold is None else 8 if self.asked.live else 4

    @property
    def scores(self) -> tuple[str, ...]:
        """The score columns."""
        return ("score", "live") if self.asked.live else ("score",)

    @property
    def families(self) -> list[Family]:
        """All rows, every column, every pair of columns."""
        places = range(len(self.columns))
        return [(), *((place,) for place in places), *combinations(places, 2)]

    @property
    def products(self) -> list[tuple[int, int]]:
        """The pairs of terms whose products are summed."""
        return list(combinations_with_replacement(range(len(self.terms)), 2))


def tally(source: TableSource, asked: Asked) -> Tallies:
    """Count all rows, each value of each column, and each pair of values of two columns.

    Args:
        source: Rows in any engine that Ibis speaks.
        asked: What is counted.

    Raises:
        BadInput: Columns are not there, labels or scores are missing or out of range, or a column has too many
            values; says all faults.
    """
    table = source.unordered
    with said_plainly(source.source):
        mean = _check(table, asked)
        if asked.condition is not None:
            table = table.filter(holds(asked.condition, table))
            mean = float(table[asked.label].cast("float64").mean().to_pyarrow().as_py() or 0.0)
        columns = coded(table, asked.columns)
        named, terms = _numbers(table, asked, columns, mean)
        with table.select(**named).cache() as rows:
            return _tallies(Counting(rows, asked, columns, terms))


def _numbers(
    table: Any, asked: Asked, columns: tuple[Coded, ...], mean: float
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns that are grouped and summed, and the names of the terms."""
    y = table[asked.label].cast("float64")
    scores = {"score": table[asked.score].cast("float64")}
    if asked.live:
        scores["live"] = table[asked.live].cast("float64")
    named = {f"c{place}": each.code for place, each in enumerate(columns)}
    named["o"] = outcome(y, list(scores.values()), asked.threshold)
    scale = Scale(asked, mean, table[SAID] if asked.classes else None)
    terms: dict[str, Any] = {term: TERMS[term](y, scores["score"], scale) for term in asked.terms}
    if asked.live:
        other = Scale(asked, mean, table[f"live {SAID}"] if asked.classes else None)
        terms |= {f"live.{term}": TERMS[term](y, scores["live"], other) - terms[term] for term in asked.terms}
    named |= {f"t{place}": each for place, each in enumerate(terms.values())}
    if asked.score_bins or asked.edges or asked.class_bins:
        named |= {"y": y, **scores}
    return named | _of_classes(table, asked, y), tuple(terms)


def _of_classes(table: Any, asked: Asked, y: Any) -> dict[str, Any]:
    """What is grouped by besides where there are classes: both in one number, and each class's probability."""
    named = {}
    for which, start in (("score", ""), *([("live", "live ")] if asked.live else [])):
        if asked.confusion:
            named[f"{which}_both"] = (y * asked.classes + table[f"{start}{SAID}"]).cast("int32")
        if asked.class_bins:
            named |= {f"{which}_p{place}": table[f"{start}{class_column(place)}"] for place in range(asked.classes)}
    return named


def _check(table: Any, asked: Asked) -> float:
    """Refuse what cannot be counted; gives the mean of the labels."""
    numbers = (asked.label, asked.score, *([asked.live] if asked.live else []))
    absent = [name for name in (*asked.columns, *numbers) if name not in table.columns]
    faults = [Fault(name, f"is no column; there are {', '.join(table.columns)}.") for name in absent]
    for name in numbers:
        if name not in absent and not (table[name].type().is_numeric() or table[name].type().is_boolean()):
            faults.append(Fault(name, f"holds {table[name].type()}, expected numbers."))
    if faults:
        raise BadInput("This table cannot be counted.", faults)
    y = table[asked.label].cast("float64")
    binary = asked.threshold is not None
    right = ((y == 0) | (y == 1)) if binary else ~(y.isnan() | y.isinf())
    fit = {asked.label: right.fill_null(False).sum()}
    for name in numbers[1:]:
        p = table[name].cast("float64")
        fit[name] = (((p >= 0) & (p <= 1) if binary else ~p.isinf()) & ~p.isnan()).fill_null(False).sum()
    named = {f"fit{place}": each for place, each in enumerate(fit.values())}
    found = table.aggregate(n=table.count(), mean=y.mean(), **named).to_pyarrow().to_pylist()[0]
    if not found["n"]:
        raise BadInput("This table cannot be counted.", [Fault("", "The table has no rows.")])
    for place, name in enumerate(fit):
        if lacking := found["n"] - (found[f"fit{place}"] or 0):
            what = "is missing, NaN or outside 0 to 1" if binary else "is missing, NaN or infinite"
            says = "is neither 0 nor 1" if binary and not place else what
            faults.append(Fault(name, f"{says} in {lacking:,} rows."))
    if faults:
        raise BadInput("This table cannot be counted.", faults)
    return float(found["mean"])


def covering(sizes: list[int]) -> list[Family]:
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
        if width == 2 or prod(sizes[place] for place in each) <= MOST_CELLS
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


def _counted(counting: Counting) -> dict[Family, Dense]:
    """Counts and sums of every family: dense arrays of shape (sizes..., outcomes)."""
    found: dict[Family, Dense] = {}
    for places in covering(counting.sizes):
        dense = _grouped(counting, places)
        for width in (0, 1, 2):
            for axes in combinations(range(len(places)), width):
                kept = tuple(places[axis] for axis in axes)
                if kept not in found:
                    out = tuple(axis for axis in range(len(places)) if axis not in axes)
                    found[kept] = {name: array.sum(axis=out) for name, array in dense.items()}
    return found


def _grouped(counting: Counting, places: Family) -> Dense:
    rows = counting.rows
    sums = {f"s{at}": rows[f"t{at}"].sum() for at in range(len(counting.terms))}
    sums |= {f"p{one}_{two}": (rows[f"t{one}"] * rows[f"t{two}"]).sum() for one, two in counting.products}
    keys = [*(f"c{place}" for place in places), "o"]
    answer = rows.group_by(keys).agg(n=rows.count(), **sums).to_pyarrow()
    shape = (*(counting.sizes[place] for place in places), counting.outcomes)
    at = np.ravel_multi_index([answer[key].to_numpy().astype(np.int64) for key in keys], shape)
    dense: Dense = {}
    for name in ("n", *sums):
        flat = np.zeros(prod(shape), dtype=np.int64 if name == "n" else np.float64)
        flat[at] = answer[name].to_numpy()
        dense[name] = flat.reshape(shape)
    return dense


def _histograms(counting: Counting, score: str) -> Iterator[NDArray[np.int64]]:
    """For each family the rows by label and score: shape (cells, 2, bins), the same number of bins for all."""
    largest = max(prod(counting.sizes[place] for place in family) for family in counting.families)
    bins = min(counting.asked.score_bins, max(FEWEST_BINS, MOST_BINS // (2 * largest)))
    rows = counting.rows.mutate(b=score_bin(counting.rows[score], bins), y=counting.rows.y.cast("int8"))
    for family in counting.families:
        keys = [*(f"c{place}" for place in family), "y", "b"]
        answer = rows.group_by(keys).agg(n=rows.count()).to_pyarrow()
        shape = [*(counting.sizes[place] for place in family), 2, bins]
        yield _dense(answer, keys, shape, "n").reshape(-1, 2, bins).astype(np.int64)


def _calibration(counting: Counting, score: str) -> Iterator[NDArray[np.float64]]:
    """For each family rows, sum of labels and sum of scores in each bin: shape (cells, bins, 3)."""
    bins = len(counting.asked.edges) + 1
    rows = counting.rows.mutate(b=edge_bin(counting.rows[score], counting.asked.edges))
    for family in counting.families:
        keys = [*(f"c{place}" for place in family), "b"]
        answer = rows.group_by(keys).agg(n=rows.count(), ones=rows.y.sum(), said=rows[score].sum()).to_pyarrow()
        shape = [*(counting.sizes[place] for place in family), bins]
        parts = [_dense(answer, keys, shape, name).reshape(-1, bins) for name in ("n", "ones", "said")]
        yield np.stack(parts, axis=2)


def _confusions(counting: Counting, score: str) -> Iterator[NDArray[np.int64]]:
    """For each family the rows by label and most probable class: shape (cells, classes, classes)."""
    classes, both = counting.asked.classes, f"{score}_both"
    for family in counting.families:
        keys = [*(f"c{place}" for place in family), both]
        answer = counting.rows.group_by(keys).agg(n=counting.rows.count()).to_pyarrow()
        shape = [*(counting.sizes[place] for place in family), classes * classes]
        yield _dense(answer, keys, shape, "n").reshape(-1, classes, classes).astype(np.int64)


def _class_histograms(counting: Counting, score: str) -> Iterator[NDArray[np.int64]]:
    """For each family the rows by class, whether it happened, and its probability: shape (cells, classes, 2, bins)."""
    classes = counting.asked.classes
    largest = classes * max(prod(counting.sizes[place] for place in family) for family in counting.families)
    bins = min(counting.asked.class_bins, max(FEWEST_BINS, MOST_BINS // (2 * largest)))
    for family in counting.families:
        each = []
        for place in range(classes):
            p = counting.rows[f"{score}_p{place}"]
            rows = counting.rows.mutate(b=score_bin(p, bins), own=(counting.rows.y == place).cast("int8"))
            keys = [*(f"c{column}" for column in family), "own", "b"]
            answer = rows.group_by(keys).agg(n=rows.count()).to_pyarrow()
            shape = [*(counting.sizes[column] for column in family), 2, bins]
            each.append(_dense(answer, keys, shape, "n").reshape(-1, 2, bins).astype(np.int64))
        yield np.stack(each, axis=1)


def _dense(answer: Any, keys: list[str], shape: list[int], name: str) -> NDArray[np.float64]:
    """Grouped values in their places, shape (prod(shape),)."""
    flat = np.zeros(prod(shape), dtype=np.float64)
    flat[np.ravel_multi_index([answer[key].to_numpy().astype(np.int64) for key in keys], shape)] = answer[name]
    return flat


def _tallies(counting: Counting) -> Tallies:
    counted, asked, columns = _counted(counting), counting.asked, counting.columns
    where: list[Where] = []
    present: list[NDArray[np.intp]] = []
    for family in counting.families:
        cells = counted[family]["n"].reshape(-1, counting.outcomes)
        present.append(np.flatnonzero(cells.sum(axis=1)) if family else np.zeros(1, dtype=np.intp))
        sizes = tuple(len(columns[place].values) for place in family)
        for cell in present[-1].tolist():
            at = np.unravel_index(cell, sizes) if sizes else ()
            named = zip(family, at, strict=True)
            where.append(tuple((columns[place].name, columns[place].values[value]) for place, value in named))

    def every(name: str) -> NDArray[Any]:
        kept = zip(counting.families, present, strict=True)
        return np.concatenate([counted[family][name].reshape(-1, counting.outcomes)[cells] for family, cells in kept])

    def stacked(arrays: Iterator[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([array[cells] for array, cells in zip(arrays, present, strict=True)])

    number = len(counting.terms)
    products = np.zeros((len(where), number, number))
    for one, two in counting.products:
        products[:, one, two] = products[:, two, one] = every(f"p{one}_{two}").sum(axis=1)
    sums = [every(f"s{at}").sum(axis=1) for at in range(number)]
    return Tallies(
        where=tuple(where),
        outcomes=every("n"),
        terms=counting.terms,
        sums=np.stack(sums, axis=1) if sums else np.zeros((len(where), 0)),
        products=products,
        scores={name: stacked(_histograms(counting, name)) for name in counting.scores if asked.score_bins},
        calibration={name: stacked(_calibration(counting, name)) for name in counting.scores if asked.edges},
        confusion={name: stacked(_confusions(counting, name)) for name in counting.scores if asked.confusion},
        class_scores={name: stacked(_class_histograms(counting, name)) for name in counting.scores if asked.class_bins},
    )
