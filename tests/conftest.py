"""Rules for all tests: an own home and cache, no registry of the surroundings, and no skip where none is allowed."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
    os.environ.pop(name, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where VENDORKIT_NO_SKIP is set, a test that skips fails with the reason of the skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("VENDORKIT_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not skip here: {report.longrepr}"
    return report
