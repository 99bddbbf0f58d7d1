"""Command lines killed with SIGKILL at moments: one interpreter imports everything once and forks for each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests.support.world import World


def kill_each(worlds: Sequence[World], who: str, arguments: Sequence[str], parts: Sequence[float]) -> dict[str, Any]:
    """Run a command in each engagement and kill it after a part of the time that it takes.

    Args:
        worlds: The engagements; the first one's command runs to its end, and gives the time.
        who: Person who runs it.
        arguments: The command line.
        parts: For each of the others, when it dies: from 0 (at once) to 1 (at its end).

    Returns:
        `seconds` that the first one took, and `codes` of the others: -9, or 0 where the end came first.
    """
    plan = {
        "lines": [[*arguments, "--repo", str(world.repo), "--json"] for world in worlds],
        "environment": worlds[0].environment(who),
        "parts": list(parts),
    }
    command = [sys.executable, "-c", _KILLS]
    done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


_KILLS = """
import json, os, sys, time

import sqlalchemy.orm
import vendorkit.steps.import_, vendorkit.steps.move, vendorkit.steps.publish
from mlflow.store.model_registry import sqlalchemy_store as versions
from mlflow.store.tracking import sqlalchemy_store as runs
from vendorkit.cli.main import main

sqlalchemy.orm.configure_mappers()
plan = json.load(sys.stdin)
os.environ.update(plan["environment"])


def start(line, shown=False):
    forked = os.fork()
    if not forked:
        os.dup2(2 if shown else os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(line))
    return forked


def end(forked):
    return os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])


began = time.monotonic()
assert end(start(plan["lines"][0], shown=True)) == 0
seconds = time.monotonic() - began
codes = []
for line, part in zip(plan["lines"][1:], plan["parts"], strict=True):
    forked = start(line)
    time.sleep(part * seconds)
    os.kill(forked, 9)
    codes.append(end(forked))
print(json.dumps({"seconds": seconds, "codes": codes}))
"""
