"""What `import vendorkit` offers, gathered: thin functions for a script or a notebook."""

from __future__ import annotations

from vendorkit.adapters.engagement import find_engagement
from vendorkit.adapters.store import Candidate
from vendorkit.records.gate_report import GateReport
from vendorkit.steps import gate as gating
from vendorkit.steps import publish as publishing
from vendorkit.steps.publish import Published
from vendorkit.steps.train import train
from vendorkit.tracking.recorder import record_filter as filter  # noqa: A004
from vendorkit.tracking.recorder import track

__all__ = ["filter", "gate", "publish", "track", "train"]


def gate(candidate: Candidate | None = None, *, against: str = gating.LIVE) -> GateReport:
    """Ask every declared gate of a candidate (by default the newest) of the engagement in the current folder.

    Raises:
        BadInput: No gates are declared, or a benchmark is not frozen.
    """
    return gating.gate(find_engagement(None), candidate, against=against).report


def publish(candidate: Candidate | None = None) -> Published:
    """Register a candidate (by default the newest) of the engagement in the current folder.

    Raises:
        Refused: It is not fit; every reason is named.
    """
    return publishing.publish(find_engagement(None), candidate)
