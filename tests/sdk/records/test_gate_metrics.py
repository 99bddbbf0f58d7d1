"""Metrics of a release's run: names that MLflow takes, the same for every candidate."""

from __future__ import annotations

import pytest
from mlflow.utils.validation import _validate_metric_name
from vendorkit.records.gate_metrics import MOST_METRICS, run_metrics

from tests.support.reports import HOSTILE, full_report, hostile, many_segments, report

REPORTS = [full_report(), many_segments(), report(), *map(hostile, HOSTILE)]


@pytest.mark.parametrize("found", REPORTS)
def test_mlflow_takes_every_metric(found: object) -> None:
    metrics = run_metrics(found)  # type: ignore[arg-type]
    for name in metrics:
        _validate_metric_name(name)
    assert len(metrics) <= MOST_METRICS


def test_metrics_of_a_run_have_the_same_names_for_every_candidate() -> None:
    metrics = run_metrics(full_report())
    assert metrics["gates/g-auc/value"] == 0.712
    assert metrics["gates/g-auc/passed"] == 0.0
    assert metrics["gates/g-auc/low"] == 0.70512345
    assert metrics["gates/g-young/slice/age _ 25"] == 0.641
    assert metrics["gates/passed"] == 2.0
    assert metrics["gates/not_passed"] == 3.0
    assert len(run_metrics(many_segments(3_000))) == MOST_METRICS
