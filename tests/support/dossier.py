"""Dossier of the small engagement as values, made from the golden records, for tests of documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vendorkit.records.contract import contract_of
from vendorkit.records.dossier import Dossier
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import Against, GateReport
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot

from tests.support.engagement import manifest
from tests.support.words import WORDS

GOLDEN = Path(__file__).parents[1] / "sdk/records/golden"
ODCS = b"""
id: acme-applications
version: 1.2.0
status: active
description: {purpose: "Rank applications", limitations: "One bank", usage: "This engagement only"}
schema:
  - name: applications
    properties:
      - {name: duration_in_month, description: "Duration, in months"}
"""
FILES = {**{path: text.encode() for path, text in WORDS.items()}, "data/applications.odcs.yaml": ODCS}


def dossier(**changes: Any) -> Dossier:
    """A candidate that passed; `changes` replace fields."""
    run = Run.parse((GOLDEN / "run.json").read_bytes(), "run")
    features = FeatureSet.parse((GOLDEN / "feature-set.json").read_bytes(), "features")
    declared = manifest()
    made = Dossier(
        name="candidate",
        manifest=declared,
        run=run,
        features=features,
        contract=contract_of(declared, run, features),
        report=GateReport.parse((GOLDEN / "gate-report.json").read_bytes(), "report"),
        snapshots=(Snapshot.parse((GOLDEN / "snapshot.json").read_bytes(), "snapshot"),),
        files=FILES,
        requirements="numpy==2.1.0\npandas==3.0.0 ; python_version >= '3.11'\n",
    )
    return replace(made, **changes)


def against(name: str) -> Against:
    """The live version of this name, as a report names it."""
    model, _, version = name.partition("/")
    return Against(model=model, version=int(version), release="sha256:" + "0" * 64)
