"""CycloneDX 1.6: the bill of materials of a release, with the model as a component that has a model card.

The maintained library has no model card in its object model: plain JSON is written here, and tests hold it against
the library's strict schema.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from vendorkit.documents.plain import figure
from vendorkit.errors import BadInput, Fault
from vendorkit.records.evidence import Evidence
from vendorkit.records.gate_report import GateResult
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.toml_text import load_toml

Json = dict[str, Any]
SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def bill_of_materials(evidence: Evidence) -> Json:
    """The bill of materials. The same release gives the same text.

    Args:
        evidence: The release.

    Raises:
        BadInput: Its lock file is none of uv's.
    """
    release, run = evidence.release, evidence.run
    model_ref = f"model:{evidence.name}"
    packages = _packages(evidence.lock)
    data = [_dataset(evidence, snapshot) for snapshot in evidence.snapshots]
    files = [_file(artifact.path, artifact.digest) for artifact in release.files if artifact.path.startswith("model/")]
    parts = [entry["bom-ref"] for entry in (*data, *files)]
    parts += [entry["bom-ref"] for entry in packages if entry.pop("_root", False)]
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, release.digest)}",
        "version": 1,
        "metadata": {
            "timestamp": release.published_at,
            "tools": {"components": [{"type": "application", "name": "vendorkit", "version": run.sdk_version}]},
            "authors": [{"name": run.author.name, "email": run.author.email}],
            "supplier": {"name": evidence.manifest.vendor.name},
            "component": _model(evidence, model_ref),
        },
        "components": [*data, *files, *packages],
        "dependencies": [{"ref": model_ref, "dependsOn": parts}],
    }


def _model(evidence: Evidence, ref: str) -> Json:
    release, run, manifest = evidence.release, evidence.run, evidence.manifest
    facts = {
        "release": release.digest,
        "candidate": run.digest,
        "gate_report": evidence.report.digest,
        "contract": evidence.contract.digest,
        "features": evidence.features.digest,
        "environment": run.environment.id,
        "commit": run.code.commit,
        "seed": str(run.seed),
        "format": run.model_format.name,
        "engagement": run.engagement,
        "risk_tier": manifest.engagement.risk_tier,
        **{f"parameter.{key}": str(value) for key, value in sorted(run.parameters.items())},
    }
    value = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": release.model,
        "version": str(evidence.version),
        "description": manifest.engagement.use_case,
        "supplier": {"name": manifest.vendor.name},
        "hashes": [_hash(release.digest)],
        "modelCard": _card(evidence),
        "properties": [{"name": f"vendorkit:{key}", "value": text} for key, text in facts.items()],
    }
    if "://" in manifest.systems.code:
        value["externalReferences"] = [{"type": "vcs", "url": _address(manifest.systems.code)}]
    return value


def _card(evidence: Evidence) -> Json:
    """The model card: what it is, how it was judged, what is to be considered."""
    run, manifest = evidence.run, evidence.manifest
    owner = manifest.people[manifest.surface(run.model).owner]
    limits = [
        f"{field.name}: seen in training from {figure(field.minimum)} to {figure(field.maximum)}"
        for field in evidence.contract.fields
        if field.minimum is not None and field.maximum is not None
    ]
    personal = [entry.id for entry in manifest.datasets if entry.personal_data]
    ethics = [{"name": f"{name} holds personal data"} for name in personal if name in {i.dataset for i in run.inputs}]
    return {
        "modelParameters": {
            "approach": {"type": "supervised" if run.label else "unsupervised"},
            "task": run.task,
            "datasets": [{"ref": f"data:{snapshot.dataset}"} for snapshot in evidence.snapshots],
            "inputs": [{"format": f"{field.name}: {field.type}"} for field in evidence.contract.fields],
            "outputs": [{"format": f"{run.task} score"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": _metrics(evidence.report.results)},
        "considerations": {
            "users": [owner.name],
            "useCases": [manifest.engagement.use_case],
            "technicalLimitations": limits,
            "ethicalConsiderations": ethics,
        },
    }


def _metrics(results: tuple[GateResult, ...]) -> list[Json]:
    """Every number of the gate report: each gate's own, and its segments' and groups'."""
    found = []
    for result in results:
        where = f" on {result.benchmark}" if result.benchmark else ""
        name = f"{result.metric or result.kind} ({result.id}{where})"
        if result.value is not None:
            found.append(_metric(name, result.value, None, result.interval))
        found += [
            _metric(name, cell.value, cell.name, cell.interval) for cell in result.cells if cell.value is not None
        ]
    return found


def _metric(name: str, value: float | str, part: str | None, interval: tuple[float, float] | None) -> Json:
    metric: Json = {"type": name, "value": str(value)}
    if part:
        metric["slice"] = part
    if interval:
        metric["confidenceInterval"] = {"lowerBound": str(interval[0]), "upperBound": str(interval[1])}
    return metric


def _dataset(evidence: Evidence, snapshot: Snapshot) -> Json:
    """A frozen dataset. Its hash is that of its snapshot record; the digest of its content is a property."""
    declared = next((entry for entry in evidence.manifest.datasets if entry.id == snapshot.dataset), None)
    data: Json = {
        "type": "dataset",
        "name": snapshot.dataset,
        "contents": {"properties": [
            {"name": "vendorkit:content_digest", "value": snapshot.content_digest},
            {"name": "vendorkit:rows", "value": str(snapshot.rows)},
            {"name": "vendorkit:columns", "value": str(len(snapshot.columns))},
            {"name": "vendorkit:taken_at", "value": snapshot.taken_at},
        ]},
    }  # fmt: skip
    if declared:
        person = evidence.manifest.people[declared.owner]
        owner = {"contact": {"name": person.name, "email": person.contact}}
        data["governance"] = {"owners": [owner]}
        data["classification"] = "personal data" if declared.personal_data else "no personal data"
        if declared.personal_data:
            data["sensitiveData"] = ["personal data"]
    return {
        "type": "data",
        "bom-ref": f"data:{snapshot.dataset}",
        "name": snapshot.dataset,
        "version": snapshot.content_digest,
        "hashes": [_hash(snapshot.digest)],
        "data": [data],
    }


def _file(path: str, digest: str) -> Json:
    return {"type": "file", "bom-ref": f"file:{path}", "name": path, "hashes": [_hash(digest)]}


def _packages(lock: bytes) -> list[Json]:
    """The locked packages. A package has one file for each platform: their hashes stand at its distributions."""
    try:
        locked = load_toml(lock).get("package", [])
        here = [entry for entry in locked if {"virtual", "editable"} & set(entry.get("source", {}))]
        direct = {need["name"] for entry in here for need in entry.get("dependencies", [])}
        others = (entry for entry in locked if entry not in here and "version" in entry)
        found = [_package(entry, entry["name"] in direct) for entry in others]
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # an imported one may be anything
        raise BadInput("The release's packages are not known.", [Fault("uv.lock", "is no lock file of uv.")]) from error
    return list({entry["bom-ref"]: entry for entry in found}.values())


def _package(entry: Json, root: bool) -> Json:
    purl = f"pkg:pypi/{quote(entry['name'].lower())}@{quote(entry['version'])}"
    files = [*([entry["sdist"]] if "sdist" in entry else []), *entry.get("wheels", [])]
    value: Json = {
        "type": "library",
        "bom-ref": purl,
        "name": entry["name"],
        "version": entry["version"],
        "purl": purl,
        "_root": root,
    }
    hashed = [file for file in files if file.get("hash", "").startswith("sha256:")]
    if len(hashed) == 1:
        value["hashes"] = [_hash(hashed[0]["hash"])]
    places = [{"type": "distribution", "url": _address(file.get("url") or file.get("path") or entry["name"]),
               "hashes": [_hash(file["hash"])]} for file in hashed]  # fmt: skip
    if places:
        value["externalReferences"] = places
    return value


def _hash(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _address(url: str) -> str:
    """An address without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], quote(parts.path, safe="/%"), "", ""))
