"""The working state between training and publishing: `.vendorkit/` in the engagement, ignored by git.

Everything in it is named by its digest and appears whole or not at all: it is made in a temporary folder and
renamed at the end.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import Record
from vendorkit.records.canonical import digest_bytes, digest_file
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.run import Artifact, Run
from vendorkit.records.snapshot import Snapshot

AnyRecord = TypeVar("AnyRecord", bound=Record)


MAKING = ".making-"
"""How the names of folders begin that are not whole yet."""
LEFTOVER_SECONDS = 24 * 3600
"""A folder that is still not whole after so long was left behind by a process that was killed."""


def working_folder(repo: Path) -> Path:
    """`.vendorkit/` of an engagement.

    Raises:
        BadInput: It is a link, or what lies in it or one folder below: whoever committed that would choose where we
            write.
    """
    folder = repo / ".vendorkit"
    links = [path for path in (folder, *folder.glob("*"), *folder.glob("*/*")) if path.is_symlink()]
    if links:
        faults = [Fault(str(path.relative_to(repo)), "is a link.", "Remove it.") for path in sorted(links)]
        raise BadInput("The working folder leads elsewhere.", faults)
    return folder


def read_record(kind: type[AnyRecord], path: Path, shown: str = "") -> AnyRecord:
    """Read a record file.

    Args:
        kind: The record that it must be.
        path: The file.
        shown: How messages call it; by default by its name.

    Raises:
        BadInput: The file is missing or not such a record.
    """
    if not path.is_file():
        says = "is no regular file" if path.exists() else "is missing"
        raise BadInput(f"{path.name} {says}.", [Fault(str(path), "expected a record here.")])
    return kind.parse(path.read_bytes(), shown or path.name)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it has its old or its new content, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def list_sources(folder: Path) -> tuple[Path, ...]:
    """The Python files below a folder, sorted; hidden folders, caches and links are left out."""
    return tuple(
        path
        for path in sorted(folder.rglob("*.py"))
        if path.is_file()
        and not path.is_symlink()
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts[:-1])
    )


def describe_file(path: Path, folder: Path) -> Artifact:
    """A file's path below a folder, its size and digest. What is no regular file counts as empty."""
    name = path.relative_to(folder).as_posix()
    if path.is_symlink() or not path.is_file():
        return Artifact(path=name, bytes=0, digest=digest_bytes(b""))
    return Artifact(path=name, bytes=path.stat().st_size, digest=digest_file(path))


def list_files(folder: Path) -> tuple[Artifact, ...]:
    """Everything below a folder but folders, hidden files too, by sorted path."""
    paths = sorted(folder.rglob("*"))
    return tuple(describe_file(path, folder) for path in paths if path.is_symlink() or not path.is_dir())


def differing_files(
    folder: Path, expected: tuple[Artifact, ...], held: tuple[Artifact, ...] | None = None
) -> list[Fault]:
    """Faults for every file that is missing, changed, a link, or not expected in a folder.

    Args:
        folder: Where they lie.
        expected: What there should be.
        held: What there is, where it was just hashed.
    """
    known = {artifact.path: artifact for artifact in expected}
    found = {artifact.path: artifact for artifact in (list_files(folder) if held is None else held)}
    faults = [Fault(path, "is missing.") for path in sorted(known.keys() - found.keys())]
    faults += [Fault(path, "is not part of the record.") for path in sorted(found.keys() - known.keys())]
    for path in sorted(known.keys() & found.keys()):
        if (folder / path).is_symlink() or not (folder / path).is_file():
            faults.append(Fault(path, "is a link or no regular file."))
        elif known[path].digest != found[path].digest:
            faults.append(Fault(path, f"is {found[path].digest}, recorded {known[path].digest}."))
    return faults


@dataclass(frozen=True)
class Candidate:
    """A trained model in the store, with its records. Its name is the digest of the run record."""

    folder: Path
    run: Run
    features: FeatureSet
    snapshots: tuple[Snapshot, ...]

    @property
    def digest(self) -> str:
        return self.run.digest

    @property
    def model_folder(self) -> Path:
        """Holds the stored model and, in `code/`, the source that predicts with it."""
        return self.folder / "model"


def _is_of_another(folder: Path, model: str) -> bool:
    """Whether an unchanged record says so; what is wrong with such a candidate is told where it is asked for."""
    run = read_record(Run, folder / "run.json")
    return run.model != model and run.digest == f"sha256:{folder.name}"


def _remove_leftovers(folder: Path) -> None:
    for left in folder.glob(f"{MAKING}*"):
        with suppress(FileNotFoundError):  # another process removed it first
            if time.time() - left.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _rename_unless_there(making: Path, target: Path) -> None:
    """Of two processes that make the same, the first one's stays."""
    try:
        making.rename(target)
    except OSError:
        if not target.is_dir():
            raise


class Store:
    """The `.vendorkit/` folder of one engagement."""

    def __init__(self, repo: Path) -> None:
        self.root = working_folder(repo)

    @contextmanager
    def _appearing(self, target: Path) -> Iterator[Path]:
        """A temporary folder that becomes `target` when the block ends well, and vanishes otherwise."""
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
        making = Path(tempfile.mkdtemp(dir=target.parent, prefix=MAKING))
        try:
            yield making
            making.chmod(0o755)
            _rename_unless_there(making, target)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def add_candidate(
        self, run: Run, features: FeatureSet, snapshots: tuple[Snapshot, ...], model_folder: Path
    ) -> Candidate:
        """Store a candidate; `model_folder` is moved in."""
        target = self.root / "candidates" / run.digest.removeprefix("sha256:")
        with self._appearing(target) as making:
            (making / "run.json").write_bytes(run.to_bytes())
            (making / "features.json").write_bytes(features.to_bytes())
            (making / "snapshots").mkdir()
            for snapshot in snapshots:
                (making / "snapshots" / f"{snapshot.dataset}.json").write_bytes(snapshot.to_bytes())
            shutil.move(model_folder, making / "model")
        return self._read_candidate(target)

    def candidate(self, name: str | None, model: str | None = None) -> Candidate:
        """Find a candidate and verify its files.

        Args:
            name: Its digest or a unique beginning of it (with or without `sha256:`); None for the newest.
            model: Only candidates of this model.

        Raises:
            BadInput: There is none, or several begin so.
            Refused: Files of it were changed after training.
        """
        wanted = name.removeprefix("sha256:") if name is not None else ""
        if name is not None and not wanted:
            raise BadInput("Which candidate?", [Fault("candidate", "its name is empty; leave it out for the newest.")])
        folders = (self.root / "candidates").glob("[0-9a-f]*")
        newest_last = sorted(folders, key=lambda path: path.stat().st_mtime_ns)
        found = [path for path in newest_last if path.name.startswith(wanted)]
        if not found:
            says = f"there is no candidate {name}." if name else "there is no candidate yet."
            fix = "Leave the name out for the newest." if newest_last else "Run `vendorkit train` first."
            raise BadInput("No candidate.", [Fault("candidate", says)], fix=fix)
        if name and len(found) > 1:
            raise BadInput("Which candidate?", [Fault("candidate", f"{path.name} begins so.") for path in found])
        for folder in reversed(found):
            if model is None or not _is_of_another(folder, model):
                return self._read_candidate(folder)
        fix = "Leave the name out for its newest." if name else f"Run `vendorkit train --model {model}` first."
        raise BadInput("No candidate.", [Fault("candidate", f"there is none of model {model}.", fix)])

    def _read_candidate(self, folder: Path) -> Candidate:
        run = read_record(Run, folder / "run.json")
        features = read_record(FeatureSet, folder / "features.json")
        paths = sorted((folder / "snapshots").glob("*.json"))
        snapshots = tuple(read_record(Snapshot, path) for path in paths)
        faults = differing_files(folder / "model", run.artifacts)
        if run.digest != f"sha256:{folder.name}":
            faults.append(Fault("run.json", f"its digest is {run.digest}, the folder's name says {folder.name}."))
        if features.digest != run.features:
            faults.append(Fault("features.json", "is not the feature set that the run names."))
        if {snapshot.digest for snapshot in snapshots} != {source.snapshot for source in run.inputs}:
            faults.append(Fault("snapshots", "are not those that the run names."))
        if faults:
            raise Refused(f"Candidate {folder.name[:12]} was changed after training.", faults, fix="Train again.")
        return Candidate(folder, run, features, snapshots)

    def report_folder(self, candidate: str) -> Path:
        """Where the gate report of a candidate lies in all its formats."""
        return self.root / "reports" / candidate.removeprefix("sha256:")

    def add_report(self, report: GateReport, rendered: dict[str, str]) -> Path:
        """Store a gate report and its rendered forms by file name; replaces an earlier one."""
        folder = self.report_folder(report.candidate)
        for name, text in rendered.items():
            write_whole(folder / name, text.encode())
        write_whole(folder / "gate-report.json", report.to_bytes())
        return folder

    def report(self, candidate: str) -> GateReport | None:
        """The last gate report of a candidate, None when its gates were never asked."""
        path = self.report_folder(candidate) / "gate-report.json"
        return read_record(GateReport, path) if path.exists() else None

    def release_folder(self, name: str) -> Path:
        """Where a release lies on its way to the registry."""
        return self.root / "releases" / name.removeprefix("sha256:")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time registers from this engagement; the others wait. A kill ends the wait too."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "publishing.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """A folder for what is being imported, empty at first and gone at the end; needs `alone`."""
        folder = self.root / "importing"
        shutil.rmtree(folder, ignore_errors=True)  # what a killed import left behind
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def staged_release(self, name: str, fill: Callable[[Path], None]) -> Path:
        """The folder of a release on its way to the registry; filled once, then reused.

        So a publish that was killed goes on with the same bytes, and ends as one version.
        """
        target = self.release_folder(name)
        if not target.exists():
            with self._appearing(target) as making:
                fill(making)
        return target

    def drop_release(self, folder: Path) -> None:
        """Remove a staged release; a kill on the way leaves a leftover, never half a staged release."""
        if folder.exists():
            leftover = tempfile.mkdtemp(dir=folder.parent, prefix=MAKING)
            shutil.rmtree(folder.rename(leftover), ignore_errors=True)
