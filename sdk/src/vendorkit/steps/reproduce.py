"""Reproduce: rebuild a release in a clean checkout with its locked environment, and compare.

Data, code, environment and seed are compared before anything is trained: where one of them differs, a rebuild would
be of something else. The engagement's registry is only read.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import MANIFEST, read_manifest
from vendorkit.adapters.environment import LOCKFILE, sync
from vendorkit.adapters.local_data import bring
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Candidate, Store, describe_file, list_sources, read_record, write_whole
from vendorkit.adapters.tables import verify
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_file
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.reproduction import Difference, Part, RebuiltMetric, Reproduction
from vendorkit.records.run import Environment, Person, Run
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking import comparing
from vendorkit.tracking.rebuilding import Checkout
from vendorkit.trust.aliases import LIVE
from vendorkit.trust.log import log_of
from vendorkit.trust.people import authority_of
from vendorkit.trust.releases import find_version, verify_release

RECORDS = "records"
"""Folder of the engagement's own records, reviewed like code."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Recorded:
    """What is rebuilt, as it was recorded and verified.

    Args:
        version: Its version, None for a candidate.
        release: Digest of its Release record.
        run, report, snapshots: Its records.
        manifest: Digest of the engagement.yaml that it was published with, None for a candidate.
    """

    version: int | None
    release: str | None
    run: Run
    report: GateReport
    snapshots: tuple[Snapshot, ...]
    manifest: str | None = None


def reproduce(
    repo: Path,
    model: str | None = None,
    version: int | None = None,
    *,
    locked: bool = True,
    registry: Registry | None = None,
    progress: Progress = lambda _: None,
) -> Reproduction:
    """Rebuild a release, or the newest candidate where nothing is live.

    Args:
        repo: The engagement.
        model: Id of the model surface; needed where the engagement has several.
        version: Version to rebuild; by default the live one, else the newest candidate.
        locked: Whether to build the environment anew from the lock; False takes the one that runs vendorkit.
        registry: An open registry; by default the engagement's.
        progress: Told what goes on, a line each.

    Raises:
        BadInput: No such version, no candidate, or git does not know who rebuilds.
        Refused: The release is not what was published, or its commit is not here or not whole.
        Unavailable: Git, uv, the registry or a database failed.
    """
    start = time.monotonic()
    manifest = read_manifest(repo)
    person = repository.identity(repo)
    recorded = _recorded(repo, manifest, manifest.model(model).id, version, registry)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        rebuild = _Rebuild(recorded, _clone(repo, recorded.run, Path(folder) / "checkout", progress), person)
        rebuild.compare_sources(repo, progress)
        if not rebuild.differences:
            rebuild.retrain(locked, progress)
    metrics_off = any(not metric.ok for metric in rebuild.metrics)
    only_machine = all(
        difference.part == "environment" and difference.where in ("python", "platform")
        for difference in rebuild.differences
    )
    return Reproduction(
        model=recorded.run.model,
        version=recorded.version,
        release=recorded.release,
        candidate=recorded.run.digest,
        commit=recorded.run.code.commit,
        rebuilt=rebuild.run.digest if rebuild.run else None,
        environment=rebuild.environment,
        locked=locked,
        seed=recorded.run.seed,
        metrics=rebuild.metrics,
        differences=comparing.in_order(rebuild.differences),
        # Another patch of Python, or another platform, is worth a word, but only a cause where something came out.
        reproduced=only_machine and not metrics_off and bool(rebuild.metrics),
        same_model=rebuild.run.artifacts == recorded.run.artifacts if rebuild.run else None,
        by=Person(name=person[0], email=person[1]),
        sdk_version=version_of("vendorkit"),
        at=now(),
        seconds=round(time.monotonic() - start, 3),
    )


def keep(repo: Path, reproduction: Reproduction) -> Path:
    """Write the record into the engagement's `records/`, to be committed; gives its path."""
    what = f"{reproduction.model}-{reproduction.version or 'candidate'}"
    path = repo / RECORDS / f"reproduction-{what}-{reproduction.digest[7:19]}.json"
    write_whole(path, reproduction.to_bytes() + b"\n")
    return path


def _recorded(repo: Path, manifest: Manifest, model: str, number: int | None, registry: Registry | None) -> Recorded:
    registry = registry or Registry.open(repo)
    if number is None:
        live = log_of(registry, model).move(LIVE, authority_of(repo, manifest))
        if live is None:
            return _newest_candidate(Store(repo), model)
        number = live.decision.version
    version = find_version(registry, model, number)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        found = verify_release(registry, version, Path(folder), used=False)
        held = {artifact.path: artifact.digest for artifact in found.release.files}
        digest = held.get(f"engagement/{MANIFEST}")
        return Recorded(number, found.release.digest, found.run, found.report, found.snapshots, digest)


def _newest_candidate(store: Store, model: str) -> Recorded:
    candidate: Candidate = store.candidate(None, model)
    report = store.report(candidate.digest)
    if report is None:
        fault = Fault(f"candidate {candidate.digest[7:19]}", "has no gate report.", "Run `vendorkit gate`.")
        raise BadInput("Compare with what?", [fault])
    return Recorded(None, None, candidate.run, report, candidate.snapshots)


def _clone(repo: Path, run: Run, target: Path, progress: Progress) -> Path:
    """A clean checkout of the commit of a run; gives the engagement in it."""
    if not run.code.commit or run.prepared is None:
        says = "was trained before there was a commit." if run.prepared else "was trained by a script of its own."
        fix = "Train it with `vendorkit train` from a commit."
        raise Refused("It cannot be rebuilt.", [Fault(f"run {run.run_id}", says)], fix=fix)
    progress(f"checking out commit {run.code.commit[:12]} ...")
    repository.clone_at(repo, run.code.commit, target)
    above = repository.top(repo) or repo
    return target / repo.resolve().relative_to(above.resolve())


class _Rebuild:
    """One rebuild under way, and everything that was found to differ so far."""

    def __init__(self, recorded: Recorded, checkout: Path, person: tuple[str, str]) -> None:
        self.recorded = recorded
        self.checkout = checkout
        self.person = person
        self.manifest = read_manifest(checkout)
        self.differences: list[Difference] = []
        self.metrics: tuple[RebuiltMetric, ...] = ()
        self.environment: Environment | None = None
        self.run: Run | None = None

    def compare_sources(self, repo: Path, progress: Progress) -> None:
        """Data by digest, then code, lock and seed."""
        progress("fetching the data by digest ...")
        self._data(repo)
        run, surface = self.recorded.run, self.manifest.surface(self.recorded.run.model)
        folder = self.checkout / surface.path
        found = [describe_file(path, folder) for path in list_sources(folder)]
        self.differences += comparing.code_differences(run.code.files, found)
        if run.code.dirty:
            self._differs("code", "working tree", "differed from the commit at training.")
        if self.recorded.manifest not in (None, digest_file(self.checkout / MANIFEST)):
            self._differs("code", MANIFEST, "is not the one that it was published with.")
        lock = self.checkout / LOCKFILE
        after = digest_file(lock) if lock.is_file() else None
        if run.environment.lock != after or after is None:
            says = f"is {after or 'not in the commit'}, recorded {run.environment.lock or 'none'}."
            self._differs("environment", LOCKFILE, says)
        declared = self.manifest.reproduce
        if run.seed != (declared.seed if declared else 0):
            self._differs("seed", "reproduce.seed", f"is {declared.seed if declared else 0}, recorded {run.seed}.")

    def retrain(self, locked: bool, progress: Progress) -> None:
        """Build the environment, train, measure, compare."""
        recorded = self.recorded
        part: Part = "environment"
        try:
            python = Path(sys.executable)
            if locked:
                progress(f"building the environment of {LOCKFILE} ...")
                python = sync(self.checkout, recorded.run.environment.python.split()[-1])
            part = "rebuild"
            checkout = Checkout(self.checkout, python, self.person)
            progress("training ...")
            candidate = checkout.retrain(recorded.run.model)
            progress("measuring ...")
            checkout.measure(candidate)
        except Refused as error:
            for fault in error.faults:
                self._differs(part, fault.where, fault.says)
            return
        store = Store(self.checkout)
        self.run = store.candidate(candidate).run
        self.environment = self.run.environment
        self.differences += comparing.environment_differences(recorded.run.environment, self.environment)
        declared = self.manifest.reproduce
        self.differences += comparing.prepare_differences(recorded.run.prepared, self.run.prepared, declared)
        report = store.report(candidate)
        if report is not None:
            self.metrics = comparing.compared(recorded.report, report, declared)
            self.differences += comparing.metric_differences(self.metrics)

    def _data(self, repo: Path) -> None:
        """The frozen tables of training and of the benchmarks, verified in the checkout."""
        for snapshot in self.recorded.snapshots:
            pointer = self.manifest.dataset(snapshot.dataset).pointer
            self._pointer(snapshot.dataset, pointer, snapshot.digest, snapshot, None)
            self._rows(repo, snapshot)
        for use in self.recorded.report.benchmarks:
            pointer = self.manifest.benchmark(use.id).path
            found = self._pointer(use.id, pointer, None, None, use.content_digest)
            if found:
                self._rows(repo, found)

    def _pointer(
        self, name: str, pointer: str, digest: str | None, instead: Snapshot | None, content: str | None
    ) -> Snapshot | None:
        """The pointer in the checkout, held against the recorded snapshot or the digest of its content.

        One that git does not hold is written from the release: the digest says that it is the same.
        """
        path = self.checkout / pointer
        if instead and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(instead.to_bytes())
        try:
            found = read_record(Snapshot, path)
        except BadInput as error:
            self._differs("data", name, f"has no pointer in the commit: {'; '.join(map(str, error.faults))}")
            return None
        if digest not in (None, found.digest) or content not in (None, found.content_digest):
            self._differs("data", pointer, "is not the pointer that was used.")
        return found

    def _rows(self, repo: Path, snapshot: Snapshot) -> None:
        faults = _wrong_rows(snapshot, self.checkout)
        if faults and bring(snapshot.source, repo, self.checkout):
            faults = _wrong_rows(snapshot, self.checkout)
        for says in faults:
            self._differs("data", snapshot.source, says)

    def _differs(self, part: Part, where: str, says: str) -> None:
        self.differences.append(Difference(part=part, where=where, says=says))


def _wrong_rows(snapshot: Snapshot, base: Path) -> list[str]:
    """Why a table is not the frozen one; empty when it is."""
    try:
        return verify(snapshot, base)
    except BadInput as error:
        return [str(fault) for fault in error.faults]
