"""Build what is delivered besides models: tables of features, datasets, reports and batch jobs.

The vendor's function makes each from frozen data; only a table that repeats and keeps its contract takes the place of
the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import read_file, read_manifest
from vendorkit.adapters.pipeline import Pipeline, Place, load_function, outliving
from vendorkit.adapters.store import list_sources, read_record, working_folder, write_whole
from vendorkit.adapters.tables import digest_frame, parquet_of, read_frozen
from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import now
from vendorkit.records.build import Build
from vendorkit.records.canonical import digest_bytes, digest_json
from vendorkit.records.data_contract import read_rules
from vendorkit.records.finding import Finding
from vendorkit.records.manifest import Manifest, Surface
from vendorkit.records.run import Input
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.contract_counting import violations

FOLDER, TABLE, RECORD = "built", "table.parquet", "build.json"
WHY = "Who reads the table relies on its contract."

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Built:
    """What came of one surface.

    Args:
        surface: The surface.
        rows: Rows of the table.
        rules: How many rules of the contract were asked.
        broken: Each rule that does not hold, and by how much; one more line where the table does not repeat.
        record: The record; None where something is broken.
        path: The table, relative to the repository; empty where something is broken.
    """

    surface: Surface
    rows: int
    rules: int
    broken: tuple[str, ...]
    record: Build | None
    path: str

    @property
    def finding(self) -> Finding:
        """The answer to whether it may be delivered."""
        name, kept = self.surface.id, not self.broken
        says = f"{name} has {self.rows:,} rows and keeps the {self.rules} rules of its contract."
        if not kept:
            says = f"{name} may not be delivered: {'; '.join(self.broken)}."
        where = self.surface.contract or ""
        fix = "" if kept else f"Mend {function_name(self.surface)}() in {source_of(self.surface)}, or the contract."
        return Finding(name, "pass" if kept else "fail", "error", says, where, WHY, fix)


def build(repo: Path, ids: Collection[str] = (), *, tell: Callable[[str], None] = lambda _: None) -> list[Built]:
    """Build the tables of surfaces.

    Args:
        repo: The engagement.
        ids: Which surfaces; none means all that are built.
        tell: Takes one line before each is built.

    Raises:
        BadInput: A surface is not there or not built, its data is not what was frozen, its contract cannot be read,
            or the vendor's function raised or gave no table.
    """
    manifest = read_manifest(repo)
    made = []
    for surface in _asked_for(manifest, ids):
        tell(f"building {surface.id}")
        with outliving():
            made.append(_build(repo, manifest, surface))
    return made


def function_name(surface: Surface) -> str:
    """The function that makes the table of a surface: its id as Python writes names."""
    return surface.id.replace("-", "_")


def source_of(surface: Surface) -> str:
    """The file that has the function."""
    return f"{surface.path}/{surface.module}.py"


def _asked_for(manifest: Manifest, ids: Collection[str]) -> list[Surface]:
    able = {surface.id: surface for surface in manifest.surfaces if surface.built}
    faults = [
        Fault(f"surfaces: {name}", "is not a surface that is built from `datasets` under a data `contract`.")
        for name in ids
        if name not in able
    ]
    if not able and not faults:
        faults.append(Fault("surfaces", "none is built from `datasets` under a data `contract`."))
    if faults:
        listed = ", ".join(able) or "none"
        raise BadInput("There is nothing to build.", faults, fix=f"Surfaces that are built: {listed}.")
    return [surface for name, surface in able.items() if not ids or name in ids]


def _build(repo: Path, manifest: Manifest, surface: Surface) -> Built:
    contract = read_file(repo, surface.contract or "").data
    if contract is None:
        raise BadInput("The contract cannot be read.", [Fault(surface.contract or "", "is not a regular file.")])
    rules = read_rules(contract, surface.id, surface.contract or "")
    snapshots = [_snapshot(repo, manifest, dataset) for dataset in surface.datasets]
    frames = {each.dataset: read_frozen(each, repo) for each in snapshots}
    make = partial(_made, repo, surface)
    table = make(frames)
    cells = list(violations(table, rules))
    broken = [f"{cell['name']} ({cell['value']:,} not)" for cell in cells if cell["value"]]
    if digest_frame(make(frames)) != digest_frame(table):
        broken.append("made again from the same data it is another table")
    if broken:
        return Built(surface, len(table), len(cells), tuple(broken), None, "")
    record = _kept(repo, surface, table, snapshots, contract=digest_bytes(contract), rules=len(cells))
    path = (working_folder(repo) / FOLDER / surface.id / TABLE).relative_to(repo).as_posix()
    return Built(surface, len(table), len(cells), (), record, path)


def _kept(
    repo: Path, surface: Surface, table: pd.DataFrame, snapshots: list[Snapshot], *, contract: str, rules: int
) -> Build:
    """Write the table and its record."""
    data = parquet_of(table)
    head = repository.head(repo)
    record = Build(
        surface=surface.id,
        kind=surface.kind,
        inputs=tuple(_input(snapshot) for snapshot in snapshots),
        code=_code(repo / surface.path),
        commit=head.commit if head else "",
        dirty=repository.is_dirty(repo),
        contract=contract,
        rules=rules,
        columns=tuple(table.columns),
        rows=len(table),
        content_digest=digest_frame(table),
        file=digest_bytes(data),
        query=surface.query,
        refresh=surface.refresh,
        sdk_version=version("vendorkit"),
        built_at=now(),
    )
    folder = working_folder(repo) / FOLDER / surface.id
    write_whole(folder / TABLE, data)
    write_whole(folder / RECORD, record.to_bytes() + b"\n")
    return record


def _snapshot(repo: Path, manifest: Manifest, dataset: str) -> Snapshot:
    pointer = manifest.dataset(dataset).pointer
    if not (repo / pointer).exists():
        fix = f"Run `vendorkit snapshot {dataset}` and commit {pointer}."
        raise BadInput("The dataset is not frozen yet.", [Fault(pointer, "does not exist.", fix)])
    return read_record(Snapshot, repo / pointer, pointer)


def _input(snapshot: Snapshot) -> Input:
    return Input(
        dataset=snapshot.dataset,
        snapshot=snapshot.digest,
        content_digest=snapshot.content_digest,
        rows=snapshot.rows,
        taken_at=snapshot.taken_at,
    )


def _made(repo: Path, surface: Surface, frames: Frames) -> pd.DataFrame:
    """What the vendor's function gives, from copies of the data and code that was loaded anew."""
    name, shown = function_name(surface), surface.path
    function = load_function(repo / source_of(surface), name, ("frames",), shown)
    place = Place(repo / surface.path, surface.module, shown)
    table = Pipeline(place, {name: function}).call(function, {key: frame.copy() for key, frame in frames.items()})
    where = f"{place.of_function(function)} {name}()"
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise BadInput("There is no table.", [Fault(where, "must give a DataFrame with rows and columns.")])
    if not table.columns.is_unique or not all(isinstance(column, str) for column in table.columns):
        raise BadInput("The table cannot be read.", [Fault(where, "must give columns whose names are unique texts.")])
    return table.reset_index(drop=True)


def _code(folder: Path) -> str:
    return digest_json(
        {path.relative_to(folder).as_posix(): digest_bytes(path.read_bytes()) for path in list_sources(folder)}
    )
