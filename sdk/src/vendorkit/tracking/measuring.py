"""The process that measures: `python -m vendorkit.tracking.measuring`.

It loads the libraries once, then forks a child for each order that it reads from standard input, and writes a line
to standard output when the child ended. It runs no vendor code itself. When its input ends it ends its children.
`python -m vendorkit.tracking.measuring FOLDER` does the one measurement of a folder.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

gc.disable()  # importing makes no garbage: looking for it costs a sixth of the time
from vendorkit.tracking.measures import answer_job  # noqa: E402

gc.freeze()  # nor does a child look through what was imported
gc.enable()

POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Running:
    """A measurement under way: where its answer goes, and until when it may run."""

    folder: str
    limit_seconds: float
    until: float

    def overdue(self) -> bool:
        return time.monotonic() > self.until


def main(orders: int, reports: int, *, spawn: bool) -> None:
    """Do what is ordered until the orders end.

    Args:
        orders: File descriptor with one JSON object a line: `folder`, `limit_seconds`.
        reports: File descriptor for one JSON object a line: `folder`, `how` it ended.
        spawn: Whether each measurement gets a new interpreter in place of a fork.
    """
    running: dict[int, Running] = {}
    try:
        _obey(orders, reports, running, spawn=spawn)
    finally:  # also where nobody reads the reports any more
        for process in running:
            _end(process)


def _obey(orders: int, reports: int, running: dict[int, Running], *, spawn: bool) -> None:
    """Start what is ordered and report what ended, until the orders end; `running` has what is under way."""
    text = b""
    while True:
        ready, _, _ = select.select([orders], [], [], POLL_SECONDS if running else None)
        if ready:
            chunk = os.read(orders, 65_536)
            if not chunk:
                return
            *lines, text = (text + chunk).split(b"\n")
            for order in map(json.loads, lines):
                process = _spawn(order["folder"]) if spawn else _fork(order["folder"], (orders, reports))
                limit = float(order["limit_seconds"])
                running[process] = Running(order["folder"], limit, time.monotonic() + limit)
        for process, measurement in list(running.items()):
            how = _ended(process, measurement)
            if how:
                del running[process]
                os.write(reports, json.dumps({"folder": measurement.folder, "how": how}).encode() + b"\n")


def _fork(folder: str, ours: tuple[int, ...]) -> int:
    with warnings.catch_warnings():  # threads of numerical libraries: they see to a fork themselves
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setsid()  # so that it can be ended with all processes that it starts
        for descriptor in ours:
            os.close(descriptor)
        log = os.open(Path(folder) / "log.txt", os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        answer_job(Path(folder))
        code = 0
    except BaseException:  # noqa: BLE001  (the child must end here; its last words are in the log)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _spawn(folder: str) -> int:
    with (Path(folder) / "log.txt").open("wb") as log:
        command = [sys.executable, "-m", "vendorkit.tracking.measuring", folder]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True).pid


def _ended(process: int, measurement: Running) -> str:
    """How a measurement ended; empty while it runs."""
    ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        if not measurement.overdue():
            return ""
        _end(process)
        return f"stopped after {measurement.limit_seconds:g} s, the time limit"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}{', perhaps for want of memory' if name == 'SIGKILL' else ''}"


def _end(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # not yet in a session of its own
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["--spawn"]):
        own = os.dup(0), os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)  # what libraries print is no report
        main(*own, spawn="--spawn" in sys.argv)
    else:
        answer_job(Path(sys.argv[1]))
