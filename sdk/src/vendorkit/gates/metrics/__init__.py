"""The numbers that gates hold against limits, and their 95 % confidence intervals: one dict of all metrics."""

from __future__ import annotations

from dataclasses import replace

from vendorkit.gates.metrics.base import THRESHOLD, Interval, Metric, Numbers, Options, difference
from vendorkit.gates.metrics.classification import CLASSIFICATION
from vendorkit.gates.metrics.multiclass import ALSO, MULTICLASS
from vendorkit.gates.metrics.regression import REGRESSION

__all__ = [
    "METRICS",
    "THRESHOLD",
    "Interval",
    "Metric",
    "Numbers",
    "Options",
    "difference",
    "metric_for",
    "metrics_for",
]

METRICS: dict[str, Metric] = {
    **CLASSIFICATION,
    **{name: replace(own, tasks=own.tasks | ALSO[name].tasks) for name, own in CLASSIFICATION.items() if name in ALSO},
    **MULTICLASS,
    **REGRESSION,
}
"""Every metric that a performance or segment gate can name."""


def metric_for(name: str, task: str) -> Metric | None:
    """The metric of that name for a task; None where there is none."""
    metric = ALSO.get(name) if task == "multiclass" else None
    metric = metric or METRICS.get(name)
    return metric if metric is not None and task in metric.tasks else None


def metrics_for(task: str) -> list[str]:
    """Names of the metrics of a task, sorted."""
    return sorted(name for name, metric in METRICS.items() if task in metric.tasks)
