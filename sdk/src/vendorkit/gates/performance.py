"""The performance gate: one metric on one benchmark, against fixed limits and against the live version."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.errors import BadInput
from vendorkit.gates.base import Counted, Described, Evidence, GateSpec, answer, refuse_unused
from vendorkit.gates.limits import (
    LEAST_ROWS,
    check_limits,
    live_rows,
    measured,
    metric_of,
    near,
    options_of,
    sure,
    used_by,
    weighed,
    without_limit,
)
from vendorkit.gates.metrics import Interval
from vendorkit.gates.numbers import shown
from vendorkit.gates.samples import apart, live_value, whole
from vendorkit.gates.scored import Scored
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
        "roc_auc DeLong's paired test), else a paired bootstrap. Fewer rows than `min_rows` (30) are an error. With "
        "`weight` each row counts as often as that column of the benchmark says; 0 leaves it out, and shares have the "
        "interval of Kish's effective number of rows (1965, Survey Sampling)."
    )
    source: str = "see the metrics below"
    figures: tuple[Described, ...] = ()
    example: str = (
        "- {id: g-auc, kind: performance, benchmark: holdout, metric: roc_auc, min: 0.76, "
        'max_drop_vs_current: 0.005, says: "Ranks good and bad payers at least as well as today"}'
    )
    needs: tuple[str, ...] = ("candidate", "current")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        metric = metric_of(spec, evidence.task)
        refuse_unused(spec, ("slice",), uses=used_by(metric))
        check_limits(spec)
        candidate = measured("the candidate", spec, evidence.candidate.get(spec.benchmark or ""))
        live = live_rows(spec, evidence, candidate)
        part = whole(spec, candidate, live if isinstance(live, Scored | Counted) else None)
        n = part.candidate.n
        if n < (least := spec.min_rows or LEAST_ROWS):
            raise BadInput(f"{spec.benchmark} has {n} rows, and at least {least} are needed; `min_rows` says how many.")
        options, name = options_of(spec, candidate), spec.metric or ""
        value, slack = part.candidate.value(name, metric, options), part.candidate.slack(name)
        previous = live_value(spec, metric, part, options)
        limits = sure(spec, metric.better, value, slack, previous)
        broken = [bound for bound in limits if not bound.kept]
        if not limits:
            raise without_limit()
        limit = ", and ".join(bound.words for bound in broken or limits)
        found = shown(value, *(bound.number for bound in limits))
        between = apart(name, metric, part, options) if previous is not None else None
        return answer(
            spec,
            "fail" if broken else "pass",
            f"{spec.metric} is {found}, the limit is {limit}.{_beside(spec, live, previous)}",
            value=value,
            limit=limit,
            previous=previous[0] if previous else None,
            n=n,
            interval=part.candidate.interval(name, metric, options),
            notes=(*weighed(spec), *_apart(between, n), *near(slack)),
        )


def _beside(spec: GateSpec, live: object, previous: object) -> str:
    """What the reader must know of a live version that there is nothing of to compare with."""
    if live is None and spec.max_drop_vs_current is not None:
        return " No version is live yet, so there is nothing to fall behind."
    if live is not None and previous is None:
        return " The live version could not be measured; this gate does not compare with it."
    return ""


def _apart(interval: Interval | None, n: int) -> tuple[str, ...]:
    """The difference to the live version with its interval, as a sentence, where there is one."""
    if interval is None:
        return ()
    low, high = (f"{end:+.4g}" for end in interval)
    said = f"Candidate minus live version, on the same {n:,} rows: 95 % interval {low} to {high}"
    return (f"{said}{'; they may be equal' if interval[0] <= 0.0 <= interval[1] else ''}.",)
