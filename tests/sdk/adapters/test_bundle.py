"""Copies that are hashed while they grow: every size, with and without the kernel's help, and what may go wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from vendorkit.adapters import bundle
from vendorkit.adapters.bundle import copy_all, copy_hashed
from vendorkit.errors import BadInput

CHUNK = 64


def refuses(*_: object) -> int:
    raise OSError(errno.EXDEV, "no copy between these")


@pytest.fixture(params=["the kernel copies", "the kernel refuses", "no such call"], autouse=True)
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small chunks, so that small files have several."""
    monkeypatch.setattr(bundle, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(bundle, "HASHED_BYTES", 24)
    if request.param == "the kernel refuses":
        monkeypatch.setattr(os, "copy_file_range", refuses)
    elif request.param == "no such call":
        monkeypatch.delattr(os, "copy_file_range")
    yield


@pytest.mark.parametrize("size", [0, 1, 24, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 5 * CHUNK + 25])
def test_size_and_digest_are_those_of_the_copy(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "source").write_bytes(data)
    found = copy_hashed(tmp_path / "source", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    assert found == (size, f"sha256:{hashlib.sha256(data).hexdigest()}")


def test_what_is_hashed_is_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the source while it is copied changes nothing of what is believed."""
    (tmp_path / "source").write_bytes(b"as it was")
    parts = [b"x" * CHUNK, b"y" * 7]
    monkeypatch.setattr(bundle, "_copy", lambda _, target, __: target.write(parts.pop(0)) if parts else 0)
    found = copy_hashed(tmp_path / "source", tmp_path / "copy")
    written = (tmp_path / "copy").read_bytes()
    assert found == (CHUNK + 7, f"sha256:{hashlib.sha256(written).hexdigest()}")


def test_one_byte_above_the_limit_is_read_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 1000)
    for limit, size in ((CHUNK, CHUNK + 1), (100, 101), (1000, 1000)):
        found, digest = copy_hashed(tmp_path / "source", tmp_path / f"copy-{limit}", limit)
        assert (found, digest) == (size, f"sha256:{hashlib.sha256(b'x' * size).hexdigest()}")
        assert (tmp_path / f"copy-{limit}").stat().st_size == size


def test_links_pipes_and_what_is_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    (tmp_path / "link").symlink_to("source")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing"):
        with pytest.raises(OSError, match=name):
            copy_hashed(tmp_path / name, tmp_path / "copy")
    with pytest.raises(FileExistsError):
        copy_hashed(tmp_path / "source", tmp_path / "link")
    assert (tmp_path / "source").read_bytes() == b"x"


def test_no_room_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 10_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            copy_hashed(tmp_path / "source", tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_folder_of_ours_may_have_odd_names_and_no_links(tmp_path: Path) -> None:
    for name in ("a.py", "A.py", "deep/er/é.txt"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(name)
    held = copy_all(tmp_path / "source", tmp_path / "copy")
    assert [(file.path, file.digest) for file in held] == [
        (name, f"sha256:{hashlib.sha256(name.encode()).hexdigest()}") for name in ("A.py", "a.py", "deep/er/é.txt")
    ]
    (tmp_path / "source/deep/out").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="deep/out: is a link"):
        copy_all(tmp_path / "source", tmp_path / "again")
