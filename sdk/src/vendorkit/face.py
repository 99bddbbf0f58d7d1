"""What `import vendorkit` offers of the steps: thin functions for a script or a notebook."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters.engagement import find_engagement
from vendorkit.adapters.store import Candidate
from vendorkit.records.gate_report import GateReport
from vendorkit.steps import gate as gating
from vendorkit.steps import publish as publishing
from vendorkit.steps.publish import Published
from vendorkit.trust.aliases import LIVE


def gate(candidate: Candidate | None = None, *, against: str = LIVE) -> GateReport:
    """Ask every declared gate of a candidate; by default of the newest in the engagement of the current folder.

    Args:
        candidate: As `train` or `track` gave it.
        against: Alias or version number of the version to compare with.

    Raises:
        BadInput: No gates are declared, a benchmark is not frozen, or there is no such version.
    """
    return gating.gate(_engagement_of(candidate), candidate, against=against).report


def publish(candidate: Candidate | None = None) -> Published:
    """Register a candidate; by default the newest in the engagement of the current folder.

    Args:
        candidate: As `train` or `track` gave it.

    Raises:
        Refused: It is not fit; every reason is named.
    """
    return publishing.publish(_engagement_of(candidate), candidate)


def _engagement_of(candidate: Candidate | None) -> Path:
    return find_engagement(candidate.folder if candidate else None)
