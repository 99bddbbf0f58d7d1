"""What the registry shows of a release: its tags, parameters and metrics, all rendered from the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vendorkit.records.gate_metrics import run_metrics
from vendorkit.records.gate_report import GateReport
from vendorkit.records.release import Release
from vendorkit.records.run import Run


@dataclass(frozen=True)
class Entry:
    """The registry's view of a release.

    Args:
        tags: Without the beginning `vendorkit.`.
        params: Training parameters, as text.
        metrics: As `run_metrics` names them.
    """

    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]


def entry_of(run: Run, report: GateReport, release: Release) -> Entry:
    """The entry of a release."""
    return Entry(
        tags=_tags(run, report, release),
        params={"seed": str(run.seed), **{name: str(value) for name, value in run.parameters.items()}},
        metrics=run_metrics(report),
    )


def _tags(run: Run, report: GateReport, release: Release) -> dict[str, str]:
    return {
        "release": release.digest,
        "candidate": run.digest,
        "gate_report": report.digest,
        "author": run.author.email,
        "made_by": " ".join(sorted({run.author.email, release.publisher.email, *run.code.committers})),
        "commit": run.code.commit,
        "environment": run.environment.id,
        "seed": str(run.seed),
        "datasets": ", ".join(f"{source.dataset} {source.content_digest}" for source in run.inputs),
        "snapshots": " ".join(source.snapshot for source in run.inputs),
        "sdk": run.sdk_version,
    }
