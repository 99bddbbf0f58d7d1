"""A small valid engagement, as values and as a folder, for tests to break or to use."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from vendorkit.records.manifest import Manifest, load_manifest

ABSENT = object()
"""As a change: leave this section out."""

PEOPLE = {
    "model-ops-lead": ("internal", "head-of-model-ops", "model-ops@bank.example"),
    "ml-sre": ("internal", "ml-sre", "ml-sre@bank.example"),
    "model-risk": ("internal", "model-risk", "model-risk@bank.example"),
    "vendor-ml": ("vendor", "ml-platform-engineer", "ml@acme.example"),
    "vendor-data": ("vendor", "data-reliability-engineer", "data@acme.example"),
}

DELIVERS = ["code", "tests", "environment", "dataset-refs", "lineage", "card", "runbook"]


class _WrittenOut(yaml.SafeDumper):
    """Writes a value that stands twice twice: the manifest has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def minimal_manifest() -> dict[str, Any]:
    """The plain value of a valid manifest at stage kickoff; a fresh copy each time."""
    return copy.deepcopy(_MINIMAL)


def write_engagement(folder: Path, **changes: Any) -> Path:
    """Write `engagement.yaml` into a folder; each change replaces one top-level section."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engagement.yaml").write_bytes(manifest_bytes(**changes))
    return folder


def manifest_bytes(**changes: Any) -> bytes:
    """The text of the manifest that `write_engagement` writes."""
    value = {**minimal_manifest(), **changes}
    kept = {key: part for key, part in value.items() if part is not ABSENT}
    return yaml.dump(kept, Dumper=_WrittenOut, sort_keys=False, allow_unicode=True).encode()


def manifest(**changes: Any) -> Manifest:
    """The manifest that `write_engagement` writes, as a value."""
    return load_manifest(manifest_bytes(**changes))


def delivery() -> dict[str, Any]:
    """Changes that bring the manifest to stage delivery, with the sections that are owed from then on."""
    return {
        "engagement": {**minimal_manifest()["engagement"], "stage": "delivery"},
        "lifecycle": {"review_every": "P6M", "retire_after_idle": "P12M", "approver": "model-risk"},
        "operations": {
            "objectives": [{"id": "avail", "sli": "availability", "target": 99.9, "window": "P28D"}],
            "alerts": [{"signal": "psi_score", "over": 0.2, "to": "ml-sre", "runbook": "docs/RUNBOOK.md#input-drift"}],
            "failure_modes": {
                "missing": "reject-422",
                "stale": "flag",
                "invalid": "reject-422",
                "out_of_distribution": "flag",
            },
            "rollback": {"authority": ["ml-sre"], "command": "vendorkit rollback credit", "target_minutes": 15},
            "escalation": ["ml-sre", "vendor-ml"],
            "retrain": {"every": "P3M", "owner": "ml-sre"},
        },
        "cadence": [{"ritual": "weekly-sync", "every": "P1W", "chair": "ml-sre", "shows": ["pipeline_health"]}],
    }


_MINIMAL: dict[str, Any] = {
    "schema_version": 1,
    "standards": {"pack": "platform-standards", "version": "2026.11"},
    "engagement": {
        "id": "acme-credit-2026",
        "title": "Consumer credit scoring",
        "use_case": "Decide on consumer loans",
        "operating_model": "hybrid",
        "stage": "kickoff",
        "risk_tier": "medium",
        "regimes": [],
        "starts": "2026-09-01",
        "ends": "2027-02-26",
    },
    "accountable": "model-ops-lead",
    "deputy": "ml-sre",
    "people": {
        person_id: {"name": role, "org": org, "role": role, "contact": contact}
        for person_id, (org, role, contact) in PEOPLE.items()
    },
    "vendor": {
        "name": "Acme Analytics SA",
        "capacity": {
            "billing": "monthly-hours",
            "fte": 2,
            "hours_cap_per_month": 320,
            "notice_weeks": 4,
            "cover": {"vendor-ml": "vendor-data", "vendor-data": "vendor-ml"},
        },
        "agreement": {"reproducibility": "MSA-114 s4", "exit": "MSA-114 s12"},
        "proprietary": [],
    },
    "systems": {"code": "https://git.bank.example/vendors/acme-credit"},
    "datasets": [
        {
            "id": "applications",
            "source": "data/applications.csv",
            "contract": "data/applications.odcs.yaml",
            "pointer": "data/applications.lock.json",
            "owner": "ml-sre",
            "personal_data": True,
            "label": {"source": "repayment ledger", "column": "creditability"},
        }
    ],
    "surfaces": [
        {
            "id": "credit",
            "kind": "model",
            "path": "models/credit",
            "owner": "model-risk",
            "datasets": ["applications"],
            "card": "models/credit/CARD.md",
            "task": "binary",
        }
    ],
    "reproduce": {"command": "vendorkit reproduce", "lockfile": "uv.lock", "seed": 20260901},
    "benchmarks": [
        {
            "id": "holdout",
            "kind": "frozen",
            "path": "benchmarks/holdout.lock.json",
            "source": "benchmarks/holdout.csv",
            "dataset": "applications",
        }
    ],
    "gates": [
        {
            "id": "g-auc",
            "kind": "performance",
            "benchmark": "holdout",
            "metric": "roc_auc",
            "min": 0.7,
            "max_drop_vs_current": 0.01,
            "says": "Ranks good and bad payers at least as well as today",
        },
        {"id": "g-same", "kind": "determinism", "says": "Preparing twice gives the same table"},
    ],
    "milestones": [
        {
            "id": "m1",
            "title": "Baseline rebuilt in our CI",
            "due": "2027-01-15",
            "delivers": DELIVERS,
            "accepted_by": "ml-sre",
        }
    ],
    "handoff": {
        "future_owner": "ml-sre",
        "training": "docs/TRAINING.md",
        "shadow": {"vendor_runs": "2027-01-11", "we_run": "2027-01-25", "vendor_out": "2027-02-08"},
        "rehearsal": {
            "date": "2027-02-03",
            "by": ["ml-sre"],
            "drills": ["deploy", "simulated-failure", "rollback"],
        },
        "cutover": "2027-02-12",
        "extend_if_failed": "P4W",
    },
    "productivity": {"baseline": {"lead_time_days": 64}},
    "waivers": [],
}
