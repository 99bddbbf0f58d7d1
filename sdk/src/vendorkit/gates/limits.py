"""What performance, segment and fairness gates share: the measured rows, the value, and its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.base import Counted, Evidence, GateSpec
from vendorkit.gates.columns import Column, named
from vendorkit.gates.metrics import METRICS, Interval, Metric, Numbers, Options, metric_for, metrics_for
from vendorkit.gates.metrics.base import Better
from vendorkit.gates.numbers import number, shown
from vendorkit.gates.scored import Scored
from vendorkit.records.slices import parse_slice

LEAST_ROWS = 30
"""Where `min_rows` is not declared: the usual least size at which an average is taken to be nearly normal."""

LEAST_WEIGHT = 1e-100
"""Of the largest: the squares of smaller weights vanish, and no number of rows follows from them."""

ROUNDING = 1e-12
"""Relative slack of every comparison: 0.77 - 0.765 is 0.0050000000000000044 and still a drop of 0.005."""


@dataclass(frozen=True)
class Bound:
    """One limit of a gate, and whether the value keeps it."""

    words: str
    number: float
    kept: bool


def metric_of(spec: GateSpec, task: str) -> Metric:
    """The metric that a gate names.

    Raises:
        BadInput: There is none of that name for the task.
    """
    metric = metric_for(spec.metric or "", task)
    if metric is None:
        known = ", ".join(metrics_for(task)) or "none yet"
        if spec.metric is None:
            says = "`metric` is missing"
        elif spec.metric not in METRICS:
            says = f"there is no metric {spec.metric!r}"
        else:
            says = f"metric {spec.metric} is not for a {task} model"
        raise BadInput(f"{says}; known for {task}: {known}.")
    return metric


def options_of(spec: GateSpec, rows: Scored | Counted) -> Options:
    """What a gate declares for its metric, with the defaults."""
    declared = {name: getattr(spec, name) for name in ("threshold", "bins", "quantile", "season")}
    given = {name: value for name, value in declared.items() if value is not None}
    return Options(**given, series=_series(spec.series, rows) if spec.series and isinstance(rows, Scored) else None)


def used_by(metric: Metric) -> frozenset[str]:
    """The keys that a gate of a metric looks at, besides its limits."""
    return metric.uses | ({"min_rows"} if metric.ordered else {"min_rows", "weight"})


def weight_of(spec: GateSpec, rows: Scored) -> Numbers | None:
    """How often each row counts beside the one that counts most, 0 to 1, shape (n,); None: each once.

    Raises:
        BadInput: There is no such column, or it holds other than numbers from 0 on of which one is above.
    """
    if spec.weight is None:
        return None
    names = parse_slice(spec.weight).groups
    if len(names) != 1:
        raise BadInput(f"`weight` is {spec.weight!r}; name one column.")
    column = named(names[0], rows.columns)
    if not column.numeric or not np.isfinite(column.levels).all() or (column.levels < 0.0).any():
        raise BadInput(f"`weight` is column {spec.weight}, which holds other than numbers of 0 or more.")
    if missing := int((column.codes < 0).sum()):
        raise BadInput(f"`weight` is column {spec.weight}, which is missing in {missing:,} of {rows.n:,} rows.")
    if not (most := column.levels[column.codes].max()):
        raise BadInput(f"`weight` is column {spec.weight}, which is 0 in all rows.")
    weight: Numbers = column.levels[column.codes] / most  # no square of it overflows
    if ((weight < LEAST_WEIGHT) & (column.levels[column.codes] > 0.0)).any():
        says = f"which holds numbers above 0 and below {LEAST_WEIGHT:g} of its largest; make those 0 to leave rows out."
        raise BadInput(f"`weight` is column {spec.weight}, {says}")
    return weight


def _series(text: str, rows: Scored) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    found: list[Column] = [named(name, rows.columns) for name in parse_slice(text).groups]
    if not found:
        raise BadInput(f"`series` is {text!r}; name the columns that tell the series apart.")
    code = np.zeros(rows.n, dtype=np.int64)
    for each in found:  # numbered anew after each column: the product of all sizes may be beyond 64 bits
        code = np.unique(code * (len(each.levels) + 1) + each.group_codes, return_inverse=True)[1]
    return code.astype(np.int32)


def check_limits(spec: GateSpec) -> None:
    """Refuse limits that decide nothing.

    Raises:
        BadInput: None is given, or one that nothing can be held against.
    """
    limits = {"min": spec.min, "max": spec.max, "max_drop_vs_current": spec.max_drop_vs_current}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if not given:
        raise BadInput("no limit is declared; set `min`, `max` or `max_drop_vs_current`.")
    for name, limit in given.items():
        if not math.isfinite(limit):
            raise BadInput(f"`{name}` is {limit}, which nothing can be held against; give a number.")
    if spec.max_drop_vs_current is not None and spec.max_drop_vs_current < 0.0:
        raise BadInput(f"`max_drop_vs_current` is {number(spec.max_drop_vs_current)}; it is 0 or more.")
    if spec.min is not None and spec.max is not None and spec.min > spec.max:
        raise BadInput(f"no value is at least {number(spec.min)} and at most {number(spec.max)}; mend the limits.")


def measured(whose: str, spec: GateSpec, found: Scored | Counted | str | None) -> Scored | Counted:
    """The scored benchmark that a gate names.

    Raises:
        BadInput: It was not measured, with the reason.
    """
    if spec.benchmark is None:
        raise BadInput("`benchmark` is missing; name one of the manifest's benchmarks.")
    if found is None:
        raise BadInput(f"{whose} was not measured on benchmark {spec.benchmark}.")
    if isinstance(found, str):
        raise BadInput(f"{whose} could not be measured on benchmark {spec.benchmark}: {found.rstrip('.')}.")
    if found.benchmark != spec.benchmark:
        raise BadInput(f"{whose} was measured on {found.benchmark} in place of benchmark {spec.benchmark}.")
    return found.form(spec) if isinstance(found, Counted) else found


def live_rows(spec: GateSpec, evidence: Evidence, candidate: Scored | Counted) -> Scored | Counted | str | None:
    """The live version on the same rows; None where none is live, a text where it could not be measured.

    Raises:
        BadInput: It could not be measured and the gate compares with it.
    """
    if evidence.current is None:
        return None
    try:
        return _same_rows(spec, evidence.current, candidate)
    except BadInput as error:
        if spec.max_drop_vs_current is not None:
            raise
        return error.says


def _same_rows(
    spec: GateSpec, current: Mapping[str, Scored | Counted | str], candidate: Scored | Counted
) -> Scored | Counted:
    live = measured("the live version", spec, current.get(spec.benchmark or ""))
    if live.content_digest != candidate.content_digest or live.n != candidate.n:
        raise BadInput(
            f"the live version was measured on another content of benchmark {spec.benchmark}; measure both "
            "on the same rows."
        )
    if isinstance(live, Scored) and isinstance(candidate, Scored) and live.classes != candidate.classes:
        told = (", ".join(each.classes) for each in (live, candidate))
        raise BadInput("the live version tells the classes {} apart, the candidate {}.".format(*told))
    return live


def value_of(name: str | None, metric: Metric, label: Numbers, score: Numbers, options: Options) -> float:
    """The value of a metric.

    Raises:
        BadInput: It has none on these rows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(metric.function(label, score, options))
    if not math.isfinite(value):
        raise BadInput(f"{name} is {value}: the numbers are too large to measure.")
    return value


def interval_of(metric: Metric, label: Numbers, score: Numbers, options: Options) -> Interval | None:
    """The 95 % interval of a metric, where there is one."""
    if metric.interval is None:
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return metric.interval(label, score, options)


def bounds(spec: GateSpec, better: Better, value: float, previous: float | None) -> list[Bound]:
    """All limits that apply to a value."""
    found = []
    if spec.min is not None:
        kept = value >= spec.min - ROUNDING * max(1.0, abs(spec.min))
        found.append(Bound(f"at least {number(spec.min)}", spec.min, kept))
    if spec.max is not None:
        kept = value <= spec.max + ROUNDING * max(1.0, abs(spec.max))
        found.append(Bound(f"at most {number(spec.max)}", spec.max, kept))
    if spec.max_drop_vs_current is not None and previous is not None:
        found.append(_drop_bound(spec.max_drop_vs_current, better, value, previous))
    return found


def sure(
    spec: GateSpec, better: Better, value: float, slack: float, previous: tuple[float, float] | None
) -> list[Bound]:
    """All limits that apply to a value that is known to lie within `slack` of the exact one.

    Args:
        spec: The gate as declared.
        better: Whether a higher or a lower value is better.
        value: The value.
        slack: 0 or more.
        previous: The live version's value and slack; None where there is none to compare with.

    Raises:
        BadInput: A limit lies so near that the exact value may be on either side of it.
    """
    live, live_slack = previous or (None, 0.0)
    found = bounds(spec, better, value, live)
    if not slack and not live_slack:
        return found
    for by, live_by in ((slack, -live_slack), (-slack, live_slack)):
        other = bounds(spec, better, value + by, None if live is None else live + live_by)
        if [bound.kept for bound in other] != [bound.kept for bound in found]:
            raise BadInput(
                f"{spec.metric} is {shown(value)}, computed from a histogram and at most {slack:.2g} from the exact "
                "value, and the limit lies between; ask it of a benchmark that fits into memory."
            )
    return found


def _drop_bound(max_drop: float, better: Better, value: float, previous: float) -> Bound:
    """The limit that the live version sets."""
    worse = previous - value if better == "higher" else value - previous
    kept = worse <= max_drop + ROUNDING * max(1.0, abs(previous))
    edge = previous - max_drop if better == "higher" else previous + max_drop
    than = f"than the live version's {shown(previous, value)}"
    words = f"at most {number(max_drop)} worse {than}" if max_drop > 0.0 else f"not worse {than}"
    return Bound(words, edge, kept)


def weighed(spec: GateSpec) -> tuple[str, ...]:
    """What is noted where rows do not count once each."""
    says = "those of 0 are left out, and the curves of the report count each row once"
    return (f"Each row counts as often as column {spec.weight} says; {says}.",) if spec.weight else ()


def near(slack: float) -> tuple[str, ...]:
    """What is noted of a value that is not exact."""
    said = "Computed from a histogram of scores, for the rows do not fit into memory: at most"
    return (f"{said} {slack:.2g} from the exact value.",) if slack else ()


def without_limit() -> BadInput:
    """What is said where nothing decides: the first version needs a limit too."""
    return BadInput(
        "there is no live version to compare with, and neither `min` nor `max`; add one of them, so that the first "
        "version has a limit too."
    )
