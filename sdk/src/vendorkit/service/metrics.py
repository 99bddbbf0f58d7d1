"""The figures of the service for Prometheus, in a registry of its own so that two services do not mix."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from vendorkit.records.deployment import Deployment
from vendorkit.service.requests import Asked

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counts what the service does.

    Args:
        deployment: The record of this start of the service.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "vendorkit_requests", "Requests by path and status.", ("path", "status"), registry=registry
        )
        self._seconds = Histogram(
            "vendorkit_request_seconds", "Time to answer.", ("path",), registry=registry, buckets=SECONDS
        )
        self._predictions = Counter("vendorkit_predictions", "Rows answered and logged.", registry=registry)
        self._warnings = Counter(
            "vendorkit_warnings", "Warnings by field and kind.", ("field", "kind"), registry=registry
        )
        self._ready = Gauge("vendorkit_ready", "1 when requests are welcome.", registry=registry)
        info = Gauge(
            "vendorkit_model_info",
            "What is served.",
            ("model", "version", "release", "deployment", "sdk_version"),
            registry=registry,
        )
        version = str(deployment.version)
        info.labels(deployment.model, version, deployment.release, deployment.digest, deployment.sdk_version).set(1)
        self._by_outcome: dict[tuple[str, int], Any] = {}
        self._by_path: dict[str, Any] = {}

    def request(self, path: str, status: int, seconds: float) -> None:
        """One request that was answered. `path` is that of the route, never the caller's own text."""
        try:
            self._by_outcome[path, status].inc()
            self._by_path[path].observe(seconds)
        except KeyError:  # looking up labels costs more than counting: done once
            self._by_outcome[path, status] = self._requests.labels(path, str(status))
            self._by_path[path] = self._seconds.labels(path)
            self._by_outcome[path, status].inc()
            self._by_path[path].observe(seconds)

    def predictions(self, asked: Asked) -> None:
        """Rows that were answered, and their warnings."""
        self._predictions.inc(len(asked.rows))
        for warnings in asked.warnings.values():
            for warning in warnings:
                self._warnings.labels(warning["field"], warning["kind"]).inc()
        for warning in asked.common_warnings:
            self._warnings.labels(warning["field"], warning["kind"]).inc(len(asked.rows))

    def to_bytes(self, ready: bool) -> bytes:
        """The text that Prometheus reads."""
        self._ready.set(ready)
        return generate_latest(self._registry)
