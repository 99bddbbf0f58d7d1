"""Freeze declared datasets and benchmarks: each gets a pointer file that says what its rows were.

Nothing is written before everything asked for was read; a pointer whose content did not change stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.store import write_whole
from vendorkit.adapters.tables import Frozen, freeze
from vendorkit.errors import BadInput, Fault
from vendorkit.records.manifest import Manifest
from vendorkit.records.progress import Progress, silent
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import why_different


@dataclass(frozen=True)
class Taken:
    """One frozen dataset.

    Args:
        id: Id of the dataset or benchmark.
        pointer: Path of the pointer file in the repository.
        snapshot: What the pointer says now.
        status: `new`, `unchanged` (the file was not touched) or `changed`.
        changes: What is different from the pointer before, one sentence each.
        notes: What is odd about the data: columns without values, NaN, infinities.
    """

    id: str
    pointer: str
    snapshot: Snapshot
    status: str
    changes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Declared:
    id: str
    source: str
    pointer: str


def snapshot(repo: Path, ids: Collection[str] = (), *, progress: Progress = silent) -> list[Taken]:
    """Freeze datasets and benchmarks that declare a `source`.

    Args:
        repo: The engagement.
        ids: Which of them; none means all.
        progress: Takes how many rows of each table are read.

    Raises:
        BadInput: The manifest, an id or a table is wrong; all faults of all tables are listed, nothing is written.
        Unavailable: A database cannot be reached.
    """
    frozen: list[tuple[_Declared, Frozen]] = []
    faults: list[Fault] = []
    for declared in _asked_for(read_manifest(repo), ids):
        read = partial(progress, f"reading {declared.id}: {declared.source}")
        read(0)
        try:
            _check_pointer(repo, declared.pointer)
            frozen.append((declared, freeze(declared.id, declared.source, repo, told=read)))
        except BadInput as error:
            faults += [Fault(f"{declared.id}: {fault.where}", fault.says, fault.fix) for fault in error.faults]
    if faults:
        raise BadInput("Nothing was frozen.", faults)
    return [_write(repo, declared, result) for declared, result in frozen]


def _asked_for(manifest: Manifest, ids: Collection[str]) -> list[_Declared]:
    """The declared tables to freeze, in the manifest's order."""
    every = [(dataset.id, dataset.source, dataset.pointer) for dataset in manifest.datasets]
    every += [(benchmark.id, benchmark.source, benchmark.path) for benchmark in manifest.benchmarks]
    able = [
        _Declared(name, source, pointer) for name, source, pointer in every if source and pointer.endswith(".lock.json")
    ]
    asked = [declared for declared in able if not ids or declared.id in ids]
    known, freezable = {name for name, _, _ in every}, {declared.id for declared in able}
    faults = []
    for name in ids:
        if name not in known:
            says = f"is neither a dataset nor a benchmark; there are: {', '.join(sorted(known)) or 'none'}."
            faults.append(Fault(name, says))
        elif name not in freezable:
            faults.append(Fault(name, "has no `source` in engagement.yaml, or no pointer in `.lock.json`."))
    if not asked and not faults:
        faults.append(Fault("engagement.yaml", "no dataset or benchmark declares a `source`."))
    if faults:
        raise BadInput("There is nothing to freeze.", faults)
    return asked


def _check_pointer(repo: Path, pointer: str) -> None:
    """A pointer must stay in the repository, whatever links a folder of it may be."""
    folder = (repo / pointer).parent.resolve()
    if not folder.is_relative_to(repo.resolve()):
        raise BadInput("A pointer is out of place.", [Fault(pointer, "leads out of the repository.")])


def _write(repo: Path, declared: _Declared, frozen: Frozen) -> Taken:
    """Write one pointer, unless the one that is there says the same."""
    path = repo / declared.pointer
    before, changes = _before(path, declared.pointer)
    now = frozen.snapshot
    if before is not None:
        changes += tuple(why_different(before, now))
        if before.source != now.source:
            changes += (f"source: {before.source} became {now.source}.",)
        if not changes and before.dataset == now.dataset:
            return Taken(declared.id, declared.pointer, before, "unchanged", (), frozen.notes)
    text = json.dumps(now.to_value(), indent=2, ensure_ascii=False) + "\n"
    write_whole(path, text.encode())
    status = "changed" if before is not None or changes else "new"
    return Taken(declared.id, declared.pointer, now, status, changes, frozen.notes)


def _before(path: Path, pointer: str) -> tuple[Snapshot | None, tuple[str, ...]]:
    """The pointer that is there, and what is wrong with it."""
    try:
        return Snapshot.parse(path.read_bytes(), pointer), ()
    except FileNotFoundError:
        return None, ()
    except BadInput:
        return None, ("the pointer that was there could not be read.",)
