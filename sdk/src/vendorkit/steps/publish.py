"""Publish: register a candidate with its whole release record, or say why it is not fit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import MANIFEST, read_manifest
from vendorkit.adapters.environment import LOCKFILE, requirements
from vendorkit.adapters.registry import Registry, Version, describe_model
from vendorkit.adapters.store import Candidate, Store, list_files, read_record
from vendorkit.errors import Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_file, digest_json
from vendorkit.records.contract import Behaviour, Contract
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.release import Release
from vendorkit.records.run import Person
from vendorkit.trust.entry import entry_of
from vendorkit.trust.releases import RELEASE_FILE

LOADER = "vendorkit.tracking.pyfunc"


@dataclass(frozen=True)
class Published:
    """A registered release.

    Args:
        version: The version in the registry.
        release: Digest of the Release record.
        created: False when it was registered before.
    """

    version: Version
    release: str
    created: bool


def publish(repo: Path, candidate: Candidate | None = None, *, registry: Registry | None = None) -> Published:
    """Register a candidate.

    Publishing the same candidate again gives the same version. A publish that was killed is completed by the next.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: Gates not asked or not passed, code not committed, or evidence that does not match: all named.
    """
    manifest = read_manifest(repo)
    store = Store(repo)
    candidate = candidate or store.candidate(None)
    report = store.report(candidate.digest)
    faults = _faults(repo, manifest, candidate, report)
    if faults or report is None:
        raise Refused(f"Candidate {candidate.digest[7:19]} is not fit to be published.", faults)
    registry = registry or Registry.open(repo)
    contract = _contract(manifest, candidate)
    name = digest_json([candidate.digest, report.digest, contract.digest])
    with store.alone():
        known = registry.find(candidate.run.model, candidate.digest)
        published = Published(known, known.tags.get("release", ""), created=False) if known else None
        done = published or _publish(repo, store, name, candidate, report, contract, registry)
        shutil.rmtree(store.release_folder(name), ignore_errors=True)
    return done


def _publish(
    repo: Path,
    store: Store,
    name: str,
    candidate: Candidate,
    report: GateReport,
    contract: Contract,
    registry: Registry,
) -> Published:
    def fill(folder: Path) -> None:
        _write_files(repo, store, candidate, report, contract, folder)
        _write_release(repo, candidate, report, contract, folder)

    begun = store.release_folder(name).exists()
    # Filled once: a publish that was killed goes on with the same bytes.
    files = store.staged_release(name, fill)
    release = read_record(Release, files / RELEASE_FILE)
    entry = entry_of(candidate.run, report, release)
    version, created = registry.publish(
        model=release.model,
        engagement=candidate.run.engagement,
        files=files,
        tags=entry.tags,
        params=entry.params,
        metrics=entry.metrics,
        begun=begun,
    )
    return Published(version, version.tags.get("release", ""), created)


def _faults(repo: Path, manifest: Manifest, candidate: Candidate, report: GateReport | None) -> list[Fault]:
    """Everything that makes a candidate unfit."""
    run = candidate.run
    faults = []
    if not run.code.commit:
        faults.append(Fault("code", "is not committed.", "Commit it and train again."))
    elif run.code.dirty:
        says = f"the working tree differed from commit {run.code.commit[:12]} at training."
        faults.append(Fault("code", says, "Commit it and train again."))
    lock = repo / LOCKFILE
    if run.environment.lock is None:
        fix = f"Run `uv lock`, commit {LOCKFILE} and train again."
        faults.append(Fault("environment", f"had no {LOCKFILE} at training.", fix))
    elif not lock.is_file() or digest_file(lock) != run.environment.lock:
        fix = "Bring it back with git, or train again."
        faults.append(Fault(LOCKFILE, "is not the one that the candidate was trained with.", fix))
    if not run.inputs:
        faults.append(Fault("lineage", "names no dataset."))
    if run.label is None:
        faults.append(Fault("lineage", "names no label source.", "Add `label` to the dataset in engagement.yaml."))
    if report is None:
        faults.append(Fault("gates", "were not asked.", "Run `vendorkit gate`."))
        return faults
    limits = digest_json([spec.model_dump(mode="json") for spec in manifest.gates_for(run.model)])
    if report.limits != limits:
        faults.append(Fault("gates", "were changed after they were asked.", "Run `vendorkit gate` again."))
    faults += [Fault(f"gate {result.id}", result.says) for result in report.results if result.verdict != "pass"]
    if not report.passed and not report.results:
        faults.append(Fault("gates", "there were none."))
    return faults


def _contract(manifest: Manifest, candidate: Candidate) -> Contract:
    modes = manifest.operations.failure_modes if manifest.operations else None
    ages = [manifest.dataset(source.dataset).max_age_days for source in candidate.run.inputs]
    return Contract(
        model=candidate.run.model,
        task=candidate.run.task,
        features=candidate.features.digest,
        fields=candidate.features.features,
        behaviour=Behaviour(**modes.model_dump()) if modes else Behaviour(),
        max_age_days=min((age for age in ages if age is not None), default=None),
    )


def _write_files(
    repo: Path, store: Store, candidate: Candidate, report: GateReport, contract: Contract, folder: Path
) -> None:
    shutil.copytree(candidate.model_folder, folder / "model")
    fields = tuple((field.name, field.type, field.nullable) for field in contract.fields)
    shutil.copyfile(candidate.folder / "run.json", folder / "model" / "run.json")  # for MLflow's own loading
    describe_model(folder / "model", fields, requirements(repo), candidate.run.environment.python.split()[-1], LOADER)
    records = folder / "records"
    shutil.copytree(candidate.folder / "snapshots", records / "snapshots")
    shutil.copyfile(candidate.folder / "run.json", records / "run.json")
    shutil.copyfile(candidate.folder / "features.json", records / "features.json")
    (records / "contract.json").write_bytes(contract.to_bytes())
    (records / "gate-report.json").write_bytes(report.to_bytes())
    documents = folder / "documents"
    documents.mkdir()
    for path in sorted(store.report_folder(candidate.digest).glob("gate-report.*")):
        if path.suffix != ".json":
            shutil.copyfile(path, documents / path.name)
    declared = folder / "engagement"
    declared.mkdir()
    for name in (MANIFEST, LOCKFILE):
        shutil.copyfile(repo / name, declared / name)


def _write_release(repo: Path, candidate: Candidate, report: GateReport, contract: Contract, folder: Path) -> None:
    name, email = repository.identity(repo)
    release = Release(
        model=candidate.run.model,
        candidate=candidate.digest,
        gate_report=report.digest,
        features=candidate.features.digest,
        contract=contract.digest,
        snapshots=tuple(snapshot.digest for snapshot in candidate.snapshots),
        files=list_files(folder),
        publisher=Person(name=name, email=email),
        published_at=now(),
    )
    (folder / RELEASE_FILE).write_bytes(release.to_bytes())
