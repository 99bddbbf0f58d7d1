"""The numbers of a gate report: for the release record, and for its MLflow run under names that all share."""

from __future__ import annotations

import math
import re

from vendorkit.records.gate_report import GateReport

MOST_METRICS = 900
"""Metrics of one run; an MLflow server takes at most 1,000 in one call."""


def run_metrics(report: GateReport) -> dict[str, float]:
    """Metrics of the MLflow run of a release, by names that are the same for every candidate.

    `gates/ID/value` is what a gate found, `gates/ID/passed` 1 or 0, `gates/ID/low` and `gates/ID/high` its
    interval, `gates/ID/slice/NAME` a segment, `gates/passed` and `gates/not_passed` how many there are. Signs that
    MLflow does not take become `_`; of two equal names the first stays; at most `MOST_METRICS`, segments last.
    """
    counted = sum(result.verdict == "pass" for result in report.results)
    found = {"gates/passed": float(counted), "gates/not_passed": float(len(report.results) - counted)}
    for result in report.results:
        name = f"gates/{_plain(result.id)}"
        found[f"{name}/passed"] = float(result.verdict == "pass")
        if isinstance(result.value, int | float):
            found[f"{name}/value"] = float(result.value)
        if result.interval:
            found[f"{name}/low"], found[f"{name}/high"] = result.interval
    for result in report.results:
        for cell in result.cells:
            if cell.value is not None:
                found.setdefault(f"gates/{_plain(result.id)}/slice/{_plain(cell.name)}", cell.value)
    finite = {name: value for name, value in found.items() if math.isfinite(value)}
    return dict(list(finite.items())[:MOST_METRICS])


def gate_values(report: GateReport) -> dict[str, float]:
    """What the gates found, by id of the gate, where it is a number: as the release record has it."""
    return {result.id: float(result.value) for result in report.results if isinstance(result.value, int | float)}


def _plain(text: str) -> str:
    """A part of a name that MLflow takes: it is a path, so no slash and no part of dots alone."""
    return re.sub(r"[^A-Za-z0-9_\-. :]", "_", text[:100]).strip(" .") or "_"
