"""The performance gate: one metric on one benchmark, against fixed limits and against the live version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.base import Evidence, GateSpec, Scored, answer, number, refuse_unused, shown
from vendorkit.gates.metrics import METRICS, Interval, Metric, metrics_for
from vendorkit.records.gate_report import GateResult

ROUNDING = 1e-12
"""Relative slack of every comparison: 0.77 - 0.765 is 0.0050000000000000044 and still a drop of 0.005."""


@dataclass(frozen=True)
class Bound:
    """One limit of a gate, and whether the value keeps it."""

    words: str
    number: float
    kept: bool


@dataclass(frozen=True)
class Performance:
    """Asks whether the model is good enough, and not worse than what is live."""

    kind: str = "performance"
    title: str = "Good enough, and not worse than what is live"
    why: str = (
        "A limit set before training cannot be bent afterwards, and a new version that is worse than the old "
        "one is no progress."
    )
    formula: str = (
        "value >= `min`, value <= `max`, and how much worse it is than the live version on the same "
        "benchmark <= `max_drop_vs_current`; all that are given must hold. Worse means lower where higher "
        "is better (roc_auc) and higher where lower is better (brier). Differences below 1e-12 are "
        "rounding. Without a live version the last limit does not apply, and `min` or `max` must decide."
    )
    source: str = "see the metrics below"
    example: str = (
        "- {id: g-auc, kind: performance, benchmark: holdout, metric: roc_auc, min: 0.76, "
        'max_drop_vs_current: 0.005, says: "Ranks good and bad payers at least as well as today"}'
    )
    needs: tuple[str, ...] = ("candidate", "current")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        refuse_unused(spec, ("slice",))
        metric = _metric(spec, evidence.task)
        _check_limits(spec)
        candidate = _measured("the candidate", spec, evidence.candidate.get(spec.benchmark or ""))
        value = _value(spec, metric, candidate)
        previous, note = _previous(spec, metric, evidence, candidate)
        bounds = _bounds(spec, metric, value, previous)
        broken = [bound for bound in bounds if not bound.kept]
        if not bounds:
            raise BadInput(
                "there is no live version to compare with, and neither `min` nor `max`; add one of them, so "
                "that the first version has a limit too."
            )
        limit = ", and ".join(bound.words for bound in broken or bounds)
        found = shown(value, *(bound.number for bound in bounds))
        return answer(
            spec,
            "fail" if broken else "pass",
            f"{spec.metric} is {found}, the limit is {limit}.{note}",
            value=value,
            limit=limit,
            previous=previous,
            n=candidate.n,
            interval=_interval(metric, candidate),
        )


def _metric(spec: GateSpec, task: str) -> Metric:
    metric = METRICS.get(spec.metric or "")
    if metric is None or task not in metric.tasks:
        known = ", ".join(metrics_for(task)) or "none yet"
        if spec.metric is None:
            says = "`metric` is missing"
        elif metric is None:
            says = f"there is no metric {spec.metric!r}"
        else:
            says = f"metric {spec.metric} is not for a {task} model"
        raise BadInput(f"{says}; known for {task}: {known}.")
    return metric


def _check_limits(spec: GateSpec) -> None:
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


def _measured(whose: str, spec: GateSpec, found: Scored | str | None) -> Scored:
    if spec.benchmark is None:
        raise BadInput("`benchmark` is missing; name one of the manifest's benchmarks.")
    if found is None:
        raise BadInput(f"{whose} was not measured on benchmark {spec.benchmark}.")
    if isinstance(found, str):
        raise BadInput(f"{whose} could not be measured on benchmark {spec.benchmark}: {found.rstrip('.')}.")
    if found.benchmark != spec.benchmark:
        raise BadInput(f"{whose} was measured on {found.benchmark} in place of benchmark {spec.benchmark}.")
    return found


def _value(spec: GateSpec, metric: Metric, rows: Scored) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(metric.function(rows.label, rows.score))
    if not math.isfinite(value):
        raise BadInput(f"{spec.metric} is {value} on {rows.benchmark}: the numbers are too large to measure.")
    return value


def _interval(metric: Metric, rows: Scored) -> Interval | None:
    if metric.interval is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return metric.interval(rows.label, rows.score)


def _previous(spec: GateSpec, metric: Metric, evidence: Evidence, candidate: Scored) -> tuple[float | None, str]:
    """The live version's value and a note for the reader.

    A live version that cannot be measured is an error only where the gate compares with it.
    """
    compares = spec.max_drop_vs_current is not None
    if evidence.current is None:
        return None, " No version is live yet, so there is nothing to fall behind." if compares else ""
    try:
        return _value(spec, metric, _live(spec, evidence.current, candidate)), ""
    except BadInput:
        if compares:
            raise
        return None, " The live version could not be measured; this gate does not compare with it."


def _live(spec: GateSpec, current: Mapping[str, Scored | str], candidate: Scored) -> Scored:
    live = _measured("the live version", spec, current.get(spec.benchmark or ""))
    if live.content_digest != candidate.content_digest or live.n != candidate.n:
        raise BadInput(
            f"the live version was measured on another content of benchmark {spec.benchmark}; measure both "
            "on the same rows."
        )
    return live


def _bounds(spec: GateSpec, metric: Metric, value: float, previous: float | None) -> list[Bound]:
    bounds = []
    if spec.min is not None:
        kept = value >= spec.min - ROUNDING * max(1.0, abs(spec.min))
        bounds.append(Bound(f"at least {number(spec.min)}", spec.min, kept))
    if spec.max is not None:
        kept = value <= spec.max + ROUNDING * max(1.0, abs(spec.max))
        bounds.append(Bound(f"at most {number(spec.max)}", spec.max, kept))
    if spec.max_drop_vs_current is not None and previous is not None:
        bounds.append(_drop_bound(spec.max_drop_vs_current, metric, value, previous))
    return bounds


def _drop_bound(max_drop: float, metric: Metric, value: float, previous: float) -> Bound:
    """The limit that the live version sets."""
    worse = previous - value if metric.better == "higher" else value - previous
    kept = worse <= max_drop + ROUNDING * max(1.0, abs(previous))
    edge = previous - max_drop if metric.better == "higher" else previous + max_drop
    than = f"than the live version's {shown(previous, value)}"
    words = f"at most {number(max_drop)} worse {than}" if max_drop > 0.0 else f"not worse {than}"
    return Bound(words, edge, kept)
