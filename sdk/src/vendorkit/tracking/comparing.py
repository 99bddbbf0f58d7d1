"""What differs between a recorded candidate and its rebuild, and whether the metrics lie within tolerance.

Values in, values out; what was rebuilt and how is for others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from vendorkit.records.gate_report import GateReport, GateResult
from vendorkit.records.manifest.judging import Reproduce, Stochastic
from vendorkit.records.reproduction import PARTS, Difference, RebuiltMetric
from vendorkit.records.run import Artifact, Environment

NOT_REPEATED = ("latency", "memory", "determinism", "change")
"""Kinds of gate whose value belongs to the machine or to the version that was live, not to the model."""

BOUND = re.compile(r"([A-Za-z_][\w-]*) *(?:\+-|\+/-|±) *([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)", re.ASCII)
"""How the `bound` of a stochastic stage names a metric and how far it may differ: `roc_auc +-0.0005`."""


def in_order(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Differences, causes before effects."""
    return tuple(sorted(differences, key=lambda difference: PARTS.index(difference.part)))


def code_differences(recorded: Sequence[Artifact], found: Sequence[Artifact]) -> list[Difference]:
    """Source files of the model that are missing, new or changed."""
    before = {source.path: source.digest for source in recorded}
    after = {source.path: source.digest for source in found}
    says = dict.fromkeys(before.keys() - after.keys(), "is not in the commit.")
    says |= dict.fromkeys(after.keys() - before.keys(), "is in the commit, but was not there at training.")
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    says |= dict.fromkeys(changed, "is not the file that was trained with.")
    return [Difference(part="code", where=path, says=says[path]) for path in sorted(says)]


def environment_differences(recorded: Environment, found: Environment) -> list[Difference]:
    """What the environment of the rebuild has other than the recorded one."""
    pairs = {
        "lock": (recorded.lock, found.lock),
        "python": (recorded.python, found.python),
        "platform": (recorded.platform, found.platform),
    }
    return [
        Difference(part="environment", where=name, says=f"is {after or 'absent'}, recorded {before or 'none'}.")
        for name, (before, after) in pairs.items()
        if before != after
    ]


def prepare_differences(recorded: str | None, found: str | None, declared: Reproduce | None) -> list[Difference]:
    """A prepared table that is not the recorded one, unless `prepare` is declared to be stochastic."""
    stages = {stage.stage for stage in declared.stochastic} if declared else set()
    if recorded == found or "prepare" in stages:
        return []
    says = f"is {found or 'none'}, recorded {recorded or 'none'}; `prepare` is not listed under reproduce.stochastic."
    return [Difference(part="prepare", where="prepared table", says=says)]


def compared(recorded: GateReport, rebuilt: GateReport, declared: Reproduce | None) -> tuple[RebuiltMetric, ...]:
    """Every metric of the recorded report that repeats, beside the rebuilt one.

    A difference is allowed by `reproduce.tolerance`, by metric or by id of the gate, or by the bound of a stochastic
    stage; the wider counts. Without either it must be none.
    """
    before, after = _numbers(recorded), _numbers(rebuilt)
    times = Counter(result.metric for result in before.values())
    allowed = _allowed(declared)
    found = []
    for gate, result in before.items():
        name = result.metric if result.metric and times[result.metric] == 1 else gate
        tolerance = max(allowed.get(name, 0.0), allowed.get(gate, 0.0), allowed.get(result.metric or "", 0.0))
        value = _value(after[gate]) if gate in after else None
        # Half a unit of the 15th digit: a difference of exactly the tolerance is within it, as people read numbers.
        ok = value is not None and abs(value - _value(result)) <= tolerance * (1 + 1e-9) + 1e-15
        metric = RebuiltMetric(name=name, recorded=_value(result), rebuilt=value, tolerance=tolerance, ok=ok)
        found.append(metric)
    return tuple(found)


def metric_differences(metrics: Sequence[RebuiltMetric]) -> list[Difference]:
    """The metrics that lie beyond their tolerance."""
    return [Difference(part="metrics", where=metric.name, says=_beyond(metric)) for metric in metrics if not metric.ok]


def _beyond(metric: RebuiltMetric) -> str:
    if metric.rebuilt is None:
        return f"could not be measured, recorded {metric.recorded:.6g}."
    allowed = f"allowed difference {metric.tolerance:g}" if metric.tolerance else "no tolerance is declared"
    return f"is {metric.rebuilt:.6g}, recorded {metric.recorded:.6g}; {allowed}."


def _allowed(declared: Reproduce | None) -> Mapping[str, float]:
    if declared is None:
        return {}
    found = dict(declared.tolerance)
    for name, bound in (pair for stage in declared.stochastic for pair in bounds(stage)):
        found[name] = max(found.get(name, 0.0), bound)
    return found


def bounds(stage: Stochastic) -> list[tuple[str, float]]:
    """The metrics and largest differences that the bound of a stochastic stage names; none where it is in words."""
    return [(name, float(number)) for name, number in BOUND.findall(stage.bound)]


def _numbers(report: GateReport) -> dict[str, GateResult]:
    """Gate id to result, for those that measured a number that repeats."""
    return {
        result.id: result
        for result in report.results
        if result.kind not in NOT_REPEATED and isinstance(result.value, int | float)
    }


def _value(result: GateResult) -> float:
    return float(result.value)  # type: ignore[arg-type]  # _numbers keeps numbers only
