"""`vendorkit build`: a table is delivered when it keeps its contract and repeats, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from vendorkit.errors import BadInput
from vendorkit.records.build import Build
from vendorkit.records.snapshot import Snapshot
from vendorkit.steps.build import build

from tests.support.engagement import minimal_manifest, write_engagement
from tests.support.world import World

TABLES = '''"""Tables."""


def by_purpose(frames):
    bad = frames["applications"]["creditability"] == "bad"
    groups = frames["applications"].assign(bad=bad).groupby("purpose", as_index=False)
    return groups.agg(applications=("bad", "size"), share=("bad", "mean"))
'''
COLUMNS: list[dict[str, Any]] = [
    {"name": "purpose", "logicalType": "string", "required": True, "primaryKey": True},
    {"name": "applications", "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 1}},
    {"name": "share", "logicalType": "number", "required": True, "logicalTypeOptions": {"maximum": 1}},
]
REPORT = {
    "id": "by-purpose",
    "kind": "report",
    "path": "reports",
    "module": "tables",
    "owner": "ml-sre",
    "datasets": ["applications"],
    "contract": "reports/contract.odcs.yaml",
    "query": "https://reports.bank.example/credit",
    "refresh": "P1M",
}


def write_contract(repo: Path, columns: list[dict[str, Any]]) -> None:
    schemas = [{"name": "other", "properties": [{"name": "x"}]}, {"name": "by-purpose", "properties": columns}]
    contract = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "r", "version": "1.0.0", "schema": schemas}
    (repo / "reports/contract.odcs.yaml").write_text(yaml.safe_dump(contract))


@pytest.fixture
def world(frozen: World, tmp_path: Path) -> World:
    """An engagement that delivers a report."""
    made = frozen.copy(tmp_path / "repo")
    write_engagement(made.repo, surfaces=[*minimal_manifest()["surfaces"], REPORT])
    (made.repo / "reports").mkdir()
    (made.repo / "reports/tables.py").write_text(TABLES)
    write_contract(made.repo, COLUMNS)
    made.commit("Add a report")
    return made


def test_a_table_that_keeps_its_contract_is_kept_with_its_record(world: World) -> None:
    result = world.ok("build")["surfaces"]
    assert [(entry["id"], entry["kind"], entry["rules"], entry["broken"]) for entry in result] == [
        ("by-purpose", "report", 9, [])
    ]
    assert result[0]["query"] == "https://reports.bank.example/credit"
    table = pd.read_parquet(world.repo / result[0]["table"])
    data = pd.read_csv(world.repo / "data/applications.csv")
    assert table.set_index("purpose")["applications"].to_dict() == data["purpose"].value_counts().to_dict()
    record = Build.parse((world.repo / ".vendorkit/built/by-purpose/build.json").read_bytes(), "build.json")
    pointer = Snapshot.parse((world.repo / "data/applications.lock.json").read_bytes(), "pointer")
    assert record.digest == result[0]["record"]
    assert [given.snapshot for given in record.inputs] == [pointer.digest]
    assert (record.rows, record.columns, record.refresh, record.dirty) == (len(table), tuple(table), "P1M", False)


def test_the_same_data_and_code_give_the_same_bytes(world: World) -> None:
    first, second = (build(world.repo)[0].record for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.file, first.content_digest, first.code) == (second.file, second.content_digest, second.code)


def test_a_broken_contract_is_a_no_that_names_each_rule_and_keeps_the_last_good_table(world: World) -> None:
    world.ok("build")
    kept = (world.repo / ".vendorkit/built/by-purpose/table.parquet").read_bytes()
    limited = [*COLUMNS[:1], {**COLUMNS[1], "logicalTypeOptions": {"minimum": 50}}, {**COLUMNS[2], "required": False}]
    write_contract(world.repo, [*limited, {"name": "trend", "logicalType": "number"}])
    answer = world.run("build")
    assert answer.code == 1
    (finding,) = answer.envelope["findings"]
    assert finding["verdict"] == "fail"
    assert "applications is at least 50 (" in finding["says"]
    assert "trend is missing (10 not)" in finding["says"]
    assert finding["fix"] == "Mend by_purpose() in reports/tables.py, or the contract."
    assert (world.repo / ".vendorkit/built/by-purpose/table.parquet").read_bytes() == kept


def test_a_table_that_does_not_repeat_is_a_no(world: World) -> None:
    source = TABLES.replace("def by_purpose", "import os\n\n\ndef by_purpose").replace(
        'share=("bad", "mean"))', 'share=("bad", "mean")).assign(share=int.from_bytes(os.urandom(6), "big") / 2**48)'
    )
    (world.repo / "reports/tables.py").write_text(source)
    answer = world.run("build")
    assert answer.code == 1
    assert "made again from the same data it is another table" in answer.envelope["findings"][0]["says"]
    assert not (world.repo / ".vendorkit/built").exists()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def by_purpose(frames)", "def by_purpose()", "must take (frames)"),
        ("def by_purpose", "def something", "is missing; it takes (frames)"),
        ("    bad = ", "    raise ValueError('no rows today')\n    bad = ", "no rows today"),
        ("    return groups.agg", "    return len(groups); groups.agg", "must give a DataFrame"),
        (
            'groupby("purpose", as_index=False)',
            'rename(columns={"purpose": 1}).groupby(1, as_index=False)',
            "unique texts",
        ),
    ],
)
def test_what_the_function_does_wrong_is_named_with_its_file(world: World, old: str, new: str, says: str) -> None:
    (world.repo / "reports/tables.py").write_text(TABLES.replace(old, new))
    with pytest.raises(BadInput) as caught:
        build(world.repo)
    assert says in str(caught.value)
    assert "reports/tables.py" in str(caught.value)


def test_data_that_is_not_what_was_frozen_is_refused(world: World) -> None:
    table = world.repo / "data/applications.csv"
    table.write_text(table.read_text().replace("radio/television", "radio", 1))
    with pytest.raises(BadInput, match="is not what was frozen"):
        build(world.repo)


def test_only_what_is_built_can_be_asked_for(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        build(world.repo, ["credit", "nothing"])
    assert [fault.where for fault in caught.value.faults] == ["surfaces: credit", "surfaces: nothing"]
    assert "Surfaces that are built: by-purpose." in str(caught.value)


def test_an_engagement_of_models_alone_has_nothing_to_build(frozen: World) -> None:
    with pytest.raises(BadInput, match="There is nothing to build"):
        build(frozen.repo)


def test_a_report_that_does_not_say_where_it_is_read_is_worth_a_second_look(world: World) -> None:
    def looks() -> list[str]:
        found = next(
            finding for finding in world.run("check", "MAN-02").envelope["findings"] if finding["id"] == "MAN-02"
        )
        return [look["says"] for look in found["warnings"]]

    assert not [look for look in looks() if "does not say where" in look]
    write_engagement(
        world.repo, surfaces=[*minimal_manifest()["surfaces"], {k: v for k, v in REPORT.items() if k != "query"}]
    )
    assert "by-purpose does not say where it is read." in looks()
