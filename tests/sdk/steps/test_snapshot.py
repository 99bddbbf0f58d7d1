"""Freezing the declared datasets of an engagement, as a step and as a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.tables import verify
from vendorkit.errors import BadInput
from vendorkit.records.snapshot import Snapshot
from vendorkit.steps.snapshot import snapshot

from tests.support.engagement import minimal_manifest, write_engagement

DATA, POINTER = "data/applications.csv", "data/applications.lock.json"
HELD_DATA, HELD_POINTER = "benchmarks/holdout.csv", "benchmarks/holdout.lock.json"
ROWS = "age,creditability\n30,good\n40,bad\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = write_engagement(tmp_path / "engagement")
    for name in (DATA, HELD_DATA):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(ROWS)
    return folder


def files(repo: Path) -> dict[str, bytes]:
    return {path.relative_to(repo).as_posix(): path.read_bytes() for path in repo.rglob("*") if path.is_file()}


def command(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "vendorkit", "snapshot", *arguments]
    return subprocess.run(line, cwd=repo, capture_output=True, text=True, check=False)


def dataset(**changes: Any) -> dict[str, Any]:
    return {**minimal_manifest()["datasets"][0], **changes}


def test_every_declared_table_gets_a_pointer_that_verifies(repo: Path) -> None:
    told: list[tuple[str, int]] = []
    taken = snapshot(repo, progress=lambda says, done, of=None: told.append((says, done)))
    assert [(each.id, each.pointer, each.status) for each in taken] == [
        ("applications", POINTER, "new"),
        ("holdout", HELD_POINTER, "new"),
    ]
    reading = (f"reading applications: {DATA}", f"reading holdout: {HELD_DATA}")
    assert told == [(says, rows) for says in reading for rows in (0, 2)]
    for each in taken:
        written = Snapshot.parse((repo / each.pointer).read_bytes(), each.pointer)
        assert written == each.snapshot
        assert (written.dataset, written.rows) == (each.id, 2)
        assert verify(written, repo) == []


def test_one_dataset_may_be_asked_for(repo: Path) -> None:
    assert [each.id for each in snapshot(repo, ["holdout"])] == ["holdout"]
    assert not (repo / POINTER).exists()


def test_what_did_not_change_keeps_its_pointer_to_the_byte(repo: Path) -> None:
    first = snapshot(repo)
    before = files(repo)
    again = snapshot(repo)
    assert [each.status for each in again] == ["unchanged", "unchanged"]
    assert [each.snapshot for each in again] == [each.snapshot for each in first]
    assert files(repo) == before


def test_what_changed_is_replaced_and_said(repo: Path) -> None:
    (old, held) = snapshot(repo)
    (repo / DATA).write_text(ROWS.replace("40", "41"))
    changed, unchanged = snapshot(repo)
    assert (changed.status, changed.changes) == ("changed", ("column 'age': values differ.",))
    assert changed.snapshot.content_digest != old.snapshot.content_digest
    assert (unchanged.status, unchanged.snapshot) == ("unchanged", held.snapshot)
    assert Snapshot.parse((repo / POINTER).read_bytes(), POINTER) == changed.snapshot


def test_rows_that_moved_are_said(repo: Path) -> None:
    snapshot(repo)
    (repo / DATA).rename(repo / "data/moved.csv")
    write_engagement(repo, datasets=[dataset(source="data/moved.csv")])
    (moved, _) = snapshot(repo)
    assert moved.changes == (f"source: {DATA} became data/moved.csv.",)


def test_a_pointer_that_cannot_be_read_is_written_anew(repo: Path) -> None:
    (repo / POINTER).write_text("<<<<<<< ours")
    (taken, _) = snapshot(repo)
    assert (taken.status, taken.changes) == ("changed", ("the pointer that was there could not be read.",))
    assert Snapshot.parse((repo / POINTER).read_bytes(), POINTER).rows == 2


def test_all_faults_of_all_tables_are_told_and_nothing_is_written(repo: Path) -> None:
    snapshot(repo, ["holdout"])
    (repo / DATA).write_bytes(b"age,age\n1,2\n")
    (repo / HELD_DATA).unlink()
    before = files(repo)
    with pytest.raises(BadInput) as caught:
        snapshot(repo)
    assert [fault.where for fault in caught.value.faults] == [f"applications: {DATA}:1", f"holdout: {HELD_DATA}"]
    assert files(repo) == before


def test_a_good_table_is_not_written_beside_a_bad_one(repo: Path) -> None:
    (repo / HELD_DATA).write_text("age,creditability\n")
    with pytest.raises(BadInput, match="has columns but no rows"):
        snapshot(repo)
    assert not (repo / POINTER).exists()


def test_unknown_ids_and_tables_without_source_are_told_together(repo: Path) -> None:
    write_engagement(repo, datasets=[dataset(source=None)])
    with pytest.raises(BadInput) as caught:
        snapshot(repo, ["applications", "nosuch"])
    assert {fault.where: fault.says for fault in caught.value.faults} == {
        "applications": "has no `source` in engagement.yaml, or no pointer in `.lock.json`.",
        "nosuch": "is neither a dataset nor a benchmark; there are: applications, holdout.",
    }


def test_an_engagement_without_sources_has_nothing_to_freeze(repo: Path) -> None:
    manifest = minimal_manifest()
    held = {**manifest["benchmarks"][0], "source": None}
    write_engagement(repo, datasets=[dataset(source=None)], benchmarks=[held])
    with pytest.raises(BadInput, match="declares a `source`"):
        snapshot(repo)


def test_a_pointer_is_not_written_through_a_link_out_of_the_repository(repo: Path) -> None:
    outside = repo.parent / "outside"
    outside.mkdir()
    (repo / "link").symlink_to(outside)
    write_engagement(repo, datasets=[dataset(pointer="link/a.lock.json")])
    with pytest.raises(BadInput, match="leads out of the repository"):
        snapshot(repo, ["applications"])
    (repo / POINTER).symlink_to(outside / "a.lock.json")
    write_engagement(repo)
    snapshot(repo, ["applications"])
    assert not any(outside.iterdir())
    assert not (repo / POINTER).is_symlink()


def test_the_command_answers_people_and_programs(repo: Path) -> None:
    (repo / DATA).write_text("age,creditability,x\n30,good,\nNaN,bad,\n")
    people = command(repo)
    assert people.returncode == 0
    assert "note: column 'x' has no values." in people.stdout
    assert f"reading applications: {DATA}" in people.stderr
    program = command(repo / "data", "applications", "--json")
    envelope = json.loads(program.stdout)
    assert (envelope["schema"], envelope["ok"]) == ("vendorkit/snapshot/1", True)
    (found,) = envelope["result"]["datasets"]
    written = Snapshot.parse((repo / POINTER).read_bytes(), POINTER)
    assert found["digest"] == written.content_digest
    assert (found["id"], found["rows"], found["columns"]) == ("applications", 2, 3)
    assert (found["pointer"], found["taken_at"]) == (POINTER, written.taken_at)
    assert found["notes"] == [
        "column 'age' holds 1 NaN and 0 infinite values.",
        "column 'x' has no values.",
    ]


def test_the_command_says_bad_input_without_a_trace(repo: Path) -> None:
    (repo / DATA).write_bytes(b"age,creditability\n30,g\xfft\n")
    answer = command(repo)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"applications: {DATA}:2: byte 0xff at offset 22 is not UTF-8." in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a POSIX signal here")
def test_ctrl_c_leaves_nothing_half_written(repo: Path) -> None:
    (repo / DATA).write_text("age,creditability\n" + "30,good\n" * 4_000_000)
    before = files(repo)
    line = [sys.executable, "-m", "vendorkit", "snapshot"]
    with subprocess.Popen(line, cwd=repo, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("reading applications")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert files(repo) == before
