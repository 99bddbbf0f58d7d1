"""The locked environment: what it is called in lineage, and how it is locked (with uv).

Which packages it holds is decided by the engagement's own pyproject files.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.records import lockfile
from vendorkit.records.canonical import digest_file, digest_json
from vendorkit.records.run import Environment

LOCKFILE = lockfile.LOCKFILE

FOREIGN = ("COLUMNS", "UV_FROZEN", "UV_LOCKED", "UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "VIRTUAL_ENV")
"""Variables that point uv to another project, keep it from writing the lock, or break what it says into lines."""


def environment(repo: Path) -> Environment:
    """The environment that this process runs in, as lineage records it.

    The kernel's version takes no part: the same image on another host is the same environment.

    Args:
        repo: Top folder of the engagement, where `uv.lock` lies.
    """
    lockfile = repo / LOCKFILE
    locked = digest_file(lockfile) if lockfile.is_file() else None
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = sysconfig.get_platform()
    name = digest_json({"lock": locked, "python": python, "platform": system})
    return Environment(id=name, lock=locked, python=python, platform=system)


def lock(path: Path, *, newer: Sequence[str] | None = ()) -> Path:
    """Lock the project in `path` with hashes of every package; gives the lock file.

    Never fetches an interpreter: the running one is taken. A first lock is worked out a second time: with one before
    it, uv writes its markers in another order, which would otherwise show as changes the next time somebody locks.

    Args:
        path: Its folder.
        newer: Packages whose newest fitting version is taken although the locked one still fits; None means all.

    Raises:
        Unavailable: uv is missing, or could not lock; the message ends with uv's own last lines.
    """
    upgrade = ["--upgrade"] if newer is None else [f"--upgrade-package={name}" for name in newer]
    first = not (path / LOCKFILE).exists()
    command = ("lock", "--no-progress", "--python", sys.executable)
    _uv(path, *command, *upgrade)
    if first:
        again = (*command, "--upgrade-package=vendorkit")
        try:
            _uv(path, *again, "--offline")  # what it needs came a moment ago; asking the index again takes seconds
        except Unavailable:  # where uv keeps no cache
            _uv(path, *again)
    return path / LOCKFILE


def lock_again(files: Mapping[str, bytes]) -> bytes:
    """The lock file of declarations that are no checkout; versions that still fit are kept. Nothing is built.

    Args:
        files: `pyproject.toml` files and the lock file before, by path below the folder of the lock.

    Raises:
        Unavailable: uv is missing, or could not lock; the message ends with uv's own last lines.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        for path, data in files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        _uv(Path(folder), "lock", "--no-progress", "--no-build", "--python", sys.executable)
        return Path(folder, LOCKFILE).read_bytes()


def sync(repo: Path, python: str) -> Path:
    """Build the locked environment of a project in its `.venv`; gives its interpreter.

    Args:
        repo: Top folder of the engagement, where `uv.lock` lies.
        python: Wanted version, for instance `3.11.7`; the running interpreter is taken where it has its first two
            numbers, and none is ever fetched.

    Raises:
        Refused: The lock is behind pyproject.toml.
        Unavailable: uv is missing or failed; the message ends with uv's own last lines.
    """
    wanted = python.split(".")[:2]
    running = [str(number) for number in sys.version_info[:2]]
    interpreter = sys.executable if wanted == running else ".".join(wanted)
    place = repo / ".venv"
    arguments = ("--locked", "--no-dev", "--no-progress", "--python", interpreter)
    try:
        _uv(repo, "sync", *arguments, UV_PROJECT_ENVIRONMENT=str(place))
    except Unavailable as error:
        if "needs to be updated" not in str(error):
            raise
        fault = Fault(LOCKFILE, "is behind pyproject.toml.", "Run `uv lock` and commit.")
        raise Refused("The environment is not locked.", [fault]) from error
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def sync_all(repo: Path) -> Path:
    """Bring the project's own environment to its lock, development tools included; gives the environment's folder.

    Raises:
        Unavailable: uv is missing or failed; the message ends with uv's own last lines.
    """
    _uv(repo, "sync", "--locked", "--all-packages", "--no-progress")
    return repo / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")


def requirements(repo: Path) -> str:
    """The locked packages as pinned requirements, one a line, without development tools.

    Raises:
        BadInput: There is no lock.
        Unavailable: uv is missing, or cannot read the lock.
    """
    if not (repo / LOCKFILE).is_file():
        fault = Fault(LOCKFILE, "is missing.", "Bring it back with git, or run `vendorkit lock`.")
        raise BadInput("The packages are not known.", [fault])
    wanted = ("--frozen", "--no-dev", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-workspace")
    return _uv(repo, "export", "--quiet", "--all-packages", *wanted)


def _uv(path: Path, verb: str, *arguments: str, **more: str) -> str:
    """Standard output of a uv command that must succeed."""
    variables = {key: value for key, value in os.environ.items() if key not in FOREIGN}
    variables |= {"UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1", **more}
    done = subprocess.run(
        [*uv_command(), verb, *arguments, "--project", str(path)],
        cwd=path,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise Unavailable(f"`uv {verb}` failed in {path}:\n{tail}", fix="Mend that, or try again.")
    return done.stdout


def uv_command() -> tuple[str, ...]:
    """How to call uv: from the path, else the one installed beside this interpreter.

    Raises:
        Unavailable: There is none.
    """
    on_path = shutil.which("uv")
    if on_path:
        return (on_path,)
    if importlib.util.find_spec("uv") is not None:
        return (sys.executable, "-P", "-m", "uv")  # -P: a `uv.py` of the project that it works in is not it
    raise Unavailable("uv is not installed.", fix="Run `pip install uv` and try again.")
