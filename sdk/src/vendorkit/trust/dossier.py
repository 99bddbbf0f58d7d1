"""The evidence of a release without its model: fetched and verified, for whoever compares a candidate with it."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters.engagement import MANIFEST
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import list_files, read_record
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.contract import Contract
from vendorkit.records.dossier import Dossier
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import load_manifest
from vendorkit.records.release import Release
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot
from vendorkit.trust.releases import RELEASE_FILE, refuse_archived

DECLARED = "engagement"
"""Folder of a release with what the engagement declared and wrote, as it was."""
REQUIREMENTS = "model/requirements.txt"


def dossier_of(registry: Registry, version: Version, folder: Path) -> Dossier:
    """What is known of a registered release.

    Args:
        registry: Where it is.
        version: The release.
        folder: Where its small files are put; the model is not fetched.

    Raises:
        Refused: It is archived, or they are not what was published; every difference is named.
    """
    refuse_archived(version)
    try:
        root = registry.download(version, folder, (RELEASE_FILE, "records", DECLARED, REQUIREMENTS))
        release = read_record(Release, root / RELEASE_FILE)
    except BadInput as error:
        raise Refused(f"{version.name} is not whole.", error.faults) from error
    held = {file.path: file.digest for file in release.files}
    found = [file for file in list_files(root) if file.path != RELEASE_FILE]
    faults = [Fault(file.path, "is not what was published.") for file in found if held.get(file.path) != file.digest]
    if release.digest != version.tags.get("release"):
        faults.insert(0, Fault(RELEASE_FILE, f"is {release.digest}, registered is {version.tags.get('release')}."))
    if faults:
        raise Refused(f"{version.name} is not what was published.", faults, fix="Find out who changed it.")
    return _read(version.name, root)


def _read(name: str, root: Path) -> Dossier:
    records, declared = root / "records", root / DECLARED
    files = {file.path: (declared / file.path).read_bytes() for file in list_files(declared)}
    if MANIFEST not in files:
        raise Refused(f"{name} cannot be compared with.", [Fault(f"{DECLARED}/{MANIFEST}", "is not part of it.")])
    return Dossier(
        name=name,
        manifest=load_manifest(files[MANIFEST], f"{name}: {MANIFEST}"),
        run=read_record(Run, records / "run.json"),
        features=read_record(FeatureSet, records / "features.json"),
        contract=read_record(Contract, records / "contract.json"),
        report=read_record(GateReport, records / "gate-report.json"),
        snapshots=tuple(read_record(Snapshot, path) for path in sorted((records / "snapshots").glob("*"))),
        files=files,
        requirements=(root / REQUIREMENTS).read_text("utf-8"),
    )
