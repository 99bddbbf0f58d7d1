"""Warnings: none for a sensible manifest, each for its cause."""

from __future__ import annotations

from typing import Any

import pytest
from vendorkit.records.manifest import examine, warnings

from tests.support.engagement import ABSENT, manifest, manifest_bytes, minimal_manifest

BASE = minimal_manifest()
PEOPLE_OF_VENDOR = BASE["vendor"]
NO_CAP = {key: value for key, value in PEOPLE_OF_VENDOR["capacity"].items() if key != "hours_cap_per_month"}
STAGE = {"stage": "train", "why": "threads", "bound": "roc_auc within 1e-4", "accepted_by": "model-risk"}

CAUTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "eight surfaces": (
        {"surfaces": [{**BASE["surfaces"][0], "id": f"s{n}", "kind": "features"} for n in range(8)], "gates": []},
        "surfaces", "owns 8 surfaces",
    ),
    "no cover": (
        {"vendor": {**PEOPLE_OF_VENDOR, "capacity": {**PEOPLE_OF_VENDOR["capacity"], "cover": {
            "vendor-ml": "vendor-data"}}}},
        "vendor.capacity.cover", "stands in for vendor-data",
    ),
    "no deputy": ({"deputy": ABSENT}, "accountable", "nobody stands in for model-ops-lead"),
    "late milestone": (
        {"milestones": [{**BASE["milestones"][0], "due": "2027-02-20"}]}, "milestones[0].due", "6 days before"
    ),
    "wide tolerance": (
        {"reproduce": {**BASE["reproduce"], "tolerance": {"roc_auc": 0.01}}},
        "reproduce.tolerance.roc_auc", "margin of g-auc",
    ),
    "much chance": ({"reproduce": {**BASE["reproduce"], "stochastic": [STAGE] * 4}}, "reproduce.stochastic", "4"),
    "low tier": ({"engagement": {**BASE["engagement"], "risk_tier": "low"}}, "engagement.risk_tier", "personal"),
    "no baseline": ({"productivity": ABSENT}, "productivity", "no baseline"),
    "no cap": ({"vendor": {**PEOPLE_OF_VENDOR, "capacity": NO_CAP}}, "people.vendor-ml", "hours cap"),
}  # fmt: skip


def test_a_sensible_manifest_has_none() -> None:
    assert warnings(manifest()) == []


def test_a_tolerance_within_the_margin_is_fine() -> None:
    assert warnings(manifest(reproduce={**BASE["reproduce"], "tolerance": {"roc_auc": 0.003}})) == []


@pytest.mark.parametrize("name", CAUTIONS)
def test_each_warning(name: str) -> None:
    changes, path, says = CAUTIONS[name]
    found = warnings(manifest(**changes))
    assert any(fault.where == path and says in fault.says for fault in found), found
    assert len(found) == (2 if name == "no cap" else 1)


def test_a_warning_has_its_line_when_the_text_is_known() -> None:
    found = examine(manifest_bytes(deputy=ABSENT))
    assert found.manifest is not None
    [caution] = warnings(found.manifest, found.text)
    line = manifest_bytes(deputy=ABSENT).decode().splitlines().index("accountable: model-ops-lead") + 1
    assert caution.where == f"engagement.yaml:{line}: accountable"
