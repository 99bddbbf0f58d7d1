"""Command lines in processes of their own, at the same moment, or killed with SIGKILL at a chosen call.

One fresh interpreter imports everything once and forks a process for each command, so that twenty of them do not
pay for twenty imports of mlflow. No connection is open when it forks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.world import World


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
    plans = [
        {
            "arguments": [*job.arguments, "--repo", str(job.world.repo), "--json"],
            "environment": job.world.environment(job.who),
            "dies": asdict(job.dies) if job.dies else None,
            "out": str(folder / f"{number}.out"),
            "err": str(folder / f"{number}.err"),
        }
        for number, job in enumerate(jobs)
    ]
    command = [sys.executable, "-c", _FORKS, str(at_once)]
    done = subprocess.run(command, input=json.dumps(plans), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout)
    read = [
        ((folder / f"{number}.out").read_text(), (folder / f"{number}.err").read_text()) for number in range(len(jobs))
    ]
    return [Ended(code, *texts) for code, texts in zip(codes, read, strict=True)]


_FORKS = """
import gc, importlib, json, os, sys

import vendorkit.steps.decide, vendorkit.steps.move, vendorkit.steps.publish, vendorkit.steps.releases
from mlflow.store.artifact import local_artifact_repo
from vendorkit.cli.main import main


def dies(module, name, number, when):
    owner = importlib.import_module(module)
    *parents, name = name.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real, calls = getattr(owner, name), [0]

    def call(*given, **named):
        calls[0] += 1
        if calls[0] == number and when == "before":
            os.kill(os.getpid(), 9)
        answer = real(*given, **named)
        if calls[0] == number:
            os.kill(os.getpid(), 9)
        return answer

    setattr(owner, name, call)


def child(plan, gate):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(plan[name], os.O_WRONLY | os.O_CREAT), number)
    os.environ.update(plan["environment"])
    if plan["dies"]:
        dies(**plan["dies"])
    os.read(gate, 1)  # until it is opened for all
    code = main(plan["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


plans = json.load(sys.stdin)
gc.freeze()  # what was imported stays shared between the processes
codes, running = {}, {}
gate, opener = os.pipe()


def open_gate():
    global opener
    if opener is not None:
        os.close(opener)
        opener = None


def end_one():
    open_gate()
    ended, status = os.wait()
    codes[running.pop(ended)] = os.waitstatus_to_exitcode(status)


for number, plan in enumerate(plans):
    while len(running) >= int(sys.argv[1]):
        end_one()
    forked = os.fork()
    if not forked:
        open_gate()  # of this process only
        child(plan, gate)
    running[forked] = number
while running:
    end_one()
print(json.dumps([codes[number] for number in range(len(plans))]))
"""
