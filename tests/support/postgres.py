"""A real PostgreSQL server for a test: an own cluster in a new folder, on a free port of this machine.

It is started with Debian's programs, else with those of the wheel `pgserver`. PostgreSQL refuses to run as root;
there it runs as the user `postgres`, or `nobody`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ports import free_port

INSTALL = "VENDORKIT_NO_SKIP=1 nox -s tests"
NAME = "registry"


@dataclass(frozen=True)
class Postgres:
    """A running cluster with one empty database.

    Args:
        uri: Its address for SQLAlchemy (and so for MLflow) with the driver psycopg2.
        folder: Where it lies; ends with the test.
        port: Port on 127.0.0.1.
        limited: Whether it has a disk of its own, of limited size.
    """

    uri: str
    folder: Path
    port: int
    limited: bool = False

    @contextmanager
    def full(self) -> Iterator[Callable[[], None]]:
        """Within, there is no room left on its disk, nor in the pages of its tables; only where it is `limited`.

        Gives a function that takes again what the server freed meanwhile: its log is recycled when it likes.
        """
        import psycopg2

        with closing(psycopg2.connect(host="127.0.0.1", port=self.port, user="vendorkit", dbname=NAME)) as session:
            session.autocommit = True
            session.cursor().execute("VACUUM FULL")
            session.cursor().execute("CHECKPOINT")
        filler = self.folder / "filler"

        def fill() -> None:
            with suppress(OSError), filler.open("ab", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)

        try:
            fill()
            yield fill
        finally:
            filler.unlink()

    def restart(self) -> None:
        """Kill it as a crash would, then start it again: it recovers, or it was no database."""
        self._control("stop", "-m", "immediate")
        self.start()

    def start(self) -> None:
        """Start it; a server that died a moment ago may still be in the way of its successor."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 -k {self.folder}"
        for attempt in range(1, 6):
            done = self._control("start", "-w", "-l", str(self.folder / "log"), "-o", options, check=False)
            if done.returncode == 0:
                return
            time.sleep(attempt / 2)
        raise AssertionError(done.stdout + done.stderr + (self.folder / "log").read_text())

    def stop(self) -> None:
        """End it and do not wait for those who are connected."""
        self._control("stop", "-m", "immediate", check=False)

    def _control(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return _run("pg_ctl", "-D", str(self.folder / "data"), *arguments, check=check)


@contextmanager
def postgres(room_mb: int = 0) -> Iterator[Postgres]:
    """A cluster with an empty database; skips where PostgreSQL is not installed.

    Args:
        room_mb: Size of the disk in memory that it is to have, where this process may mount one; 0 for none.
    """
    if _programs() is None:
        pytest.skip(f"PostgreSQL is not installed: {INSTALL}")
    pytest.importorskip("psycopg2", reason=f"psycopg2 is not installed: {INSTALL}")
    # Short, for the path of a socket has at most 107 characters; readable for the user that it runs as.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    limited = bool(room_mb) and _mounted(folder, room_mb)
    try:
        if os.geteuid() == 0:
            os.chown(folder, _user().pw_uid, _user().pw_gid)
        _run("initdb", "-D", str(folder / "data"), "-U", "vendorkit", "-A", "trust", "-E", "UTF8", "--no-sync")
        port = free_port()
        server = Postgres(f"postgresql+psycopg2://vendorkit@127.0.0.1:{port}/{NAME}", folder, port, limited)
        server.start()
        try:
            _run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "vendorkit", NAME)
            yield server
        finally:
            server.stop()
    finally:
        if limited:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def _mounted(folder: Path, room_mb: int) -> bool:
    """Mount a disk in memory, where that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={room_mb}m,mode=700", "tmpfs", str(folder)]
    return (
        shutil.which("mount") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def _programs() -> Path | None:
    """The folder of `initdb`, `pg_ctl` and `createdb`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    wheel = importlib.util.find_spec("pgserver")
    return Path(wheel.origin).parent / "pginstall/bin" if wheel and wheel.origin else None


def _user() -> pwd.struct_passwd:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def _run(program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of PostgreSQL as somebody who is not root; what it says goes to a file, for servers keep pipes."""
    place = _programs()
    assert place
    command = [str(place / program), *arguments]
    user = {"user": _user().pw_uid, "group": _user().pw_gid} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, cwd="/", check=False, **user)
        told.seek(0)
        says = told.read()
    assert done.returncode == 0 or not check, f"{program} ended with {done.returncode}: {says}"
    return subprocess.CompletedProcess(command, done.returncode, says, "")
