"""Publish: register a candidate with its whole release record, or say why it is not fit."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import MANIFEST, read_file, read_manifest
from vendorkit.adapters.environment import LOCKFILE, requirements
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry, Version, describe_model
from vendorkit.adapters.store import Candidate, Store, list_files, read_record
from vendorkit.documents.openlineage import events_of
from vendorkit.errors import Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_bytes, digest_file, digest_json
from vendorkit.records.contract import Contract, contract_of
from vendorkit.records.document_format import runbook_of, words_files
from vendorkit.records.gate_report import Against, GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.release import DataReference, Release
from vendorkit.records.run import Person
from vendorkit.records.seen_file import SeenFile
from vendorkit.standards.policy import Policy, packaged_policy
from vendorkit.trust.entry import entry_of, metrics_of
from vendorkit.trust.evidence import evidence_of
from vendorkit.trust.fitness import Case, unfit
from vendorkit.trust.releases import RELEASE_FILE, ReleaseFiles, find_version, verify_release

LOADER = "vendorkit.tracking.pyfunc"
LIVE = "champion"
DECLARED = "engagement"
"""Folder of a release with what the engagement declared and wrote, as it was."""


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


@dataclass(frozen=True)
class _Making:
    """All that goes into one release."""

    repo: Path
    manifest: Manifest
    policy: Policy
    candidate: Candidate
    report: GateReport
    contract: Contract
    live: Against | None
    declared: dict[str, bytes]

    @property
    def name(self) -> str:
        """Names what it is made of: the same makes the same release."""
        written = {path: digest_bytes(data) for path, data in self.declared.items()}
        live = self.live.model_dump(mode="json") if self.live else None
        return digest_json([self.candidate.digest, self.report.digest, self.contract.digest, written, live])


def publish(repo: Path, candidate: Candidate | None = None, *, registry: Registry | None = None) -> Published:
    """Register a candidate.

    Publishing the same candidate again gives the same version. A publish that was killed is completed by the next.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: Parts of the release record are missing, or gates did not pass, or what is registered of the
            candidate is not what would be published: all named.
    """
    manifest, policy, store = read_manifest(repo), packaged_policy(), Store(repo)
    candidate = candidate or store.candidate(None)
    report = store.report(candidate.digest)
    contract = contract_of(manifest, candidate.run, candidate.features)
    declared = _declared(repo, manifest, candidate)
    if report is not None:  # a candidate that was never judged leaves no registry behind
        registry = registry or Registry.open(repo)
        known = registry.find(candidate.run.model, candidate.digest)
        if known:
            return _again(registry, known, report, contract, declared)
    live = _live(registry, candidate.run.model) if registry and report else None
    faults = unfit(_case(manifest, policy, candidate, report, contract, live, declared))
    if faults or report is None or registry is None:
        raise Refused(f"Candidate {candidate.digest[7:19]} is not fit to be published.", faults)
    there = {path: seen.data for path, seen in declared.items() if seen.data is not None}
    making = _Making(repo, manifest, policy, candidate, report, contract, live, there)
    with store.alone():
        meanwhile = registry.find(candidate.run.model, candidate.digest)
        if meanwhile:
            done = _again(registry, meanwhile, report, contract, declared)
        else:
            done = _publish(store, making, registry)
        shutil.rmtree(store.release_folder(making.name), ignore_errors=True)
    return done


def _declared(repo: Path, manifest: Manifest, candidate: Candidate) -> dict[str, SeenFile]:
    """What the engagement declared and wrote, by path: manifest, lock, words, runbook, data contracts."""
    model = candidate.run.model
    contracts = [manifest.dataset(source.dataset).contract for source in candidate.run.inputs]
    words = [file.path for file in words_files(manifest, model)]
    paths = dict.fromkeys([MANIFEST, LOCKFILE, *words, runbook_of(manifest, model), *contracts])
    return {path: read_file(repo, path) for path in paths}


def _case(
    manifest: Manifest,
    policy: Policy,
    candidate: Candidate,
    report: GateReport | None,
    contract: Contract,
    live: Against | None,
    declared: dict[str, SeenFile],
) -> Case:
    lock, runbook = declared[LOCKFILE].data, runbook_of(manifest, candidate.run.model)
    return Case(
        manifest=manifest,
        run=candidate.run,
        contract=contract,
        report=report,
        live=live,
        lockfile=LOCKFILE,
        lock=None if lock is None else digest_bytes(lock),
        words=tuple((file, declared[file.path]) for file in words_files(manifest, candidate.run.model)),
        runbook=(runbook, declared[runbook]),
        formats=policy.documents,
    )


def _live(registry: Registry, model: str) -> Against | None:
    """The version that is live at this moment, as the registry says."""
    number = registry.alias(model, LIVE)
    if number is None:
        return None
    version = find_version(registry, model, number)
    release = version.tags.get("release")
    if release is None:
        says = f"is live, and was not published by vendorkit: `{LIVE}` was pointed to it by hand."
        raise Refused("The live version is not to be believed.", [Fault(version.name, says)])
    return Against(model=model, version=number, release=release)


def _again(
    registry: Registry, known: Version, report: GateReport, contract: Contract, declared: dict[str, SeenFile]
) -> Published:
    """The release that this candidate has already, whole and the same; a version is never given other bytes.

    Raises:
        Refused: What is registered is not whole, or is not what would be published now: every difference is named.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        found = verify_release(registry, known, Path(scratch)).release
    held = {file.path: file.digest for file in found.files}
    parts = {"gate report": (found.gate_report, report.digest), "contract": (found.contract, contract.digest)}
    for path, seen in declared.items():
        if path not in (MANIFEST, LOCKFILE) and seen.data is not None:
            parts[path] = (held.get(f"{DECLARED}/{path}", "not there"), digest_bytes(seen.data))
    differ = [Fault(part, f"was {was}, is {is_} now.") for part, (was, is_) in parts.items() if was != is_]
    if differ:
        fix = "Bring that back, or train again: then it becomes a new version."
        raise Refused(
            f"{known.name} holds this candidate, with other bytes. A version keeps its bytes.", differ, fix=fix
        )
    return Published(known, found.digest, created=False)


def _publish(store: Store, making: _Making, registry: Registry) -> Published:
    def fill(folder: Path) -> None:
        _write_files(store, making, folder)
        (folder / RELEASE_FILE).write_bytes(_release(making, folder).to_bytes())

    begun = store.release_folder(making.name).exists()
    # Filled once: a publish that was killed goes on with the same bytes.
    files = store.staged_release(making.name, fill)
    release = read_record(Release, files / RELEASE_FILE)
    run = making.candidate.run
    entry = entry_of(run, making.report, release)
    version, created = registry.publish(
        model=release.model,
        engagement=run.engagement,
        files=files,
        tags=entry.tags,
        params=entry.params,
        metrics=entry.metrics,
        begun=begun,
    )
    if created:
        send(making.repo, lambda: events_of(evidence_of(_as_published(making, version, release, files))))
    return Published(version, version.tags.get("release", ""), created)


def _as_published(making: _Making, version: Version, release: Release, files: Path) -> ReleaseFiles:
    """A release that was just registered; its files are still here."""
    run, features, snapshots = making.candidate.run, making.candidate.features, making.candidate.snapshots
    return ReleaseFiles(version, files, release, run, making.report, features, making.contract, snapshots)


def _write_files(store: Store, making: _Making, folder: Path) -> None:
    candidate = making.candidate
    shutil.copytree(candidate.model_folder, folder / "model")
    fields = tuple((field.name, field.type, field.nullable) for field in making.contract.fields)
    shutil.copyfile(candidate.folder / "run.json", folder / "model" / "run.json")  # for MLflow's own loading
    pinned, python = requirements(making.repo), candidate.run.environment.python.split()[-1]
    describe_model(folder / "model", fields, pinned, python, LOADER)
    records = folder / "records"
    shutil.copytree(candidate.folder / "snapshots", records / "snapshots")
    shutil.copyfile(candidate.folder / "run.json", records / "run.json")
    shutil.copyfile(candidate.folder / "features.json", records / "features.json")
    (records / "contract.json").write_bytes(making.contract.to_bytes())
    (records / "gate-report.json").write_bytes(making.report.to_bytes())
    documents = folder / "documents"
    documents.mkdir()
    for path in sorted(store.report_folder(candidate.digest).glob("gate-report.*")):
        if path.suffix != ".json":
            shutil.copyfile(path, documents / path.name)
    for name, data in making.declared.items():
        target = folder / DECLARED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _release(making: _Making, folder: Path) -> Release:
    """The record of what lies in the folder."""
    candidate, run = making.candidate, making.candidate.run
    name, email = repository.identity(making.repo)
    return Release(
        model=run.model,
        candidate=candidate.digest,
        gate_report=making.report.digest,
        features=candidate.features.digest,
        contract=making.contract.digest,
        snapshots=tuple(snapshot.digest for snapshot in candidate.snapshots),
        files=list_files(folder),
        publisher=Person(name=name, email=email),
        published_at=now(),
        commit=run.code.commit,
        data=tuple(
            DataReference(
                dataset=source.dataset,
                snapshot=source.snapshot,
                content_digest=source.content_digest,
                rows=source.rows,
            )
            for source in run.inputs
        ),
        metrics=metrics_of(making.report),
        against=making.live,
        environment=run.environment.id,
        lock=digest_file(folder / DECLARED / LOCKFILE),
        policy=making.policy.digest,
    )
