"""What an exported release says to those who have no vendorkit: how it was trained, how it is run, how to verify it.

All of it is rendered from the records that lie beside it.
"""

from __future__ import annotations

import json
from typing import Any

from vendorkit.documents.cyclonedx import bill_of_materials
from vendorkit.documents.intoto import statements
from vendorkit.documents.openlineage import events_of
from vendorkit.documents.plain import clean
from vendorkit.records.contract import Contract
from vendorkit.records.evidence import Evidence
from vendorkit.records.manifest.operations import Operations
from vendorkit.records.release import Release
from vendorkit.records.run import Run

_README = """\
# {name}

This folder is everything about one registered version of the model {model}, of the engagement {engagement}.
It was written by vendorkit {sdk}; nothing in it needs vendorkit to be read.

| file | what it is |
|---|---|
| `SHA256SUMS` | digests of all files: `sha256sum --check SHA256SUMS` |
| `bundle.json` | the index: files, digests, what the registry showed |
| `release/release.json` | the release record; its digest names the release |
| `release/model/` | the model, stored as {format}, and the code that predicts with it |
| `release/records/` | run, features, contract, gate report and data pointers; each names its parents by digest |
| `release/documents/` | model card, datasheet, gate report and what else people read |
| `release/engagement/` | the manifest, the lock file and what else was declared, as they were |
| `decisions/` | every decision about the model with its SSH signature, oldest first; one chain by digest |
| `training.json` | the training configuration: data, label, seed, parameters, code, environment |
| `lineage/` | the same lineage as OpenLineage events, CycloneDX bill of materials, in-toto statements |
| `deployment.json` | the deployment definition: what to load, how, and how it is run |

Release: `{release}`

A signature is checked with OpenSSH alone: the field `decision` of a file as canonical JSON (RFC 8785) is what was
signed, in the namespace `vendorkit`. With vendorkit, `vendorkit import DIR` verifies everything and registers it.
"""


def readme(name: str, run: Run, release: Release) -> str:
    """The first page of the folder, as Markdown."""
    return _README.format(
        name=clean(name),
        model=clean(run.model),
        engagement=clean(run.engagement),
        sdk=clean(run.sdk_version),
        format=clean(run.model_format.name),
        release=release.digest,
    )


def training(run: Run) -> dict[str, Any]:
    """The training configuration: what has to be the same to train the same model again."""
    value = run.to_value()
    kept = ("model", "task", "inputs", "filters", "label", "seed", "parameters", "features", "prepared")
    return {
        **{name: value[name] for name in kept},
        "run": run.digest,
        "code": {name: value["code"][name] for name in ("commit", "module", "files")},
        "environment": {**value["environment"], "lock_file": "release/engagement/uv.lock"},
    }


def deployment(name: str, run: Run, contract: Contract, operations: Operations | None) -> dict[str, Any]:
    """The deployment definition: what is loaded, by what, and how it is run."""
    return {
        "release": name,
        "command": f"vendorkit serve {name}",
        "python": run.environment.python,
        "requirements": "release/model/requirements.txt",
        "model": {"folder": "release/model", "format": run.model_format.model_dump(mode="json")},
        "predict": f"release/model/code/{run.code.module}.py",
        "contract": "release/records/contract.json",
        "input": [field.model_dump(mode="json", exclude_none=True) for field in contract.fields],
        "behaviour": contract.behaviour.model_dump(mode="json"),
        "health": {"live": "/health/live", "ready": "/health/ready", "metrics": "/metrics"},
        "operations": operations.model_dump(mode="json") if operations else None,
    }


def lineage(evidence: Evidence) -> dict[str, bytes]:
    """The lineage in the formats of others, by file."""
    return {
        "openlineage.ndjson": _lines(events_of(evidence)),
        "bom.cdx.json": to_json(bill_of_materials(evidence)),
        "attestations.intoto.jsonl": _lines(statements(evidence)),
    }


def _lines(values: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n" for value in values).encode()


def to_json(value: dict[str, Any]) -> bytes:
    """A document for people and programs: sorted keys, two blanks."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
