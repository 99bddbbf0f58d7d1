"""The evidence of a real release, for all that is rendered from it."""

from __future__ import annotations

import pytest
from vendorkit.records.evidence import Evidence
from vendorkit.steps.trace import trace

from tests.support.world import World


@pytest.fixture(scope="session")
def evidence(promoted: World) -> Evidence:
    """The evidence of credit/1, which is live."""
    found = trace(promoted.repo, "credit/1", with_evidence=True).evidence
    assert found
    return found
