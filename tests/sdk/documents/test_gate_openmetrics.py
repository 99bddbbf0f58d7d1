"""Metrics of a gate report: read by Prometheus' and OpenMetrics' own parsers, whatever stands in the record."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from vendorkit.documents.gate_openmetrics import to_openmetrics

from tests.support.reports import ERROR, HOSTILE, PASS, full_report, hostile, many_segments, passing_report, report

REPORTS = [full_report(), passing_report(), many_segments(), report(), report(PASS, ERROR), *map(hostile, HOSTILE)]


def samples(families: list[Metric]) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.mark.parametrize("found", REPORTS)
def test_both_parsers_read_the_same(found: object) -> None:
    text = to_openmetrics(found)  # type: ignore[arg-type]
    assert samples(list(openmetrics(text))) == samples(list(prometheus(text)))
    assert "vendorkit_candidate_passed" in samples(list(openmetrics(text)))


@pytest.mark.parametrize("found", REPORTS)
def test_promtool_has_nothing_to_say(found: object) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is absent: `apt-get install prometheus`")
    text = to_openmetrics(found)  # type: ignore[arg-type]
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_labels_tell_candidates_gates_and_slices_apart() -> None:
    found = samples(list(openmetrics(to_openmetrics(full_report()))))
    known = {"engagement": "acme-pd-2026", "model": "pd-model", "candidate": "a" * 12}
    assert found["vendorkit_candidate_passed"] == [(known, 0.0)]
    auc = {**known, "gate": "g-auc", "metric": "roc_auc", "benchmark": "frozen-2025q4"}
    assert (auc, 0.712) in found["vendorkit_gate_value"]
    assert (auc, 0.76) in found["vendorkit_gate_least"]
    assert (auc, 0.0) in found["vendorkit_gate_passed"]
    assert (auc, 1.0) in found["vendorkit_gate_decided"]
    young = {**auc, "gate": "g-young", "slice": "age < 25", "origin": "platform"}
    assert (young, 0.641) in found["vendorkit_gate_value"]
    slow = {**auc, "gate": "g-lat", "metric": "p99_ms", "rows": "100", "percentile": "p99"}
    assert (slow, 0.031) in found["vendorkit_gate_predict_seconds"]
    assert [labels["gate"] for labels, value in found["vendorkit_gate_decided"] if not value] == ["g-hist"]


def test_a_hostile_text_adds_no_sample() -> None:
    names = {name: len(found) for name, found in samples(list(openmetrics(to_openmetrics(hostile("x"))))).items()}
    for text in HOSTILE:
        shown = samples(list(openmetrics(to_openmetrics(hostile(text)))))
        assert {name: len(found) for name, found in shown.items()} == names
