"""A release's files and records, verified against each other and against the registry before anything is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import differing_files, read_record
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.contract import Contract
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.release import Release
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot


@dataclass(frozen=True)
class ReleaseFiles:
    """A release whose files and records were verified against each other and against the registry."""

    version: Version
    folder: Path
    release: Release
    run: Run
    report: GateReport
    features: FeatureSet
    contract: Contract
    snapshots: tuple[Snapshot, ...]

    @property
    def authors(self) -> frozenset[str]:
        """E-mail addresses of all who made it: they may not approve it."""
        run = self.run
        return frozenset(
            address.casefold()
            for address in (run.author.email, self.release.publisher.email, *run.code.committers)
        )


def find_version(registry: Registry, model: str, number: int) -> Version:
    """A registered version.

    Raises:
        BadInput: There is none; says which there are.
    """
    versions = registry.versions(model)
    for version in versions:
        if version.number == number:
            return version
    there = ", ".join(str(version.number) for version in versions) or "none"
    raise BadInput("No such version.", [Fault(f"{model}/{number}", f"is not registered; there is: {there}.")])


def verify_release(registry: Registry, version: Version, folder: Path) -> ReleaseFiles:
    """Fetch a release and verify it: files, records, and the digests that link them. Loads no model.

    Raises:
        Refused: Something does not match; every difference is named.
    """
    root = registry.download(version, folder)
    subject = f"{version.model}/{version.number}"
    try:
        found = ReleaseFiles(
            version=version,
            folder=root,
            release=read_record(Release, root / "release.json"),
            run=read_record(Run, root / "records/run.json"),
            report=read_record(GateReport, root / "records/gate-report.json"),
            features=read_record(FeatureSet, root / "records/features.json"),
            contract=read_record(Contract, root / "records/contract.json"),
            snapshots=tuple(
                read_record(Snapshot, path) for path in sorted((root / "records/snapshots").glob("*"))
            ),
        )
    except BadInput as error:
        raise Refused(
            f"{subject} is not whole.", error.faults, fix="Publish it again as a new version."
        ) from error
    faults = [*_file_faults(root, found.release), *_link_faults(found)]
    if faults:
        raise Refused(
            f"{subject} is not what was published.", faults, fix="Do not use it; find out who changed it."
        )
    return found


def _file_faults(root: Path, release: Release) -> list[Fault]:
    # release.json cannot list itself; its digest stands in the registry's tags.
    return [fault for fault in differing_files(root, release.files) if fault.where != "release.json"]


def _link_faults(found: ReleaseFiles) -> list[Fault]:
    release, tags = found.release, found.version.tags
    links = {
        "release": (release.digest, tags.get("release")),
        "candidate": (found.run.digest, release.candidate),
        "candidate tag": (release.candidate, tags.get("candidate")),
        "gate report": (found.report.digest, release.gate_report),
        "gate report's candidate": (found.report.candidate, release.candidate),
        "features": (found.features.digest, release.features),
        "run's features": (found.run.features, release.features),
        "contract": (found.contract.digest, release.contract),
        "contract's features": (found.contract.features, release.features),
    }
    faults = [
        Fault(name, f"is {is_}, expected {should}.") for name, (is_, should) in links.items() if is_ != should
    ]
    if not found.report.passed:
        faults.append(Fault("gate report", "is not a pass."))
    if {snapshot.digest for snapshot in found.snapshots} != set(release.snapshots):
        faults.append(Fault("snapshots", "are not those of the release."))
    if {source.snapshot for source in found.run.inputs} != set(release.snapshots):
        faults.append(Fault("run's inputs", "are not the snapshots of the release."))
    model = {f"model/{artifact.path}": artifact.digest for artifact in found.run.artifacts}
    held = {artifact.path: artifact.digest for artifact in release.files}
    changed = [path for path, digest in model.items() if held.get(path) != digest]
    return faults + [Fault(path, "is not the file that was trained.") for path in sorted(changed)]
