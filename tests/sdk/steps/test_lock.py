"""Locking anew, by uv itself: what changed since the last commit, and under which licences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vendorkit.adapters import repository
from vendorkit.cli.main import main
from vendorkit.errors import BadInput, Unavailable
from vendorkit.steps.lock import Locked, lock

from tests.support.wheels import declare, write_wheel


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "kept", "1.0", "License-Expression: MIT")
    write_wheel(folder, "gone", "1.0", "License-Expression: MIT")
    write_wheel(folder, "moved", "1.0", "License-Expression: MIT")
    return folder


@pytest.fixture
def repo(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that was locked and committed; then a newer version of one package came out."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Vendor")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "dev@vendor.example")
    folder = tmp_path / "repo"
    folder.mkdir()
    repository.init(folder)
    (folder / ".gitignore").write_text(".venv/\n")
    (folder / "engagement.yaml").write_text("schema_version: 1\n")
    declare(folder, wheels, "kept", "gone", "moved")
    lock(folder)
    repository.commit_all(folder, "First")
    write_wheel(wheels, "moved", "2.0", "License-Expression: AGPL-3.0-only")
    return folder


def told(changed: tuple[Locked, ...]) -> dict[str, tuple[str, str | None, str | None]]:
    return {each.change.package: (each.change.kind, each.licence, each.verdict) for each in changed}


def test_what_still_fits_is_kept(repo: Path) -> None:
    assert lock(repo) == ()


def test_edits_are_told_with_licences(repo: Path, wheels: Path) -> None:
    write_wheel(wheels, "new", "3.1", "License: Some words of its own")
    declare(repo, wheels, "kept", "moved", "new")
    assert told(lock(repo)) == {"gone": ("removed", None, None), "new": ("added", "", "unlisted")}
    assert told(lock(repo)) == told(lock(repo))  # uv.lock is new already; the last commit is what counts
    assert (repo / ".venv").is_dir()


def test_a_newer_version_is_taken_when_it_is_asked_for(repo: Path) -> None:
    expected = {"moved": ("changed", "AGPL-3.0-only", "forbidden")}
    assert told(lock(repo, ["kept"])) == {}
    assert told(lock(repo, ["moved"])) == expected
    assert told(lock(repo, None)) == expected


def test_the_command_says_it_and_ends_with_one_where_a_licence_is_forbidden(
    repo: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wheel(wheels, "new", "3.1")
    declare(repo, wheels, "kept", "moved", "new")
    assert main(["lock", "--repo", str(repo), "--upgrade"]) == 1
    out = capsys.readouterr().out
    assert "1 added, 1 removed, 1 changed" in out
    assert "  + new 3.1  (no licence that SPDX knows: not judged by the platform)" in out
    assert "  - gone 1.0\n" in out
    assert "  ~ moved 1.0 -> 2.0  (AGPL-3.0-only: forbidden by the platform)" in out
    assert main(["lock", "--repo", str(repo), "--json"]) == 1
    (_, moved, _) = json.loads(capsys.readouterr().out)["result"]["changes"]
    assert moved == {
        "package": "moved", "kind": "changed", "before": ["1.0"], "after": ["2.0"],
        "licence": "AGPL-3.0-only", "verdict": "forbidden",
    }  # fmt: skip


def test_what_cannot_be_locked_is_told_and_the_lock_stays(repo: Path, wheels: Path) -> None:
    before = (repo / "uv.lock").read_bytes()
    declare(repo, wheels, "kept", "nowhere-to-be-found")
    with pytest.raises(Unavailable, match="nowhere-to-be-found"):
        lock(repo)
    assert (repo / "uv.lock").read_bytes() == before


def test_names_that_are_no_packages_are_refused_together(repo: Path) -> None:
    with pytest.raises(BadInput) as caught:
        lock(repo, ["kept", "--index", "a b", ""])
    assert [fault.where for fault in caught.value.faults] == ["--index", "a b", ""]
