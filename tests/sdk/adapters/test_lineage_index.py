"""The index of lineage: filled with what is new, made anew where the registry is another one, and never needed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.lineage_index import FILE, Use, open_index
from vendorkit.adapters.registry import Version
from vendorkit.errors import Unavailable

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SNAPSHOT = "sha256:" + "c" * 64


@dataclass
class Shelf:
    """A registry that counts what it is asked."""

    held: list[Version] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)
    given: int = 0
    tracking: str = "here"

    def add(self, number: int, *contents: str, release: str = "") -> None:
        tags = {
            "release": release or f"release {number}",
            "datasets": ", ".join(f"d{place} {digest}" for place, digest in enumerate(contents)),
            "snapshots": " ".join(SNAPSHOT for _ in contents),
        }
        self.held.append(Version("credit", number, "", "", tags, "2026-11-01T00:00:00.000Z"))

    def versions(self, model: str, *, after: int = 0) -> list[Version]:
        found = [version for version in self.held if version.number > after]
        self.given += len(found)
        return found

    def decisions(self, model: str, *, after: int = 0) -> list[tuple[int, str]]:
        return [(place, text) for place, text in self.log if place > after]


def used(folder: Path, shelf: Shelf, digest: str) -> list[int]:
    with open_index(folder, shelf.tracking) as index:
        index.fill(shelf, ["credit"])
        return [known.version for known in index.that_used(digest.removeprefix("sha256:"))]


def test_a_dataset_is_found_by_content_snapshot_and_beginning(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.add(1, A)
    shelf.add(2, A, B)
    shelf.add(3, B)
    assert used(tmp_path, shelf, A) == [1, 2]
    assert used(tmp_path, shelf, B) == [2, 3]
    assert used(tmp_path, shelf, "bbbbbb") == [2, 3]
    assert used(tmp_path, shelf, SNAPSHOT) == [1, 2, 3]
    assert used(tmp_path, shelf, "abbbbb") == []
    with open_index(tmp_path, "here") as index:
        (known,) = index.releases("r.version = ?", 2)
        assert known.datasets == (Use("d0", A, SNAPSHOT), Use("d1", B, SNAPSHOT))


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    shelf = Shelf()
    for number in range(1, 101):
        shelf.add(number, A)
    used(tmp_path, shelf, A)
    shelf.given = 0
    assert len(used(tmp_path, shelf, A)) == 100
    assert shelf.given == 1
    shelf.add(101, A)
    assert used(tmp_path, shelf, A)[-1] == 101


def test_another_registry_behind_the_same_address_is_read_anew(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.add(1, A)
    shelf.add(2, A)
    used(tmp_path, shelf, A)
    restored = Shelf()
    restored.add(1, B)
    assert used(tmp_path, restored, A) == []
    assert used(tmp_path, restored, B) == [1]
    changed = Shelf()
    changed.add(1, A, release="another")
    changed.add(2, A)
    assert used(tmp_path, changed, A) == [1, 2]
    rewritten = Shelf()
    rewritten.add(1, B)
    rewritten.add(2, B, release="another")
    assert used(tmp_path, rewritten, A) == []


def test_registries_do_not_mix(tmp_path: Path) -> None:
    one, other = Shelf(), Shelf(tracking="there")
    one.add(1, A)
    other.add(7, A)
    assert (used(tmp_path, one, A), used(tmp_path, other, A)) == ([1], [7])


def test_an_old_release_without_tags_is_kept(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.held.append(Version("credit", 1, "", "", {}, "2026-11-01T00:00:00.000Z"))
    shelf.log = [(1, "no decision"), (2, '{"decision": {"kind": "promotion"}}')]
    with open_index(tmp_path, "here") as index:
        index.fill(shelf, ["credit"])
        assert [known.datasets for known in index.releases()] == [()]
        assert index.moves() == {}


@pytest.mark.parametrize("odd", [{"version": 2**70}, {"version": "2"}, {"actor": ["ann"]}, {"alias": "\ud800"}, "deep"])
def test_an_entry_that_is_no_decision_is_left_out_and_those_after_it_are_not(tmp_path: Path, odd: Any) -> None:
    decision = {"kind": "promotion", "version": 1, "alias": "champion", "actor": "ann", "at": "2026-11-01T00:00:00Z"}
    shelf = Shelf()
    shelf.add(1, A)
    first = "[" * 100_000 if odd == "deep" else json.dumps({"decision": {**decision, **odd}})
    shelf.log = [(1, first), (2, json.dumps({"decision": decision}))]
    with open_index(tmp_path, "here") as index:
        index.fill(shelf, ["credit"])
        assert [move.actor for move in index.moves()["credit", "champion"]] == ["ann"]


def test_a_damaged_file_is_said_with_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="cannot be used") as caught, open_index(tmp_path, "here"):
        pass
    assert "Delete" in caught.value.fix


def test_a_file_of_another_layout_is_made_anew(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("CREATE TABLE release (old)")
        database.execute("PRAGMA user_version = 99")
    shelf = Shelf()
    shelf.add(1, A)
    assert used(tmp_path, shelf, A) == [1]
