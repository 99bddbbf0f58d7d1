"""What `vendorkit new` decides before and around the rendering; the whole way is a journey."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from vendorkit.adapters import repository
from vendorkit.cli.main import main
from vendorkit.errors import BadInput, Unavailable
from vendorkit.steps.new import Source, chosen_source, default_source, kick_off, read_answers

from tests.template.rendering import plain_template


@pytest.fixture(autouse=True)
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Platform engineer")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "platform@client.example")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder to make engagements in."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def silent(line: str) -> None:
    """Takes no notice."""


def plain() -> Source:
    return Source(str(plain_template()), None)


def packaged(folder: Path, metadata: str = "", direct_url: dict[str, object] | None = None) -> Distribution:
    """An installed package as pip leaves it."""
    info = folder / "vendorkit-1.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vendorkit\nVersion: 1.2.0\n{metadata}")
    if direct_url is not None:
        (info / "direct_url.json").write_text(json.dumps(direct_url))
    return Distribution.at(info)


def test_a_template_that_cannot_be_locked_leaves_nothing(room: Path) -> None:
    absent = {"sdk_requirement": f"vendorkit @ file://{room}/absent"}
    with pytest.raises(Unavailable, match="uv lock"):
        kick_off(room / "deep" / "credit", plain(), absent)
    assert list(room.iterdir()) == []


def test_a_library_of_ci_jobs_needs_no_environment(room: Path) -> None:
    made = kick_off(room / "engagement-ci", plain(), {"central_ci": "library", "deliverables": ["model", "report"]})
    found = {path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith(".git/")} == {
        ".copier-answers.yml", ".github/workflows/engagement.yml",
    }  # fmt: skip
    assert repository.changed_paths(made.path) == ()


@pytest.mark.parametrize("inside", [True, False])
def test_a_repository_inside_another_is_told(room: Path, inside: bool) -> None:
    if inside:
        repository.init(room)
    told: list[str] = []
    kick_off(room / "ci", plain(), {"central_ci": "library", "deliverables": ["model", "report"]}, progress=told.append)
    assert [line for line in told if f"lies in the repository {room}" in line] == told[:1] * inside


def test_wrong_answers_leave_nothing_and_are_all_told(room: Path) -> None:
    with pytest.raises(BadInput) as caught:
        kick_off(room / "credit", plain(), {"tier": "x", "forge": "y", "colour": "z"})
    assert {fault.where for fault in caught.value.faults} == {"tier", "forge", "colour"}
    assert list(room.iterdir()) == []


def test_a_missing_identity_is_told_before_anything(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    told: list[str] = []
    with pytest.raises(BadInput) as caught:
        kick_off(room / "credit", plain(), {}, progress=told.append)
    assert "git config --global user.email" in caught.value.fix
    assert told == []
    assert list(room.iterdir()) == []


def test_a_destination_that_is_taken_is_refused_and_kept(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (room / "full").mkdir()
    (room / "full" / "kept").write_text("kept")
    (room / "file").write_text("kept")
    (room / "link").symlink_to(room / "full")
    for name, says in (("full", "not empty"), ("file", "no folder"), ("link", "no folder")):
        with pytest.raises(BadInput, match=says):
            kick_off(room / name, plain(), {})
    (room / "empty").mkdir()
    monkeypatch.chdir(room / "empty")
    with pytest.raises(BadInput, match="folder you are in"):
        kick_off(Path(), plain(), {})
    assert (room / "full" / "kept").read_text() == (room / "file").read_text() == "kept"
    assert sorted(path.name for path in room.iterdir()) == ["empty", "file", "full", "link"]


def test_interrupted_while_locking_leaves_nothing(room: Path) -> None:
    """The lock waits for a server that never answers, so that the interruption comes in the middle."""
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        wheel = f"https://127.0.0.1:{server.getsockname()[1]}/vendorkit-0.1.0-py3-none-any.whl"
        command = [sys.executable, "-m", "vendorkit", "new", str(room / "credit"), "--defaults"]
        command += ["--template", str(plain_template()), "--data", f"sdk_requirement=vendorkit @ {wheel}"]
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert running.stderr is not None
        while "locking" not in running.stderr.readline():
            assert running.poll() is None
        waiting, _ = server.accept()
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait() == 130
        running.stderr.close()
        waiting.close()
    assert list(room.iterdir()) == []


def test_the_command_tells_all_faults_as_json(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--template", str(plain_template()), "--data", "tier=x", "--data", "task=regression", "--json"]
    assert main(["new", str(room / "credit"), *given]) == 2
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["schema"] == "vendorkit/new/1"
    assert {fault["where"] for fault in envelope["result"]["faults"]} == {"tier", "task"}


def test_answers_come_from_file_and_pairs(tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("_src_path: elsewhere\ntier: low\nstarts: 2026-09-01\nforge: gitlab\n")
    assert read_answers(file, ["tier=high", "title=a=b", "deliverables=model, report"]) == {
        "tier": "high",
        "starts": "2026-09-01",
        "forge": "gitlab",
        "title": "a=b",
        "deliverables": ["model", "report"],
    }
    assert read_answers(None, []) == {}


def test_answers_that_cannot_be_read_are_told_together(tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("- a\n")
    with pytest.raises(BadInput) as caught:
        read_answers(file, ["tier", "forge"])
    assert len(caught.value.faults) == 3
    with pytest.raises(BadInput, match="there is no file"):
        read_answers(tmp_path / "absent.yml", [])


def test_a_clone_is_taken_as_it_lies_there(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "copier.yml").write_text("{}\n")
    assert chosen_source(str(clone), None, silent) == Source(str(clone), None)
    repository.init(clone)
    commit = repository.commit_all(clone, "First")
    told: list[str] = []
    assert chosen_source(str(clone), None, told.append) == Source(str(clone), "HEAD")
    assert chosen_source(str(clone), commit[:10], told.append) == Source(str(clone), commit[:10])
    assert told == []
    (clone / "copier.yml").write_text("a: b\n")
    assert chosen_source(str(clone), None, told.append) == Source(str(clone), "HEAD")
    assert "uncommitted changes" in told[0]


def test_a_relative_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copier.yml").write_text("{}\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert chosen_source("..", None, silent) == Source(str(tmp_path), None)


@pytest.mark.parametrize("location", ["https://git.bank.example/kit.git", "git@git.bank.example:a/b.git", "gh:a/b"])
def test_addresses_are_left_to_git(location: str) -> None:
    assert chosen_source(location, "v1", silent) == Source(location, "v1")


def test_templates_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="neither a folder nor a git URL"):
        chosen_source(str(tmp_path / "absent"), None, silent)
    with pytest.raises(BadInput, match=r"has no copier\.yml"):
        chosen_source(str(tmp_path), None, silent)
    (tmp_path / "copier.yml").write_text("{}\n")
    with pytest.raises(BadInput, match="not a git repository"):
        chosen_source(str(tmp_path), "v1", silent)
    repository.init(tmp_path)
    repository.commit_all(tmp_path, "First")
    with pytest.raises(BadInput, match="no tag or commit"):
        chosen_source(str(tmp_path), "v1", silent)


def test_an_sdk_from_git_takes_its_own_commit(tmp_path: Path) -> None:
    vcs = {"vcs": "git", "commit_id": "a" * 40}
    package = packaged(tmp_path, direct_url={"url": "https://git.bank.example/kit.git", "vcs_info": vcs})
    found = default_source(None, silent, package)
    assert found == Source("git+https://git.bank.example/kit.git", "a" * 40)
    assert default_source("v2", silent, package).ref == "v2"


def test_an_sdk_from_a_folder_takes_the_repository_around_it(tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    (clone / "sdk").mkdir(parents=True)
    (clone / "copier.yml").write_text("{}\n")
    url = f"file://{str(clone / 'sdk').replace(' ', '%20')}"
    package = packaged(tmp_path, direct_url={"url": url, "dir_info": {"editable": True}})
    assert default_source(None, silent, package) == Source(str(clone), None)


def test_an_sdk_from_an_index_takes_the_tag_of_its_version(tmp_path: Path) -> None:
    package = packaged(tmp_path, "Project-URL: Template, https://git.bank.example/kit.git\n")
    assert default_source(None, silent, package) == Source("https://git.bank.example/kit.git", "v1.2.0", "index")


@pytest.mark.parametrize("direct_url", [None, {"url": "file:///x/vendorkit.whl", "archive_info": {}}])
def test_an_sdk_that_does_not_tell_asks_for_the_template(tmp_path: Path, direct_url: dict[str, object] | None) -> None:
    with pytest.raises(BadInput) as caught:
        default_source(None, silent, packaged(tmp_path, direct_url=direct_url))
    assert "--template" in caught.value.fix
