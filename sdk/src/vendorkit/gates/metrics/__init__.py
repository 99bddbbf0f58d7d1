"""The numbers that gates hold against limits, and their 95 % confidence intervals: one dict of all metrics."""

from __future__ import annotations

from vendorkit.gates.metrics.base import THRESHOLD, Interval, Metric, Numbers, Options, difference
from vendorkit.gates.metrics.classification import CLASSIFICATION
from vendorkit.gates.metrics.regression import REGRESSION

__all__ = ["METRICS", "THRESHOLD", "Interval", "Metric", "Numbers", "Options", "difference", "metrics_for"]

METRICS: dict[str, Metric] = {**CLASSIFICATION, **REGRESSION}
"""Every metric that a performance or segment gate can name."""


def metrics_for(task: str) -> list[str]:
    """Names of the metrics of a task, sorted."""
    return sorted(name for name, metric in METRICS.items() if task in metric.tasks)
