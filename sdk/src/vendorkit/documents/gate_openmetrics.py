"""The gate report as text for Prometheus and OpenMetrics, so that candidates can be compared in observability.

The text is read by both formats alike: gauges only, seconds as unit of time, `# EOF` at its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from vendorkit.documents.plain import clean
from vendorkit.records.gate_report import Cell, GateReport, GateResult

Labels = dict[str, str]
Sample = tuple[str, Labels, float]

_HELP = {
    "vendorkit_candidate_passed": "Whether every gate of the candidate passed: 1 or 0.",
    "vendorkit_gate_passed": "Whether the gate passed: 1, or 0 where it failed or could not be decided.",
    "vendorkit_gate_decided": "Whether the gate could be decided: 1 or 0.",
    "vendorkit_gate_value": "What the gate found; with a slice, what it found there.",
    "vendorkit_gate_interval_low": "Lower end of the 95 % interval of the value.",
    "vendorkit_gate_interval_high": "Upper end of the 95 % interval of the value.",
    "vendorkit_gate_previous_value": "The same value of the live version.",
    "vendorkit_gate_rows": "Rows or repeats that the value rests on.",
    "vendorkit_gate_least": "Smallest value that passes.",
    "vendorkit_gate_most": "Largest value that passes.",
    "vendorkit_gate_predict_seconds": "Time of one call of predict or the service, by percentile and rows of the call.",
    "vendorkit_gate_asked_timestamp_seconds": "When the gates were asked, in seconds since 1970.",
}


def to_openmetrics(report: GateReport) -> str:
    """The report for a textfile collector or a push gateway.

    Every sample has the labels engagement, model and candidate (first 12 digits of its digest), samples of a gate
    also gate, metric and benchmark, and origin where it is not the manifest alone, samples of a segment also slice. A
    label without text is left out.
    """
    written: dict[str, dict[str, float]] = {name: {} for name in _HELP}
    for name, labels, value in _samples(report):
        if math.isfinite(value):
            written[name].setdefault(_labels(labels), value)
    lines = []
    for name, samples in written.items():
        if samples:
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
            lines += [f"{name}{{{labels}}} {value!r}" for labels, value in samples.items()]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _labels(labels: Labels) -> str:
    escaped = {name: clean(text, 200).replace("\\", "\\\\").replace('"', '\\"') for name, text in labels.items()}
    return ",".join(f'{name}="{text}"' for name, text in escaped.items() if text)


def _samples(report: GateReport) -> Iterator[Sample]:
    known = {"engagement": report.engagement or "", "model": report.model, "candidate": report.candidate[7:19]}
    passed = report.passed and bool(report.results) and all(each.verdict == "pass" for each in report.results)
    yield "vendorkit_candidate_passed", known, float(passed)
    yield "vendorkit_gate_asked_timestamp_seconds", known, _seconds(report.asked_at)
    for result in report.results:
        own = {**known, "gate": result.id, "metric": result.metric or "", "benchmark": result.benchmark or ""}
        own["origin"] = "" if result.origin == "manifest" else result.origin
        yield "vendorkit_gate_passed", own, float(result.verdict == "pass")
        yield "vendorkit_gate_decided", own, float(result.verdict != "error")
        yield from _numbers(result, own)
        for name, limit in (("least", result.least), ("most", result.most)):
            if limit is not None:
                yield f"vendorkit_gate_{name}", own, limit
        for cell in result.cells:
            yield from _numbers(cell, {**own, "slice": cell.name})
        for timing in result.timings:
            for name in ("p50", "p95", "p99"):
                labels = {**own, "rows": str(timing.rows), "percentile": name}
                labels["through"] = "" if timing.through == "predict" else timing.through
                yield "vendorkit_gate_predict_seconds", labels, getattr(timing, f"{name}_ms") / 1000.0


def _numbers(found: GateResult | Cell, labels: Labels) -> Iterator[Sample]:
    if isinstance(found.value, int | float):
        yield "vendorkit_gate_value", labels, float(found.value)
    if found.interval:
        yield "vendorkit_gate_interval_low", labels, found.interval[0]
        yield "vendorkit_gate_interval_high", labels, found.interval[1]
    if found.previous is not None:
        yield "vendorkit_gate_previous_value", labels, found.previous
    if found.n is not None:
        yield "vendorkit_gate_rows", labels, float(found.n)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
