"""Commits read through libgit2; branches and updates are tried in the journeys."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from vendorkit.adapters.commits import Commits

FIRST, MERGED, SECOND = ("2024-02-29T12:00:00Z", "2020-01-01T12:00:00Z", "2025-01-01T12:00:00Z")


def git(folder: Path, *arguments: str, at: str = SECOND) -> str:
    dated = {**os.environ, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
    done = subprocess.run(("git", *arguments), cwd=folder, env=dated, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits of its own, of which the second brought the older history of somebody else in."""
    folder = tmp_path_factory.mktemp("grown")
    git(folder, "init", "-q", "-b", "theirs")
    git(folder, "commit", "-q", "--allow-empty", "-m", "theirs", at=MERGED)
    git(folder, "checkout", "-q", "--orphan", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "ours", at=FIRST)
    git(folder, "merge", "-q", "--allow-unrelated-histories", "-m", "both", "theirs")
    return folder


def test_the_first_commit_is_that_of_the_own_line(grown: Path) -> None:
    found = Commits(grown).first(git(grown, "rev-parse", "HEAD"))
    assert (found.message, found.at) == ("ours\n", FIRST)


@pytest.mark.parametrize(("depth", "message"), [("1", "both\n"), ("9", "ours\n")])
def test_a_bare_or_shallow_repository_has_a_first_commit_too(
    grown: Path, tmp_path: Path, depth: str, message: str
) -> None:
    git(tmp_path, "clone", "-q", "--bare", "--depth", depth, f"file://{grown}", "copy.git")
    copy = tmp_path / "copy.git"
    assert Commits(copy).first(git(copy, "rev-parse", "HEAD")).message == message
