"""The working state: whole or not at all, and every changed, missing, hidden or planted file is found."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from vendorkit.adapters import store as adapter
from vendorkit.adapters.store import (
    Store,
    describe_file,
    differing_files,
    list_files,
    list_sources,
    read_record,
    write_whole,
)
from vendorkit.errors import BadInput, Refused
from vendorkit.records.snapshot import Snapshot

from tests.support.world import World


def candidates(world: World) -> Path:
    return world.repo / ".vendorkit/candidates"


def only(world: World) -> Path:
    """The folder of the only candidate."""
    (folder,) = candidates(world).glob("[0-9a-f]*")
    return folder


def twin(world: World) -> Path:
    """A second candidate, trained from the same code."""
    return candidates(world) / str(world.ok("train")["candidate"]).removeprefix("sha256:")


# Finding candidates


def test_the_newest_is_found_without_a_name(world: World) -> None:
    assert Store(world.repo).candidate(None).folder == only(world)
    newer = twin(world)
    assert Store(world.repo).candidate(None).folder == newer


def test_the_beginning_of_a_name_is_enough(world: World) -> None:
    name = only(world).name
    for given in (name[:6], name, f"sha256:{name[:6]}", f"sha256:{name}"):
        assert Store(world.repo).candidate(given).digest == f"sha256:{name}"


def test_a_beginning_of_several_names_all(world: World) -> None:
    name = only(world).name
    (candidates(world) / (name[:10] + "0" * 54)).mkdir()
    with pytest.raises(BadInput, match="Which candidate") as caught:
        Store(world.repo).candidate(name[:8])
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("name", ["ffffffffff", "sha256:ffffffffff", "../../data", "*", "credit/1"])
def test_an_unknown_name_is_said(world: World, name: str) -> None:
    with pytest.raises(BadInput, match="there is no candidate") as caught:
        Store(world.repo).candidate(name)
    assert caught.value.fix == "Leave the name out for the newest."


@pytest.mark.parametrize("name", ["", "sha256:"])
def test_an_empty_name_is_not_the_newest(world: World, name: str) -> None:
    with pytest.raises(BadInput, match="is empty"):
        Store(world.repo).candidate(name)


def test_nothing_trained_says_what_to_do(frozen: World) -> None:
    with pytest.raises(BadInput, match="vendorkit train"):
        Store(frozen.repo).candidate(None)


def test_only_candidates_of_a_model_are_looked_at(world: World) -> None:
    assert Store(world.repo).candidate(None, "credit").run.model == "credit"
    plant(only(world) / "model" / "more.py")
    with pytest.raises(BadInput, match=r"none of model fraud\. Run `vendorkit train --model fraud`"):
        Store(world.repo).candidate(None, "fraud")
    with pytest.raises(BadInput, match=r"none of model fraud\. Leave the name out"):
        Store(world.repo).candidate(only(world).name, "fraud")
    for command in ("gate", "publish"):
        assert world.run(command, "--model", "fraud").code == 2
    with pytest.raises(Refused, match="was changed after training"):
        Store(world.repo).candidate(None, "credit")


# Tampering


def plant(path: Path, content: bytes = b"x = 1\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def replace_by_link(path: Path) -> None:
    outside = path.parents[2] / "moved.py"
    path.rename(outside)
    path.symlink_to(outside)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the model": (lambda folder: one_byte(folder / "model/model.skops"), "model.skops: is sha256:"),
    "a byte of the code": (lambda folder: one_byte(folder / "model/code/pipeline.py"), "code/pipeline.py: is sha256:"),
    "a missing file": (lambda folder: (folder / "model/code/pipeline.py").unlink(), "code/pipeline.py: is missing"),
    "a new module": (lambda folder: plant(folder / "model/code/sklearn.py"), "code/sklearn.py: is not part"),
    "a hidden file": (lambda folder: plant(folder / "model/.hidden"), ".hidden: is not part"),
    "a file in a hidden folder": (lambda folder: plant(folder / "model/.git/config"), ".git/config: is not part"),
    "bytecode": (lambda folder: plant(folder / "model/code/__pycache__/pipeline.cpython-311.pyc"), "pyc: is not part"),
    "a link": (lambda folder: (folder / "model/code/more.py").symlink_to("/etc/passwd"), "code/more.py: is not part"),
    "a broken link": (lambda folder: (folder / "model/code/more.py").symlink_to("/nowhere"), "more.py: is not part"),
    "a linked folder": (lambda folder: (folder / "model/code/more").symlink_to("/etc"), "code/more: is not part"),
    "a pipe": (lambda folder: os.mkfifo(folder / "model/code/more.py"), "code/more.py: is not part"),
    "a link to the same": (lambda folder: replace_by_link(folder / "model/code/pipeline.py"), "is a link"),
    "a feature": (lambda folder: edit(folder / "features.json", '"nullable":false', '"nullable":true'), "features"),
    "a parameter": (lambda folder: edit(folder / "run.json", '"seed":20260901', '"seed":1'), "run.json: its digest is"),
    "a snapshot": (
        lambda folder: edit(folder / "snapshots/applications.json", '"rows":', '"rows":1'), "snapshots: are not those"
    ),
}  # fmt: skip


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(("tamper", "says"), TAMPERED.values(), ids=TAMPERED.keys())
def test_every_change_after_training_is_found(world: World, tamper: Callable[[Path], object], says: str) -> None:
    tamper(only(world))
    with pytest.raises(Refused, match="changed after training") as caught:
        Store(world.repo).candidate(None)
    assert len(caught.value.faults) == 1
    assert says in str(caught.value.faults[0])


def test_all_changes_are_named_at_once(world: World) -> None:
    for place in (0, 4, 5):
        list(TAMPERED.values())[place][0](only(world))
    answer = world.run("gate")
    assert answer.code == 1
    assert [fault["where"] for fault in answer.result["faults"]] == [".git/config", ".hidden", "model.skops"]


@pytest.mark.parametrize("name", ["run.json", "features.json"])
def test_a_record_that_is_gone_or_garbage_is_named(world: World, name: str) -> None:
    path = only(world) / name
    path.write_bytes(b"\x00")
    with pytest.raises(BadInput, match=name):
        Store(world.repo).candidate(None)
    path.unlink()
    with pytest.raises(BadInput, match=f"{name} is missing"):
        Store(world.repo).candidate(None)
    path.mkdir()
    with pytest.raises(BadInput, match=f"{name} is no regular file"):
        Store(world.repo).candidate(None)


# Whole or not at all


@pytest.mark.parametrize("place", [".vendorkit", ".vendorkit/importing", ".vendorkit/reports/ab"])
def test_a_working_folder_that_leads_elsewhere_is_not_used(place: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "repo" / place).parent.mkdir(parents=True)
    (tmp_path / "repo" / place).symlink_to(outside)
    with pytest.raises(BadInput) as caught:
        Store(tmp_path / "repo")
    assert [(fault.where, fault.says) for fault in caught.value.faults] == [(place, "is a link.")]


def test_what_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Store(tmp_path).staged_release("sha256:aa", fill)
    assert list((tmp_path / ".vendorkit/releases").iterdir()) == []


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.staged_release("sha256:aa", lambda folder: plant(folder / "file", b"first"))
    again = store.staged_release("sha256:aa", lambda folder: plant(folder / "file", b"second"))
    assert first == again
    assert (again / "file").read_bytes() == b"first"


def test_a_staged_release_is_gone_at_once_although_its_removal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    folder = store.staged_release("sha256:aa", lambda folder: plant(folder / "file"))
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda path, **named: None)
        store.drop_release(folder)
    assert [path.name.startswith(adapter.MAKING) for path in folder.parent.iterdir()] == [True]
    store.drop_release(store.staged_release("sha256:aa", lambda folder: plant(folder / "file")))
    assert not folder.exists()


def test_of_two_that_make_the_same_the_first_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def slow(folder: Path) -> None:
        store.staged_release("sha256:aa", lambda other: plant(other / "file", b"fast"))
        plant(folder / "file", b"slow")

    folder = store.staged_release("sha256:aa", slow)
    assert (folder / "file").read_bytes() == b"fast"
    assert [path.name for path in folder.parent.iterdir()] == ["aa"]


def test_a_file_has_its_old_or_its_new_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "deep/file"
    write_whole(file, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in file.parent.iterdir()] == ["file"]
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"


MAKE = """
import sys, time
from pathlib import Path
from vendorkit.adapters.store import Store

def fill(folder):
    (folder / "half").write_text("half")
    Path(sys.argv[2]).touch()
    while not Path(sys.argv[3]).exists():
        time.sleep(0.01)
    (folder / "half").write_text("whole")

Store(Path(sys.argv[1])).staged_release("sha256:aa", fill)
"""


def make(repo: Path, begun: Path, go: Path) -> subprocess.Popen[bytes]:
    """A process that stores something and waits midway for `go`."""
    process = subprocess.Popen([sys.executable, "-c", MAKE, str(repo), str(begun), str(go)])
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_a_kill_while_storing_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = make(tmp_path, tmp_path / "begun", tmp_path / "never")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    releases = tmp_path / ".vendorkit/releases"
    assert [path.name.startswith(adapter.MAKING) for path in releases.iterdir()] == [True]
    store = Store(tmp_path)
    folder = store.staged_release("sha256:aa", lambda folder: plant(folder / "file", b"whole"))
    assert (folder / "file").read_bytes() == b"whole"
    assert len(list(releases.iterdir())) == 2, "it may still be at work"
    monkeypatch.setattr(adapter, "LEFTOVER_SECONDS", -1)
    store.staged_release("sha256:bb", lambda folder: plant(folder / "file"))
    assert sorted(path.name for path in releases.iterdir()) == ["aa", "bb"]


def test_two_processes_that_store_the_same_at_once(tmp_path: Path) -> None:
    go = tmp_path / "go"
    both = [make(tmp_path, tmp_path / f"begun-{number}", go) for number in range(2)]
    go.touch()
    assert [process.wait(60) for process in both] == [0, 0]
    (folder,) = (tmp_path / ".vendorkit/releases").iterdir()
    assert folder.name == "aa"
    assert (folder / "half").read_text() == "whole"


# Files


def test_sources_are_the_modules_that_people_wrote(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "parts/c.py", ".venv/d.py", "__pycache__/e.py", "parts/.hidden/f.py", "notes.txt"):
        plant(tmp_path / name)
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    assert [path.relative_to(tmp_path).as_posix() for path in list_sources(tmp_path)] == ["a.py", "b.py", "parts/c.py"]
    assert list_sources(tmp_path / "nowhere") == ()


def test_a_whole_folder_differs_in_nothing(tmp_path: Path) -> None:
    plant(tmp_path / "deep/a.py")
    plant(tmp_path / ".hidden", b"")
    described = list_files(tmp_path)
    assert [artifact.path for artifact in described] == [".hidden", "deep/a.py"]
    assert described[1] == describe_file(tmp_path / "deep/a.py", tmp_path)
    assert differing_files(tmp_path, described) == []


def test_a_record_of_another_kind_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="vendorkit/snapshot/1"):
        read_record(Snapshot, only(world) / "run.json")
