"""Old records stay readable: each kind has a file that must parse and serialise to the same bytes for ever.

A new version of a record gets a file and a line of its own; the ones that are here do not change.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
import vendorkit.records
from vendorkit.records.acceptance import Acceptance
from vendorkit.records.base import Record
from vendorkit.records.build import Build
from vendorkit.records.bundle import Bundle
from vendorkit.records.contract import Contract
from vendorkit.records.decision import Decision
from vendorkit.records.deployment import Deployment
from vendorkit.records.description import ModelDescription
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.pack import Pack
from vendorkit.records.release import Release
from vendorkit.records.reproduction import Reproduction
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot

GOLDEN = Path(__file__).parent / "golden"

RECORDS: list[tuple[type[Record], str]] = [
    (Snapshot, "sha256:ac3bc93ac316964d6e2d217f4b2d6db2e157ed6e098801d9bdfde9ecba18e916"),
    (FeatureSet, "sha256:3a199392963e5e28690b5fd91bf77f4d877efd2410b5c06c6432b424e30e7a9d"),
    (Run, "sha256:7d752a06306ea9d1bbf2d4183a6481a64f5b89305257ba9d05b1db64a3d20950"),
    (GateReport, "sha256:c21cbd61702f6a59d35cca786b9fc7340858747121cda4dc1d4056b15ab1b542"),
    (Contract, "sha256:78d1abca651b137de869488fd53419b348920efdd24e65c435655042f3737b0c"),
    (Release, "sha256:b0700616afdc763b9e2c797f30140c256eeda9f3b246565454e8c650e4d82b12"),
    (Decision, "sha256:da642cea926c10ab2881ac30baa38bfd67d8317987393775128866eb2bbfe13b"),
    (Deployment, "sha256:c9f2a34f7990a386a107c798ae5fbef783c1c271b5042b52cb93676ff10c8374"),
    (Bundle, "sha256:8fe71ca0f8e0cbc7322d6af5bb6d735a97ca32594afa8717c7859ed1f1cd4166"),
    (Reproduction, "sha256:9246e47b46c88d5a8cf7e09e4894c7eab35522ebcd81ebe1712c6f37e620a322"),
    (Pack, "sha256:e95d156ce123e2405e9c6122b003fac866e7a3bbfaa9445d32f3d3905d183e97"),
    (Acceptance, "sha256:1bd57cbc4cf4ee440d65b7afebb8e5d4da56536c49f9147552222f93fe2de49a"),
    (Build, "sha256:920fa25ddb92dd3f3c4baf9c8c3fe30c051f6f0e3cae6c75b4e4affad823e18b"),
    (ModelDescription, "sha256:9d53e335b3649f4ca046eec3836912586c30f47facbafa0ad99134af6912853b"),
]


def golden(kind: type[Record]) -> Path:
    """`vendorkit/gate-report/1` is `gate-report.json`; later versions are `gate-report-2.json` and on."""
    _, name, version = kind.schema_name.split("/")
    return GOLDEN / (f"{name}.json" if version == "1" else f"{name}-{version}.json")


@pytest.mark.parametrize(("kind", "digest"), RECORDS, ids=[kind.__name__ for kind, _ in RECORDS])
def test_a_golden_record_reads_and_writes_unchanged(kind: type[Record], digest: str) -> None:
    data = golden(kind).read_bytes()
    record = kind.parse(data, golden(kind).name)
    assert record.to_bytes() + b"\n" == data
    assert record.digest == digest


def test_every_kind_of_record_has_a_golden_file() -> None:
    for module in pkgutil.walk_packages(vendorkit.records.__path__, "vendorkit.records."):
        importlib.import_module(module.name)
    kinds = {kind for kind in Record.__subclasses__() if kind.__module__.startswith("vendorkit.")}
    assert kinds == {kind for kind, _ in RECORDS}
    assert sorted(GOLDEN.iterdir()) == sorted(golden(kind) for kind in kinds)


def test_the_golden_records_are_one_chain() -> None:
    def read(kind: type[Record]) -> dict[str, object]:
        return kind.parse(golden(kind).read_bytes(), kind.__name__).to_value()

    digests = dict(RECORDS)
    assert read(Release)["candidate"] == read(GateReport)["candidate"] == digests[Run]
    assert read(Release)["snapshots"] == [digests[Snapshot]]
    assert read(Run)["features"] == read(Contract)["features"] == digests[FeatureSet]
    assert read(Bundle)["release"] == digests[Release]
    assert read(Deployment)["decisions"] == read(Bundle)["decisions"] == [digests[Decision]]
