"""What a metric is asked of: the rows of a segment in memory, or what a table engine counted of them.

Both answer alike, so that a gate need not know which it has. What must be counted is said here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.base import Counted, GateSpec
from vendorkit.gates.columns import Group, families, of_slice
from vendorkit.gates.disparity import DISPARITIES, Table, table_of
from vendorkit.gates.limits import interval_of, value_of, weight_of
from vendorkit.gates.metrics import Interval, Metric, Numbers, Options, difference, metric_for
from vendorkit.gates.metrics.additive import (
    ADDITIVE,
    OUTCOMES,
    Moments,
    additive_difference,
    additive_interval,
    additive_name,
    calibration_from,
    from_outcomes,
    histogram_auc,
    histogram_auc_interval,
    histogram_precision,
)
from vendorkit.gates.metrics.classification import calibration_error, precision_interval
from vendorkit.gates.metrics.multiclass import OF_ONE_CLASS, confusion_interval
from vendorkit.gates.scored import Scored
from vendorkit.records.slices import Slice, parse_slice
from vendorkit.records.tallies import Asked, Tallies, Where

BINS = 10_000
"""Bins of a score histogram, from which an area is computed where the rows do not fit into memory."""
OF_CLASSES = "roc_auc_ovr"
FROM_HISTOGRAM = ("roc_auc", "average_precision", OF_CLASSES)
CALIBRATION = ("calibration_error", "calibration_within_groups")


class Sample(Protocol):
    """The rows of one segment, scored by one model."""

    @property
    def n(self) -> int:
        """Number of rows."""
        ...

    def value(self, name: str, metric: Metric, options: Options) -> float:
        """The value of a metric; BadInput where it has none."""
        ...

    def slack(self, name: str) -> float:
        """How far the exact value may be from `value`; 0 where it is exact."""
        ...

    def interval(self, name: str, metric: Metric, options: Options) -> Interval | None:
        """The 95 % interval, where there is one."""
        ...

    def table(self, options: Options) -> Table:
        """Rows by label and by the yes at the threshold, shape (3, 2, 2)."""
        ...

    def calibration(self, options: Options) -> float:
        """The calibration error."""
        ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows in memory: everything is exact.

    Args:
        label, score: Shape (n,).
        weight: How often each counts, above 0; None: each once.
    """

    label: Numbers
    score: Numbers
    weight: Numbers | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.label)

    def value(self, name: str, metric: Metric, options: Options) -> float:
        """As `Sample`."""
        return value_of(name, metric, self.label, self.score, replace(options, weight=self.weight))

    def slack(self, name: str) -> float:
        """Rows are exact."""
        return 0.0

    def interval(self, name: str, metric: Metric, options: Options) -> Interval | None:
        """As `Sample`."""
        return interval_of(metric, self.label, self.score, replace(options, weight=self.weight))

    def table(self, options: Options) -> Table:
        """As `Sample`."""
        return table_of(self.label, self.score >= options.threshold, self.weight)

    def calibration(self, options: Options) -> float:
        """As `Sample`."""
        return calibration_error(self.label, self.score, replace(options, weight=self.weight))


@dataclass(frozen=True, eq=False)
class Tallied:
    """What was counted of one segment.

    Args:
        tallies: Of all segments.
        at: Place of this one.
        which: `score` or `live`: whose scores.
    """

    tallies: Tallies
    at: int
    which: str = "score"

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.tallies.outcomes[self.at].sum())

    def moments(self, name: str) -> Moments:
        """The sums that a metric follows from, of candidate and live version where both were counted."""
        outcomes = self.tallies.outcomes[self.at]
        if not ADDITIVE[name].terms:
            return from_outcomes(outcomes, len(OUTCOMES) * (2 if len(outcomes) > 4 else 1))
        return Moments(self.n, self.tallies.sums[self.at], self.tallies.products[self.at])

    def value(self, name: str, metric: Metric, options: Options) -> float:
        """As `Sample`."""
        if name in FROM_HISTOGRAM:
            return self._from_histogram(name)[0]
        if name in CALIBRATION:
            return self.calibration(options)
        if metric.of_confusion is not None:
            return metric.of_confusion(self.tallies.confusion[self.which][self.at])
        name = additive_name(name, metric.tasks)
        moments, number = self.moments(name), self._number(name)
        means = moments.means[:number]
        if self.which == "live":
            means = means + moments.means[number:]
        return float(ADDITIVE[name].value(means, self.n))

    def slack(self, name: str) -> float:
        """Half the pairs that share a bin, of an area; else 0."""
        return self._from_histogram(name)[1] if name in FROM_HISTOGRAM else 0.0

    def interval(self, name: str, metric: Metric, options: Options) -> Interval | None:
        """As `Sample`."""
        if name == "roc_auc":
            return histogram_auc_interval(*self._histogram())
        if name == "average_precision":
            return precision_interval(self._from_histogram(name)[0], int(self._histogram()[1].sum()))
        if metric.of_confusion is not None:
            return confusion_interval(metric.of_confusion, self.tallies.confusion[self.which][self.at])
        name = additive_name(name, metric.tasks)
        return additive_interval(name, self.moments(name).first(self._number(name))) if name in ADDITIVE else None

    def table(self, options: Options) -> Table:
        """As `Sample`."""
        counts = self.tallies.outcomes[self.at]
        bit = 4 if self.which == "live" else 2
        code = np.arange(len(counts))
        table = np.bincount(2 * (code & 1) + (code & bit > 0), counts, minlength=4).reshape(2, 2)
        return np.stack([table] * 3)  # each row counts once

    def calibration(self, options: Options) -> float:
        """As `Sample`."""
        return calibration_from(self.tallies.calibration[self.which][self.at])

    def _number(self, name: str) -> int:
        return len(ADDITIVE[name].terms) or len(OUTCOMES)

    def _histogram(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
        counts = self.tallies.scores[self.which][self.at]
        if not counts.sum(axis=1).all():
            there = "1" if counts[1].sum() else "0"
            raise BadInput(f"all labels are {there}, so this metric has no value; it needs rows of both classes.")
        return counts[0], counts[1]

    def _from_histogram(self, name: str) -> tuple[float, float]:
        if name == OF_CLASSES:
            counts = self.tallies.class_scores[self.which][self.at]
            if not counts.sum(axis=2).all():
                raise BadInput(OF_ONE_CLASS)
            areas, bounds = histogram_auc(counts[:, 0], counts[:, 1])
            return float(areas.mean()), float(bounds.mean())
        negatives, positives = self._histogram()
        if name == "average_precision":
            return histogram_precision(negatives, positives)
        area, bound = histogram_auc(negatives[None], positives[None])
        return float(area[0]), float(bound[0])


@dataclass(frozen=True)
class Part:
    """A segment, scored by the candidate and, where one is live, by the live version."""

    name: str
    candidate: Sample
    live: Sample | None


def asked_of(spec: GateSpec, task: str, *, live: bool, rows_fit: bool) -> Asked | None:
    """What a table engine must count for a gate.

    Args:
        spec: The gate.
        task: Task of the model.
        live: Whether a live version is compared with.
        rows_fit: Whether the rows fit into memory: then what is not exact from counts is asked of them.

    Returns:
        None where counts do not answer it.

    Raises:
        BadInput: The slice cannot be read.
    """
    if spec.weight is not None:
        return None  # asked of rows in memory
    name = spec.metric or ""
    disparity = DISPARITIES.get(name) if spec.kind == "fairness" else None
    metric = metric_for(name, task)
    summed = additive_name(name, metric.tasks) if metric else name
    by_class = metric is not None and metric.of_confusion is not None
    exact = disparity is not None or summed in ADDITIVE or by_class
    if not exact and (rows_fit or name not in (*FROM_HISTOGRAM, *CALIBRATION)):
        return None
    sliced = parse_slice(spec.slice) if spec.slice else None
    options = Options(bins=spec.bins or 10)
    return Asked(
        columns=sliced.groups if sliced else (),
        condition=sliced.condition if sliced else None,
        live="live" if live else "",
        threshold=(0.5 if spec.threshold is None else spec.threshold) if task == "binary" else None,
        terms=ADDITIVE[summed].terms if summed in ADDITIVE else (),
        quantile=spec.quantile or 0.5,
        score_bins=BINS if name in FROM_HISTOGRAM and name != OF_CLASSES else 0,
        confusion=by_class,
        class_bins=BINS if name == OF_CLASSES else 0,
        edges=tuple(options.edges.tolist()) if name in CALIBRATION else (),
    )


def whole(spec: GateSpec, candidate: Scored | Counted, live: Scored | Counted | None) -> Part:
    """All rows of a benchmark."""
    return next(_parts(spec, None, candidate, live))


def slices(spec: GateSpec, sliced: Slice, candidate: Scored | Counted, live: Scored | Counted | None) -> list[Part]:
    """The segments of a slice."""
    return list(_parts(spec, sliced, candidate, live))


def compared(spec: GateSpec, sliced: Slice, rows: Scored | Counted, *, live: bool = False) -> list[list[Part]]:
    """The groups of each column, and of each pair of columns, of which only the candidate's sample is set."""
    if isinstance(rows, Scored):
        weight, found = weight_of(spec, rows), families(sliced.groups, rows.columns)
        return [[_rows_part(group, rows, None, weight) for group in family] for family in found]
    tallies = tallies_of(spec, rows)
    counted: dict[tuple[str, ...], list[Part]] = {}
    for at, where in enumerate(tallies.where):
        if where:
            sample = Tallied(tallies, at, "live" if live else "score")
            counted.setdefault(tuple(column for column, _ in where), []).append(Part(_name(where), sample, None))
    return list(counted.values())


def live_value(spec: GateSpec, metric: Metric, part: Part, options: Options) -> tuple[float, float] | None:
    """The live version's value on a segment, and how far the exact one may be; None where there is none.

    Raises:
        BadInput: It has no value there, and the gate compares with it.
    """
    name = spec.metric or ""
    if part.live is None:
        return None
    try:
        return part.live.value(name, metric, options), part.live.slack(name)
    except BadInput:
        if spec.max_drop_vs_current is not None:
            raise
    return None


def apart(name: str, metric: Metric, part: Part, options: Options) -> Interval | None:
    """The 95 % interval of candidate minus live version, where there is one."""
    if isinstance(part.candidate, Rows) and isinstance(part.live, Rows):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            own = part.candidate
            return difference(metric, own.label, own.score, part.live.score, replace(options, weight=own.weight))
    name = additive_name(name, metric.tasks)
    if isinstance(part.candidate, Tallied) and name in ADDITIVE:
        return additive_difference(name, part.candidate.moments(name))
    return None


def tallies_of(spec: GateSpec, counted: Counted) -> Tallies:
    """What was counted for a gate.

    Raises:
        BadInput: Nothing was, and why.
    """
    found = counted.tallies.get(spec.id)
    if found is None:
        raise BadInput(
            f"{spec.metric} is measured on rows in memory, and {counted.benchmark} has {counted.n:,} rows, more than "
            f"the {counted.most_rows:,} that fit; ask it of a smaller benchmark."
        )
    if isinstance(found, str):
        raise BadInput(found)
    return found


def _parts(
    spec: GateSpec, sliced: Slice | None, candidate: Scored | Counted, live: Scored | Counted | None
) -> Iterator[Part]:
    if isinstance(candidate, Scored):
        both, weight = live if isinstance(live, Scored) else None, weight_of(spec, candidate)
        groups = [Group("", np.arange(candidate.n))] if sliced is None else of_slice(sliced, candidate.columns)
        yield from (_rows_part(group, candidate, both, weight) for group in groups)
        return
    tallies = tallies_of(spec, candidate)
    for at, where in enumerate(tallies.where):
        part = Part(_name(where), Tallied(tallies, at), Tallied(tallies, at, "live") if live is not None else None)
        if sliced is None or sliced.condition is not None:
            yield replace(part, name=sliced.text.strip() if sliced else "")
        elif where:
            yield part


def _rows_part(group: Group, rows: Scored, live: Scored | None, weight: Numbers | None = None) -> Part:
    """A group; rows that count nothing are left out of it."""
    places = group.rows if weight is None else group.rows[weight[group.rows] > 0.0]
    own = Rows(rows.label[places], rows.score[places], None if weight is None else weight[places])
    return Part(group.name, own, replace(own, score=live.score[places]) if live is not None else None)


def _name(where: Where) -> str:
    return ", ".join(f"{column} = {value}" for column, value in where)
