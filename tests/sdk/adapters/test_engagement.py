"""Finding and reading an engagement: nothing outside the tree, nothing that blocks or is too large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vendorkit.adapters.engagement import find_engagement, read_file, read_manifest
from vendorkit.errors import BadInput

from tests.support.engagement import write_engagement


def test_the_nearest_folder_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = write_engagement(tmp_path / "outer")
    inner = write_engagement(outer / "inner")
    deep = inner / "models" / "credit"
    deep.mkdir(parents=True)
    assert find_engagement(deep) == inner
    assert find_engagement(outer) == outer
    monkeypatch.chdir(deep)
    assert find_engagement() == inner


def test_no_engagement_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="vendorkit new"):
        find_engagement(tmp_path)


def test_a_mistyped_folder_is_not_taken_for_the_one_above(tmp_path: Path) -> None:
    repo = write_engagement(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        find_engagement(repo / "typo")


def test_the_manifest_is_read(tmp_path: Path) -> None:
    assert read_manifest(write_engagement(tmp_path)).engagement.id == "acme-credit-2026"


def refused(repo: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_manifest(repo)
    return str(caught.value)


def test_a_link_is_refused_even_to_a_good_manifest(tmp_path: Path) -> None:
    elsewhere = write_engagement(tmp_path / "elsewhere")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "engagement.yaml").symlink_to(elsewhere / "engagement.yaml")
    assert find_engagement(repo) == repo
    assert "symbolic link" in refused(repo)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "engagement.yaml")
    assert "not a regular file" in refused(tmp_path)


def test_a_folder_a_missing_and_a_long_file(tmp_path: Path) -> None:
    assert "is not there" in refused(tmp_path)
    (tmp_path / "engagement.yaml").mkdir()
    assert "not a regular file" in refused(tmp_path)
    (tmp_path / "engagement.yaml").rmdir()
    (tmp_path / "engagement.yaml").write_bytes(b"#" * 5_000_000)
    assert "too long" in refused(tmp_path)


def test_files_are_read_without_following(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("private")
    repo = tmp_path / "repo"
    (repo / "sub").mkdir(parents=True)
    (repo / "sub" / "good").write_bytes(b"\x00x")
    (repo / "out").symlink_to(secret)
    (repo / "gone").symlink_to(tmp_path / "nothing")
    asked = ["sub/good", "out/key", "gone", "none", "sub", "../secret/key", "/etc/passwd", "sub/good/x"]
    seen = {path: read_file(repo, path) for path in asked}
    kinds = {path: file.kind for path, file in seen.items()}
    assert kinds == {
        "sub/good": "file",
        "out/key": "link",
        "gone": "link",
        "none": "missing",
        "sub": "other",
        "../secret/key": "other",
        "/etc/passwd": "other",
        "sub/good/x": "missing",
    }
    assert seen["sub/good"].data == b"\x00x"
    assert read_file(repo, "sub/good", limit=1).kind == "too-large"
