"""What an environment is called, and the real uv that locks it."""

from __future__ import annotations

import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from vendorkit.adapters.environment import environment, lock, uv_command
from vendorkit.errors import Unavailable
from vendorkit.records.canonical import digest_bytes

PROJECT = """
[project]
name = "p"
version = "0"
requires-python = ">=3.11"
dependencies = [{dependencies}]
"""


def project(folder: Path, dependencies: str = "") -> Path:
    (folder / "pyproject.toml").write_text(PROJECT.format(dependencies=dependencies))
    return folder


def test_the_environment_follows_the_lock(tmp_path: Path) -> None:
    without = environment(tmp_path)
    assert without.lock is None
    (tmp_path / "uv.lock").write_bytes(b"version = 1\n")
    locked = environment(tmp_path)
    assert locked.lock == digest_bytes(b"version = 1\n")
    assert locked.id != without.id
    assert locked == environment(tmp_path)
    assert platform.python_version() in locked.python
    assert "CPython" in locked.python


def test_lock_writes_the_lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FROZEN", "1")
    assert lock(project(tmp_path)).read_text().startswith("version = ")


def test_a_lock_that_cannot_be_made_ends_with_uvs_own_words(tmp_path: Path) -> None:
    absent = f'"absent @ file://{tmp_path}/absent"'
    with pytest.raises(Unavailable, match="absent"):
        lock(project(tmp_path, absent))
    assert not (tmp_path / "uv.lock").exists()


def test_uv_is_taken_from_the_path_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert uv_command() == (str(program),)


def test_uv_beside_the_interpreter_is_found_else_its_absence_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    installed = uv_command() if _has_uv() else None
    assert installed in (None, (sys.executable, "-P", "-m", "uv"))
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(Unavailable, match="uv is not installed"):
        uv_command()


def test_a_module_of_the_project_called_uv_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project(tmp_path) / "uv.py").write_text("open('ran', 'w')\n")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with suppress(Unavailable):  # where uv is not installed beside the interpreter either
        lock(tmp_path)
    assert not (tmp_path / "ran").exists()


def _has_uv() -> bool:
    import importlib.util

    return importlib.util.find_spec("uv") is not None
