"""Publish: register a candidate with its whole release record, or say why it is not fit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import MANIFEST, read_manifest
from vendorkit.adapters.environment import LOCKFILE, requirements
from vendorkit.adapters.models import FORMATS
from vendorkit.adapters.models.pickle_scan import Pickled, scan_folder
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry, Version, describe_model
from vendorkit.adapters.store import Candidate, Store, list_files, read_record
from vendorkit.documents.blocks import Written
from vendorkit.documents.openlineage import events_of
from vendorkit.documents.release_documents import release_documents, rendered
from vendorkit.errors import Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_bytes, digest_file, digest_json
from vendorkit.records.evidence import Evidence
from vendorkit.records.gate_metrics import gate_values
from vendorkit.records.gate_report import GateReport
from vendorkit.records.release import DataReference, Document, Release
from vendorkit.records.run import ModelFormat, Person, Run
from vendorkit.standards.policy import Policy, approval_rule, code_formats, packaged_policy
from vendorkit.trust.aliases import live_version
from vendorkit.trust.candidacy import Candidacy, candidacy_of
from vendorkit.trust.dossier import DECLARED, REQUIREMENTS
from vendorkit.trust.entry import entry_of
from vendorkit.trust.fitness import unfit
from vendorkit.trust.people import authority_of
from vendorkit.trust.releases import RELEASE_FILE, verify_release

LOADER = "vendorkit.tracking.pyfunc"
DOCUMENTS = "documents"
"""Folder of a release with what people read."""


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
    policy: Policy
    candidacy: Candidacy
    report: GateReport
    registry: Registry
    pinned: Callable[[], str]
    publisher: Callable[[], tuple[str, str]]

    @cached_property
    def name(self) -> str:
        """Names what it is made of: the same makes the same release."""
        case = self.candidacy
        written = {path: digest_bytes(data) for path, data in case.files.items()}
        live = case.live.tags["release"] if case.live else None
        return digest_json([case.candidate.digest, self.report.digest, case.contract.digest, written, live])


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
    candidacy = candidacy_of(repo, manifest, candidate or store.candidate(None))
    report = candidacy.report
    if report is None:  # never judged: it leaves no registry behind
        raise _not_fit(candidacy, _faults(candidacy, policy))
    registry = registry or Registry.open(repo)
    run = candidacy.candidate.run
    with ThreadPoolExecutor(2) as beside, store.alone():
        # uv and git tell while the registry is asked.
        pinned, publisher = beside.submit(requirements, repo), beside.submit(repository.identity, repo)
        known = registry.find(run.model, candidacy.candidate.digest)
        if known:
            _drop_staged(store, known)
            return _again(registry, known, candidacy, report)
        live = live_version(registry, authority_of(repo, manifest), run.model)
        making = _Making(repo, policy, replace(candidacy, live=live), report, registry, pinned.result, publisher.result)
        faults = _faults(making.candidacy, policy)
        if faults:
            raise _not_fit(making.candidacy, faults)
        done, release = _publish(store, making)
        store.drop_release(store.release_folder(making.name))
    if done.created:  # by now others may publish: a catalogue that is slow to answer keeps nobody waiting
        send(repo, lambda: events_of(_told(making, done.version, release)))
    return done


def _drop_staged(store: Store, known: Version) -> None:
    """Remove what a publish left behind that was killed after the registry had it."""
    for record in store.root.glob(f"releases/*/{RELEASE_FILE}"):
        if digest_file(record) == known.tags.get("release"):
            store.drop_release(record.parent)


def _not_fit(candidacy: Candidacy, faults: list[Fault]) -> Refused:
    return Refused(f"Candidate {candidacy.candidate.digest[7:19]} is not fit to be published.", faults)


def _faults(candidacy: Candidacy, policy: Policy) -> list[Fault]:
    """What is missing or wrong, and files of the model that run code when loaded; none is loaded to see it.

    One may, where the policy pack allows its format and it imports what the run record names.
    """
    stored = candidacy.candidate.run.model_format
    allowed = stored.name in code_formats(candidacy.manifest)
    fix = "Store it as skops, ONNX or in the library's own format, and train again."
    carriers = [
        Fault(f"model/{found.where}", found.says, fix)
        for found in scan_folder(candidacy.candidate.model_folder)
        if not (allowed and found.where == FORMATS[stored.name].FILE and _is_named(found, stored))
    ]
    gates = policy.gates_for(candidacy.manifest, candidacy.candidate.run.model)
    return [*unfit(candidacy.case(policy.documents, gates)), *carriers]


def _is_named(found: Pickled, stored: ModelFormat) -> bool:
    return found.whole and set(found.imports) == set(stored.types)


def _again(registry: Registry, known: Version, candidacy: Candidacy, report: GateReport) -> Published:
    """The release that this candidate has already, whole and the same; a version is never given other bytes.

    Raises:
        Refused: What is registered is not whole, or is not what would be published now: every difference is named.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        found = verify_release(registry, known, Path(scratch), used=False).release
    held = {file.path: file.digest for file in found.files}
    parts = {
        "gate report": (found.gate_report, report.digest),
        "contract": (found.contract, candidacy.contract.digest),
    }
    for path, data in candidacy.files.items():
        if path not in (MANIFEST, LOCKFILE):
            parts[path] = (held.get(f"{DECLARED}/{path}", "not there"), digest_bytes(data))
    differ = [Fault(part, f"was {was}, is {is_} now.") for part, (was, is_) in parts.items() if was != is_]
    if differ:
        fix = "Bring that back, or train again: then it becomes a new version."
        raise Refused(
            f"{known.name} holds this candidate with other bytes, and a version keeps its own.", differ, fix=fix
        )
    return Published(known, found.digest, created=False)


def _publish(store: Store, making: _Making) -> tuple[Published, Release]:
    def fill(folder: Path) -> None:
        _write_files(store, making, folder)
        documents = _write_documents(making, folder)
        (folder / RELEASE_FILE).write_bytes(_release(making, documents, folder).to_bytes())

    begun = store.release_folder(making.name).exists()
    # Filled once: a publish that was killed goes on with the same bytes.
    files = store.staged_release(making.name, fill)
    release = read_record(Release, files / RELEASE_FILE)
    run = making.candidacy.candidate.run
    entry = entry_of(run, making.report, release)
    version, created = making.registry.publish(
        model=release.model,
        engagement=run.engagement,
        files=files,
        tags=entry.tags,
        params=entry.params,
        metrics=entry.metrics,
        begun=begun,
    )
    return Published(version, version.tags.get("release", ""), created), release


def _told(making: _Making, version: Version, release: Release) -> Evidence:
    """What the catalogue of lineage is told of a release that was just registered."""
    candidacy, candidate = making.candidacy, making.candidacy.candidate
    return Evidence(
        version=version.number,
        release=release,
        run=candidate.run,
        report=making.report,
        features=candidate.features,
        contract=candidacy.contract,
        snapshots=candidate.snapshots,
        manifest=candidacy.manifest,
        lock=candidacy.files[LOCKFILE],
        decisions=(),
    )


def _write_files(store: Store, making: _Making, folder: Path) -> None:
    candidate, contract = making.candidacy.candidate, making.candidacy.contract
    shutil.copytree(candidate.model_folder, folder / "model")
    fields = tuple((field.name, field.type, field.nullable) for field in contract.fields)
    shutil.copyfile(candidate.folder / "run.json", folder / "model" / "run.json")  # for MLflow's own loading
    pinned, python = making.pinned(), candidate.run.environment.python.split()[-1]
    describe_model(folder / "model", fields, pinned, python, LOADER)
    records = folder / "records"
    shutil.copytree(candidate.folder / "snapshots", records / "snapshots")
    shutil.copyfile(candidate.folder / "run.json", records / "run.json")
    shutil.copyfile(candidate.folder / "features.json", records / "features.json")
    (records / "contract.json").write_bytes(contract.to_bytes())
    (records / "gate-report.json").write_bytes(making.report.to_bytes())
    documents = folder / DOCUMENTS
    documents.mkdir()
    for path in sorted(store.report_folder(candidate.digest).glob("gate-report.*")):
        if path.suffix != ".json":
            shutil.copyfile(path, documents / path.name)
    for name, data in making.candidacy.files.items():
        target = folder / DECLARED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _write_documents(making: _Making, folder: Path) -> tuple[Written, ...]:
    """Render the documents from what lies in the folder, compared with the live version."""
    candidacy = making.candidacy
    rule = approval_rule(candidacy.manifest)
    dossier = candidacy.dossier((folder / REQUIREMENTS).read_text("utf-8"), rule)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        live = candidacy.live_dossier(making.registry, Path(scratch))
    documents = release_documents(dossier, live, making.policy.documents)
    for name, text in rendered(documents).items():
        (folder / DOCUMENTS / name).write_text(text, encoding="utf-8")
    return documents


def _release(making: _Making, documents: tuple[Written, ...], folder: Path) -> Release:
    """The record of what lies in the folder."""
    candidacy, run = making.candidacy, making.candidacy.candidate.run
    name, email = making.publisher()
    paths = {document.name: f"{DOCUMENTS}/{document.name}.md" for document in documents}
    return Release(
        model=run.model,
        candidate=candidacy.candidate.digest,
        gate_report=making.report.digest,
        features=candidacy.candidate.features.digest,
        contract=candidacy.contract.digest,
        snapshots=tuple(snapshot.digest for snapshot in candidacy.candidate.snapshots),
        files=list_files(folder),
        publisher=Person(name=name, email=email),
        published_at=now(),
        commit=run.code.commit,
        data=_data(run),
        metrics=gate_values(making.report),
        against=candidacy.against,
        environment=run.environment.id,
        lock=digest_file(folder / DECLARED / LOCKFILE),
        documents=tuple(
            Document(name=document, path=path, digest=digest_file(folder / path)) for document, path in paths.items()
        ),
        policy=making.policy.digest,
    )


def _data(run: Run) -> tuple[DataReference, ...]:
    return tuple(
        DataReference(dataset=each.dataset, snapshot=each.snapshot, content_digest=each.content_digest, rows=each.rows)
        for each in run.inputs
    )
