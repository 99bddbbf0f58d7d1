"""A release's files and records, verified against each other and against the registry before anything is used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.bundle import copy_all
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import differing_files, read_record
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.contract import Contract
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.release import Release
from vendorkit.records.run import Artifact, Run
from vendorkit.records.snapshot import Snapshot

RELEASE_FILE = "release.json"
ARCHIVED = "archived"
"""Tag of a version whose model lies in a bundle, and no longer in the registry: the digest of that bundle."""
ADDED_TO_MODEL = ("MLmodel", "requirements.txt", "run.json")
"""What publishing adds to the folder of the trained model, for MLflow's own loading."""


@dataclass(frozen=True)
class Subject:
    """What approvals are about.

    Args:
        name: MODEL/VERSION, for messages.
        release, candidate, gate_report: The digests that an approval must name.
        authors: E-mail addresses, case folded, of all who made it: they may not approve it.
    """

    name: str
    release: str
    candidate: str
    gate_report: str
    authors: frozenset[str]

    @property
    def digests(self) -> tuple[str, str, str]:
        return self.release, self.candidate, self.gate_report


def subject_of(version: Version) -> Subject:
    """What approvals of a version must be about, by the tags that the registry claims."""
    tags = version.tags
    release, candidate, report = (tags.get(name, "") for name in ("release", "candidate", "gate_report"))
    made_by = frozenset(tags.get("made_by", "").casefold().split())
    return Subject(version.name, release, candidate, report, made_by)


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
    def subject(self) -> Subject:
        """What approvals of it must be about."""
        release, run = self.release, self.run
        authors = {run.author.email, release.publisher.email, *run.code.committers}
        folded = frozenset(address.casefold() for address in authors)
        return Subject(self.version.name, release.digest, release.candidate, release.gate_report, folded)


def find_version(registry: Registry, model: str, number: int) -> Version:
    """A registered version.

    Raises:
        BadInput: There is none; says which there are.
    """
    found = registry.version(model, number)
    if found:
        return found
    versions = registry.versions(model)
    there = ", ".join(str(version.number) for version in versions) or "none"
    raise BadInput("No such version.", [Fault(f"{model}/{number}", f"is not registered; there is: {there}.")])


def verify_release(registry: Registry, version: Version, folder: Path, *, used: bool = True) -> ReleaseFiles:
    """Fetch a release and verify it: files, records, and the digests that link them. Loads no model.

    Args:
        registry, version: Which release.
        folder: Where its files go.
        used: Whether they are going to be loaded or handed on: then what is verified is a copy, which nobody changes
            afterwards. Else files on this machine are read where they lie; records are known by their digests.

    Raises:
        Refused: Something does not match; every difference is named.
    """
    _refuse_foreign(version)
    refuse_archived(version)
    return _verified(version, *_fetched(registry, version, folder, used=used))


def verify_what_is_left(registry: Registry, version: Version, folder: Path) -> ReleaseFiles:
    """Fetch a release to read it: all of it, or where it is archived all but the files of its model; verified as ever.

    Raises:
        Refused: As for `verify_release`.
    """
    if ARCHIVED not in version.tags:
        return verify_release(registry, version, folder, used=False)
    _refuse_foreign(version)
    return _verified(version, *_fetched(registry, version, folder, used=False), without_model=True)


def _fetched(
    registry: Registry, version: Version, folder: Path, *, used: bool
) -> tuple[Path, tuple[Artifact, ...] | None]:
    """Where the files of a release are now, and their digests where copying gave them."""
    here = registry.folder(version)
    try:
        if here is None:
            return registry.download(version, folder), None
        return (folder, copy_all(here, folder)) if used else (here, None)
    except BadInput as error:
        raise _not_whole(version, error) from error


def verify_files(version: Version, root: Path, held: tuple[Artifact, ...] | None = None) -> ReleaseFiles:
    """Verify the files of a release that lie in a folder.

    Args:
        version: What the registry says, or will say.
        root: The folder.
        held: The files with their digests, where they were just hashed.

    Raises:
        Refused: Something does not match; every difference is named.
    """
    _refuse_foreign(version)
    refuse_archived(version)
    return _verified(version, root, held)


def _verified(
    version: Version, root: Path, held: tuple[Artifact, ...] | None = None, *, without_model: bool = False
) -> ReleaseFiles:
    try:
        release = read_record(Release, root / RELEASE_FILE)
        expected = tuple(file for file in release.files if not without_model or not _removed(root, file))
        faults = _file_faults(root, release, version, expected, held)
        found = None if faults else _read(version, root, release)
    except BadInput as error:
        raise _not_whole(version, error) from error
    if found:
        faults = _link_faults(found)
    if faults or found is None:
        fix = "Do not use it; find out who changed it."
        raise Refused(f"{version.name} is not what was published.", faults, fix=fix)
    return found


def _not_whole(version: Version, error: BadInput) -> Refused:
    return Refused(f"{version.name} is not whole.", error.faults, fix="Publish it again as a new version.")


def _refuse_foreign(version: Version) -> None:
    if not {"release", "candidate", "gate_report"} <= set(version.tags):
        fault = Fault(version.name, "carries no release record.")
        fix = "Whoever registered it publishes it with `vendorkit publish`."
        raise Refused(f"{version.name} was not published by vendorkit.", [fault], fix=fix)


def refuse_archived(version: Version) -> None:
    """Go no further with a release whose model is not in the registry.

    Raises:
        Refused: It lies in a bundle.
    """
    if ARCHIVED in version.tags:
        fault = Fault(
            version.name, f"lies in bundle {version.tags[ARCHIVED]}, and its model no longer in the registry."
        )
        raise Refused(f"{version.name} is archived.", [fault], fix="`vendorkit import` of that bundle brings it back.")


def _removed(root: Path, file: Artifact) -> bool:
    """Whether a file went with the model of an archived release."""
    return file.path.startswith("model/") and not os.path.lexists(root / file.path)


def _file_faults(
    root: Path,
    release: Release,
    version: Version,
    expected: tuple[Artifact, ...],
    held: tuple[Artifact, ...] | None,
) -> list[Fault]:
    """What is missing, changed or too much. The release record cannot list itself: its digest is in the registry."""
    faults = [fault for fault in differing_files(root, expected, held) if fault.where != RELEASE_FILE]
    if release.digest != version.tags["release"]:
        says = f"is {release.digest}, registered is {version.tags['release']}."
        faults.insert(0, Fault(RELEASE_FILE, says))
    return faults


def _read(version: Version, root: Path, release: Release) -> ReleaseFiles:
    """The records of a release whose files are what its record lists."""
    records = root / "records"
    snapshots = sorted((records / "snapshots").glob("*"))
    return ReleaseFiles(
        version=version,
        folder=root,
        release=release,
        run=read_record(Run, records / "run.json"),
        report=read_record(GateReport, records / "gate-report.json"),
        features=read_record(FeatureSet, records / "features.json"),
        contract=read_record(Contract, records / "contract.json"),
        snapshots=tuple(read_record(Snapshot, path) for path in snapshots),
    )


def _link_faults(found: ReleaseFiles) -> list[Fault]:
    release, tags = found.release, found.version.tags
    links = {
        "model": (release.model, found.version.model),
        "run's model": (found.run.model, release.model),
        "candidate": (found.run.digest, release.candidate),
        "candidate tag": (tags["candidate"], release.candidate),
        "gate report": (found.report.digest, release.gate_report),
        "gate report tag": (tags["gate_report"], release.gate_report),
        "gate report's candidate": (found.report.candidate, release.candidate),
        "features": (found.features.digest, release.features),
        "run's features": (found.run.features, release.features),
        "contract": (found.contract.digest, release.contract),
        "contract's features": (found.contract.features, release.features),
    }
    faults = [Fault(name, f"is {is_}, expected {should}.") for name, (is_, should) in links.items() if is_ != should]
    if not found.report.passed:
        faults.append(Fault("gate report", "is not a pass."))
    if {snapshot.digest for snapshot in found.snapshots} != set(release.snapshots):
        faults.append(Fault("snapshots", "are not those of the release."))
    if {source.snapshot for source in found.run.inputs} != set(release.snapshots):
        faults.append(Fault("run's inputs", "are not the snapshots of the release."))
    return faults + _told_faults(found) + _model_faults(found)


def _told_faults(found: ReleaseFiles) -> list[Fault]:
    """What the release record tells of its parents again must be so."""
    release, run = found.release, found.run
    held = {file.path: file.digest for file in release.files}
    told = {
        "commit": (release.commit or run.code.commit, run.code.commit),
        "environment": (release.environment or run.environment.id, run.environment.id),
        "lock": (release.lock or run.environment.lock, run.environment.lock),
        "compared with": (release.against or found.report.against, found.report.against),
        **{f"document {each.name}": (each.digest, held.get(each.path)) for each in release.documents},
    }
    faults = [Fault(name, f"is {is_}, expected {should}.") for name, (is_, should) in told.items() if is_ != should]
    data = {(each.dataset, each.snapshot, each.content_digest, each.rows) for each in release.data}
    if data and data != {(each.dataset, each.snapshot, each.content_digest, each.rows) for each in run.inputs}:
        faults.append(Fault("data", "is not what the run read."))
    results = {result.id: result.value for result in found.report.results}
    faults += [Fault(f"metric {name}", "is not that of the gate report.") for name, value in release.metrics.items()
               if results.get(name) != value]  # fmt: skip
    return faults


def _model_faults(found: ReleaseFiles) -> list[Fault]:
    """The model is what was trained: no file of it was changed, none was added."""
    held = {artifact.path: artifact.digest for artifact in found.release.files}
    model = {f"model/{artifact.path}": artifact.digest for artifact in found.run.artifacts}
    model |= {f"model/{name}": held.get(f"model/{name}", "") for name in ADDED_TO_MODEL}
    faults = [
        Fault(path, "is not the file that was trained.") for path in sorted(model) if held.get(path) != model[path]
    ]
    added = sorted(path for path in held if path.startswith("model/") and path not in model)
    return faults + [Fault(path, "was not there when the model was trained.") for path in added]
