"""Documents: drafted before publishing, the same after it, and what is wrong with the words."""

from __future__ import annotations

from pathlib import Path

from vendorkit.records.canonical import digest_file
from vendorkit.records.release import Release

from tests.support.registry import files_of, flip
from tests.support.world import World

NAMES = ["brief", "release-notes", "card", "datasheet-applications"]


def test_what_is_drafted_is_what_is_published(world: World, tmp_path: Path) -> None:
    drafted = world.run("documents", "--report", str(tmp_path / "drafts"))
    assert drafted.code == 0
    assert [each["name"] for each in drafted.result["documents"]] == NAMES
    assert "Nothing is live yet" in world.run("documents", as_json=False).out
    world.ok("publish")
    folder = files_of(world) / "documents"
    for path in (tmp_path / "drafts").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
    release = Release.parse((files_of(world) / "release.json").read_bytes(), "release.json")
    assert release.missing == ()
    assert [each.name for each in release.documents] == NAMES
    assert all(digest_file(files_of(world) / each.path) == each.digest for each in release.documents)
    shown = world.run("documents", "credit/1", "--show", "card", "--format", "html", as_json=False)
    assert shown.out.rstrip("\n") == (folder / "card.html").read_text("utf-8").rstrip("\n")


def test_what_is_wrong_with_the_words_is_listed_before_publishing(world: World) -> None:
    card = world.repo / "models/credit/CARD.md"
    card.write_text(card.read_text().replace("Young applicants are few.", "Say here who. Brier 0.9, ROC AUC 0.99"))
    (world.repo / "models/credit/CHANGES.md").unlink()
    answer = world.run("documents")
    assert answer.code == 1
    found = {finding["where"]: finding["says"] for finding in answer.envelope["findings"]}
    assert set(found) == {"models/credit/CARD.md:13", "models/credit/CHANGES.md"}
    assert "To mend before it can be published:" in world.run("documents", as_json=False).out
    assert world.run("documents", "--show", "poem").code == 2


def test_compared_with_the_live_version_whose_bytes_are_checked(live: World) -> None:
    text = live.run("documents", "--show", "release-notes", as_json=False).out
    assert "Compared with credit/1, which is live." in text
    flip(files_of(live) / "records/features.json")
    answer = live.run("documents")
    assert answer.code == 1
    assert [fault["where"] for fault in answer.result["faults"]] == ["records/features.json"]
