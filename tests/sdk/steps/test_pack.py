"""Pack and accept: the same bytes whoever packs, every missing part named, and only the named person signs."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.archive import read_archive
from vendorkit.adapters.engagement import read_manifest
from vendorkit.records.canonical import digest_bytes, digest_file
from vendorkit.records.pack import PACK_FILE, Pack
from vendorkit.trust.acceptances import SignedAcceptance, acceptance_fault
from vendorkit.trust.people import authority_of

from tests.support.registry import files_of, flip
from tests.support.world import World

PARTS = {
    "models/credit/CARD.md": "# Card\n",
    "docs/RUNBOOK.md": "# Runbook\n",
    "tests/test_pipeline.py": "def test_it():\n    pass\n",
}


def complete(world: World) -> World:
    """Write what the milestone delivers and the small engagement lacks."""
    for name, text in PARTS.items():
        path = world.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (world.repo / "run.sh").write_text("#!/bin/sh\n")
    (world.repo / "run.sh").chmod(0o755)
    world.commit("Everything for the milestone")
    return world


@pytest.fixture(scope="module")
def ready(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return complete(promoted.copy(tmp_path_factory.mktemp("ready") / "repo"))


@pytest.fixture
def own(ready: World, tmp_path: Path) -> World:
    return ready.copy(tmp_path / "own")


@pytest.fixture(scope="module")
def archive(ready: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "m1.tar"
    ready.ok("pack", "m1", "--to", str(path))
    return path


def accept(world: World, archive: Path, who: str = "ml-sre", key: str | None = None) -> Any:
    return world.run("accept", "m1", "--pack", str(archive), "--key", str(world.key(key or who)), who=who)


def rewritten(archive: Path, target: Path, change: Any) -> Path:
    """A copy of an archive with other members: `change` gets name and bytes and gives bytes, or None to leave out."""
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        for member in old:
            file = old.extractfile(member)
            data = change(member.name, file.read() if file else b"")
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return target


def test_the_same_bytes_whoever_packs_it_and_wherever(ready: World, archive: Path, tmp_path: Path) -> None:
    other = ready.copy(tmp_path / "elsewhere")
    result = other.ok("pack", "m1", who="ml-sre")
    assert Path(result["path"]).parent == other.repo / ".vendorkit/packs"
    assert result["digest"] == digest_file(archive)
    assert Path(result["path"]).read_bytes() == archive.read_bytes()


def test_it_holds_the_commit_and_the_records_and_lists_them(ready: World, archive: Path) -> None:
    data, members = read_archive(archive, PACK_FILE)
    pack = Pack.parse(data, PACK_FILE)
    assert pack.files == members
    held = {member.path: member.digest for member in members}
    for name in ("engagement.yaml", "uv.lock", "models/credit/pipeline.py", *PARTS):
        assert held[f"git/{name}"] == digest_file(ready.repo / name)
    assert {"releases/credit-1/release.json", "releases/credit-1/records/run.json"} <= held.keys()
    assert not [name for name in held if name.startswith("releases/credit-1/model/")]
    assert [part.part for part in pack.delivers] == list(read_manifest(ready.repo).milestones[0].delivers)
    assert all(part.paths for part in pack.delivers)
    with tarfile.open(archive) as opened:
        modes = {member.name: (member.mode, member.mtime, member.uname) for member in opened}
    assert modes["git/run.sh"] == (0o755, 0, "")
    assert modes["git/uv.lock"] == (0o644, 0, "")


def test_every_missing_part_is_named(promoted: World, world: World, tmp_path: Path) -> None:
    bare = promoted.copy(tmp_path / "bare")
    for name in ("models/credit/CARD.md", "docs/RUNBOOK.md"):
        (bare.repo / name).unlink(missing_ok=True)
    bare.commit("Without words")
    answer = bare.run("pack", "m1")
    assert answer.code == 1
    named = "\n".join(f"{fault['where']} {fault['says']}" for fault in answer.result["faults"])
    assert "m1 delivers tests there is no file test_*.py in the commit." in named
    assert "m1 delivers card models/credit/CARD.md of credit is not in the commit." in named
    assert "m1 delivers runbook docs/RUNBOOK.md of the engagement is not in the commit." in named
    assert len(answer.result["faults"]) == 3
    answer = complete(world).run("pack", "m1")
    assert [fault["where"] for fault in answer.result["faults"]] == ["m1 delivers lineage"]
    assert "credit has no published release." in answer.out


def test_what_is_not_committed_is_not_handed_over(own: World) -> None:
    (own.repo / "docs/RUNBOOK.md").write_text("# Better\n")
    answer = own.run("pack", "m1")
    assert answer.code == 1
    assert "docs/RUNBOOK.md" in answer.out
    assert own.run("pack", "m9").code == 2


def test_a_release_that_was_changed_is_not_packed(own: World) -> None:
    flip(files_of(own) / "records/run.json")
    assert own.run("pack", "m1").code == 1


def test_the_named_person_accepts_and_signs_once(own: World, archive: Path) -> None:
    answer = accept(own, archive)
    assert answer.code == 0, answer.out
    path = Path(answer.result["path"])
    signed = SignedAcceptance.parse(path.read_bytes(), path.name)
    manifest = read_manifest(own.repo)
    authority = authority_of(own.repo, manifest)
    assert path.parent == own.repo / "records"
    assert signed.acceptance.archive == digest_file(archive)
    assert acceptance_fault(signed, manifest.milestones[0], authority) is None
    changed = SignedAcceptance(signed.acceptance.model_copy(update={"commit": "0" * 40}), signed.signature)
    assert "something else was signed, not this" in str(acceptance_fault(changed, manifest.milestones[0], authority))
    again = accept(own, archive)
    assert (again.code, again.result["created"], again.result["record"]) == (0, False, answer.result["record"])
    key = " ".join((own.keys / "ml-sre.pub").read_text().split()[:2])
    (own.repo / "revoked_keys").write_text(f"2026-01-01T00:00:00Z {key}\n")
    late = acceptance_fault(signed, manifest.milestones[0], authority_of(own.repo, manifest))
    assert late == "its key was revoked before it signed this"


def test_the_package_made_here_is_the_default(own: World) -> None:
    key = ("--key", str(own.key("ml-sre")))
    assert own.run("accept", "m1", *key, who="ml-sre").code == 2
    own.ok("pack", "m1")
    assert own.run("accept", "m1", *key, who="ml-sre").code == 0


@pytest.mark.parametrize(("who", "key"), [("vendor-ml", None), ("model-risk", None), ("ml-sre", "stranger")])
def test_nobody_else_accepts(own: World, archive: Path, who: str, key: str | None) -> None:
    answer = accept(own, archive, who, key)
    assert answer.code == 1, answer.out
    assert not (own.repo / "records").exists()
    assert ("is accepted by ml-sre only" if key is None else "The signature does not count.") in answer.out


def test_an_archive_with_a_member_removed_changed_or_added_does_not_verify(
    own: World, archive: Path, tmp_path: Path
) -> None:
    name = "releases/credit-1/records/gate-report.json"
    without = rewritten(archive, tmp_path / "a.tar", lambda one, data: None if one == name else data)
    changed = rewritten(archive, tmp_path / "b.tar", lambda one, data: data + b" " if one == name else data)
    for path, says in ((without, "is missing; the record of the package lists it."), (changed, "by the record")):
        answer = accept(own, path)
        assert answer.code == 1, answer.out
        assert name in answer.out
        assert says in answer.out


def test_an_archive_that_was_forged_whole_is_held_against_git_and_registry(
    own: World, archive: Path, tmp_path: Path
) -> None:
    """The record of the package was written anew to fit: git and the registry still know better."""
    data, _ = read_archive(archive, PACK_FILE)
    pack = Pack.parse(data, PACK_FILE)
    forged = {"git/docs/RUNBOOK.md": b"# Nothing\n", "releases/credit-1/records/run.json": b"{}"}
    files = tuple(
        file.model_copy(update={"digest": digest_bytes(forged[file.path]), "bytes": len(forged[file.path])})
        if file.path in forged
        else file
        for file in pack.files
    )
    forged[PACK_FILE] = pack.model_copy(update={"files": files}).to_bytes()
    path = rewritten(archive, tmp_path / "forged.tar", forged.get)
    answer = accept(own, path)
    assert answer.code == 1
    wrong = {fault["where"] for fault in answer.result["faults"]}
    assert wrong == {"git/docs/RUNBOOK.md", "releases/credit-1/records/run.json"}


@pytest.mark.parametrize("kind", ["cut", "link", "outside", "twice", "zip", "no-record"])
def test_hostile_archives_are_bad_input(own: World, archive: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.tar"
    shutil.copyfile(archive, path)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "zip":
        path.write_bytes(b"PK\x03\x04" + b"\0" * 600)
    elif kind == "no-record":
        rewritten(archive, path, lambda one, data: None if one == PACK_FILE else data)
    else:
        with tarfile.open(path, "a") as opened:
            member = tarfile.TarInfo({"link": "git/l", "outside": "../../evil", "twice": "git/uv.lock"}[kind])
            if kind == "link":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            opened.addfile(member)
    answer = accept(own, path)
    assert answer.code == 2, answer.out
    assert not (own.repo / "records").exists()
    assert accept(own, tmp_path / "absent.tar").code == 2
