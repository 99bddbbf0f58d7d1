"""The process that `processes` starts: it imports everything once, then forks a process for each command line.

So twenty command lines do not pay for twenty imports of mlflow. It reads one JSON order a line from standard input and
answers each with a line on standard output; it ends when its input does. No connection is open when it forks.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy.orm

before = dict(os.environ)

import vendorkit.steps.import_  # noqa: E402
import vendorkit.steps.move  # noqa: E402
import vendorkit.steps.publish  # noqa: E402
import vendorkit.steps.releases  # noqa: E402
import vendorkit.steps.retire  # noqa: E402, F401
from mlflow.store.artifact import local_artifact_repo  # noqa: E402, F401
from mlflow.store.model_registry import sqlalchemy_store as versions  # noqa: E402, F401
from mlflow.store.tracking import sqlalchemy_store as runs  # noqa: E402, F401
from vendorkit.adapters.registry import Registry  # noqa: E402
from vendorkit.cli.main import main  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.registry import remember_schema  # noqa: E402

DEFAULTS = {name: value for name, value in os.environ.items() if name not in before}
"""What importing the registry adds to the environment."""


def together(order: Mapping[str, Any]) -> list[int]:
    """Start command lines at the same moment, at most `at_once` at any; gives their exit codes."""
    codes: dict[int, int] = {}
    running: dict[int, int] = {}
    gate, opener = os.pipe()
    closed = [opener]

    def end_one() -> None:
        while closed:
            os.close(closed.pop())  # the gate opens
        ended, status = os.wait()
        codes[running.pop(ended)] = os.waitstatus_to_exitcode(status)

    for number, plan in enumerate(order["plans"]):
        while len(running) >= order["at_once"]:
            end_one()
        forked = os.fork()
        if not forked:
            for descriptor in closed:
                os.close(descriptor)
            _be(plan, lambda: os.read(gate, 1))
        running[forked] = number
    while running:
        end_one()
    os.close(gate)
    return [codes[number] for number in range(len(order["plans"]))]


def kills(order: Mapping[str, Any]) -> dict[str, Any]:
    """Run the first command line to its end, and kill each of the others after a part of the time that it took.

    One that ends before tells that the time is shorter; the machine was busy at first.
    """
    first, *others = order["plans"]
    began = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(_fork(first), 0)[1]) == 0, Path(first["err"]).read_text()
    seconds = time.monotonic() - began
    codes = []
    for plan, part in zip(others, order["parts"], strict=True):
        began, forked = time.monotonic(), _fork(plan)
        handle = os.pidfd_open(forked)
        if select.select([handle], [], [], part * seconds)[0]:
            seconds = min(seconds, time.monotonic() - began)
        else:
            os.kill(forked, 9)
        os.close(handle)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
    return {"seconds": seconds, "codes": codes}


def _fork(plan: Mapping[str, Any]) -> int:
    forked = os.fork()
    if not forked:
        _be(plan)
    return forked


def _be(plan: Mapping[str, Any], wait: Callable[[], object] = lambda: None) -> None:
    """Be the process of a command line; does not come back."""
    code = 70
    try:
        places = ((0, os.devnull, os.O_RDONLY), *((at, plan[name], os.O_WRONLY | os.O_CREAT) for at, name in OUTPUTS))
        for number, path, flags in places:
            os.dup2(os.open(path, flags), number)
        os.environ.clear()
        os.environ.update(DEFAULTS | plan["environment"])
        os.chdir(plan["folder"])
        if plan["dies"]:
            _dies(**plan["dies"])
        wait()
        code = main(plan["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


OUTPUTS: Sequence[tuple[int, str]] = ((1, "out"), (2, "err"))


def _dies(module: str, name: str, number: int, when: str) -> None:
    """Have this process killed before or after the n-th call of a function."""
    owner = importlib.import_module(module)
    *parents, name = name.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real, calls = getattr(owner, name), [0]

    def call(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == number and when == "before":
            os.kill(os.getpid(), 9)
        answer = real(*given, **named)
        if calls[0] == number:
            os.kill(os.getpid(), 9)
        return answer

    setattr(owner, name, call)


def warm_up() -> None:
    """Have MLflow and SQLAlchemy do once, in a registry of its own, what they do at their first use."""
    sqlalchemy.orm.configure_mappers()
    remember_schema()
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry.open(Path(folder))
        registry.versions("none")
        registry.aliases("none")


if __name__ == "__main__":
    warm_up()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    gc.set_threshold(100_000, 20, 50)  # as the command line itself
    gc.freeze()  # what was imported stays shared between the processes
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps({"together": together, "kills": kills}[asked["do"]](asked)) + "\n")
        answers.flush()
