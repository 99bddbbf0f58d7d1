"""The performance gate: one metric on one benchmark, against fixed limits and against the live version."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.base import Evidence, GateSpec, Scored, answer, refuse_unused, shown
from vendorkit.gates.limits import (
    bounds,
    check_limits,
    interval_of,
    live_rows,
    measured,
    metric_of,
    options_of,
    value_of,
    without_limit,
)
from vendorkit.gates.metrics import Metric, Options, difference
from vendorkit.records.gate_report import GateResult


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
        "rounding. Without a live version the last limit does not apply, and `min` or `max` must decide. "
        "The difference to the live version has a 95 % interval from the same rows: the delta method (for "
        "roc_auc DeLong's paired test), else a paired bootstrap. Fewer rows than `min_rows` are an error."
    )
    source: str = "see the metrics below"
    example: str = (
        "- {id: g-auc, kind: performance, benchmark: holdout, metric: roc_auc, min: 0.76, "
        'max_drop_vs_current: 0.005, says: "Ranks good and bad payers at least as well as today"}'
    )
    needs: tuple[str, ...] = ("candidate", "current")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        metric = metric_of(spec, evidence.task)
        refuse_unused(spec, ("slice",), uses={"min_rows", *metric.uses})
        check_limits(spec)
        candidate = measured("the candidate", spec, evidence.candidate.get(spec.benchmark or ""))
        if candidate.n < (spec.min_rows or 1):
            raise BadInput(f"{spec.benchmark} has {candidate.n} rows, fewer than the {spec.min_rows} of `min_rows`.")
        options = options_of(spec, candidate)
        value = value_of(spec.metric, metric, candidate.label, candidate.score, options)
        live = live_rows(spec, evidence, candidate)
        previous, note = _previous(spec, metric, live, options)
        limits = bounds(spec, metric.better, value, previous)
        broken = [bound for bound in limits if not bound.kept]
        if not limits:
            raise without_limit()
        limit = ", and ".join(bound.words for bound in broken or limits)
        found = shown(value, *(bound.number for bound in limits))
        apart = _apart(metric, candidate, live, options) if isinstance(live, Scored) and previous is not None else ""
        return answer(
            spec,
            "fail" if broken else "pass",
            f"{spec.metric} is {found}, the limit is {limit}.{note}",
            value=value,
            limit=limit,
            previous=previous,
            n=candidate.n,
            interval=interval_of(metric, candidate.label, candidate.score, options),
            notes=(apart,) if apart else (),
        )


def _previous(spec: GateSpec, metric: Metric, live: Scored | str | None, options: Options) -> tuple[float | None, str]:
    """The live version's value and a note for the reader.

    A live version that cannot be measured is an error only where the gate compares with it.
    """
    compares = spec.max_drop_vs_current is not None
    if live is None:
        return None, " No version is live yet, so there is nothing to fall behind." if compares else ""
    try:
        if isinstance(live, Scored):
            return value_of(spec.metric, metric, live.label, live.score, options), ""
    except BadInput:
        if compares:
            raise
    return None, " The live version could not be measured; this gate does not compare with it."


def _apart(metric: Metric, candidate: Scored, live: Scored, options: Options) -> str:
    """The difference to the live version with its interval, as a sentence; empty where there is none."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        interval = difference(metric, candidate.label, candidate.score, live.score, options)
    if interval is None:
        return ""
    low, high = (f"{end:+.4g}" for end in interval)
    said = f"Candidate minus live version, on the same {candidate.n:,} rows: 95 % interval {low} to {high}"
    return f"{said}{'; they may be equal' if interval[0] <= 0.0 <= interval[1] else ''}."
