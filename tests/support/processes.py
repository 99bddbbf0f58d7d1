"""Command lines in processes of their own, at the same moment, or killed with SIGKILL at a chosen call or moment."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.world import World

LONGEST_SECONDS = 540


@dataclass(frozen=True)
class Point:
    """Where a process dies: before or after the n-th call of a function of a module (or of a class in it)."""

    module: str
    name: str
    number: int = 1
    when: str = "before"

    def __str__(self) -> str:
        return f"{self.when} {self.name} {self.number}"


@dataclass(frozen=True)
class Job:
    """One command line in an engagement, as a person."""

    world: World
    who: str
    arguments: tuple[str, ...]
    dies: Point | None = None

    def plan(self, out: str = os.devnull, err: str = os.devnull) -> dict[str, Any]:
        """As the process that forks is told it; what it writes goes to two files."""
        return {
            "arguments": [*self.arguments, "--repo", str(self.world.repo), "--json"],
            "environment": {**os.environ, **self.world.environment(self.who)},
            "folder": str(Path.cwd()),
            "dies": asdict(self.dies) if self.dies else None,
            "out": out,
            "err": err,
        }


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (-9 for SIGKILL) and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        result = json.loads(self.out)["result"]
        assert isinstance(result, dict)
        return result


def run_together(jobs: Sequence[Job], folder: Path, at_once: int = 1000) -> list[Ended]:
    """Run jobs at the same moment; what they write is kept in a new folder.

    Args:
        jobs: The command lines.
        folder: Is made.
        at_once: How many run at any moment; the next begins when one ends.
    """
    folder.mkdir()
    plans = [job.plan(str(folder / f"{number}.out"), str(folder / f"{number}.err")) for number, job in enumerate(jobs)]
    codes = _ask({"do": "together", "plans": plans, "at_once": at_once})
    return [
        Ended(code, Path(plan["out"]).read_text(), Path(plan["err"]).read_text())
        for code, plan in zip(codes, plans, strict=True)
    ]


def kill_each(worlds: Sequence[World], who: str, arguments: tuple[str, ...], parts: Sequence[float]) -> dict[str, Any]:
    """Run a command in each engagement and kill it after a part of the time that it takes.

    Args:
        worlds: The engagements; the first one's command runs to its end, and gives the time.
        who: Person who runs it.
        arguments: The command line.
        parts: For each of the others, when it dies: from 0 (at once) to 1 (at its end).

    Returns:
        `seconds` that it takes, and `codes` of the others: -9, or 0 where the end came first.
    """
    with tempfile.NamedTemporaryFile() as err:
        first, *others = worlds
        plans = [Job(first, who, arguments).plan(err=err.name), *(Job(each, who, arguments).plan() for each in others)]
        answer = _ask({"do": "kills", "plans": plans, "parts": list(parts)})
    assert isinstance(answer, dict)
    return answer


_started: list[subprocess.Popen[str]] = []


def _ask(order: Mapping[str, Any]) -> Any:
    """Have an order done by the one process that forks; it is started when it is first needed."""
    if not _started:
        command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        # Without the registry of the test that is first: its forks would all talk over the connections of a warm-up.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        _started.append(subprocess.Popen(command, text=True, env=plain, start_new_session=True, **pipes))
    process = _started[0]
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], LONGEST_SECONDS)
    answer = process.stdout.readline() if ready else ""
    if not answer:
        _end()
        raise AssertionError("the process that forks gave no answer")
    return json.loads(answer)


@atexit.register
def _end() -> None:
    while _started:
        with suppress(ProcessLookupError):
            os.killpg(_started[-1].pid, signal.SIGKILL)
        _started.pop().wait()
