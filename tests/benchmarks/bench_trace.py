"""Trace of a prediction in logs of 1 M, 10 M and 100 M rows, and of a release, each warm and as a whole command.

`python tests/benchmarks/bench_trace.py [--millions 100] [--pairs 15]`. Goals: each under 100 ms warm, and from 1 M to
100 M rows at most 2 times as long. The logs are generated as the service writes them, 10 M rows a day in files of
100,000, and need 4 GB for 100 M rows.

Warm is a process that traced before, as the service is when it answers `GET /v1/predictions/ID`: MLflow is imported
and connected, signatures that were checked once are known, and files lie in the page cache. Registry, log of decisions,
manifest and every file of the release are read and verified each time. A whole command begins with nothing: its time is
told beside, and nearly all of it is Python and MLflow starting.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.registry import Registry
from vendorkit.steps.deploy import deploy
from vendorkit.steps.trace import trace

from tests.benchmarks.pairs import Pair, pair, table
from tests.support.predictions import ROWS_PER_FILE, link_log, make_log
from tests.support.registry import files_of
from tests.support.world import World, make_world

ROUND = 3
"""Traces of one measurement; each of another prediction."""


def measure(millions: int = 100, pairs: int = 15) -> list[dict[str, Any]]:
    """Make an engagement and the logs, then trace in turn.

    Args:
        millions: Rows of the largest log, in millions: 1, or a multiple of 10.
        pairs: Number of pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "world")
        world.train_and_gate()
        world.live()
        done = deploy(world.repo, "credit", "champion", None)
        done.folder.cleanup()
        whole = Path(folder) / "largest/credit"
        ids = make_log(whole, millions * 1_000_000, done.deployment)
        sizes = sorted({1, min(10, millions), millions})
        logs = {size: Path(folder) / f"{size}" for size in sizes}
        for size, log in logs.items():
            link_log(whole, log / "credit", size * 1_000_000 // ROWS_PER_FILE)
        registry = Registry.open(world.repo)

        def find(size: int) -> Callable[[], object]:
            some = itertools.cycle(ids[: size * 1_000_000 // ROWS_PER_FILE])
            return lambda: [trace(world.repo, next(some), logs=logs[size], registry=registry) for _ in range(ROUND)]

        rows = [_each(pair(find(size), find(1), pairs)).row(
            f"trace of a prediction among {size} M rows", "among 1 M rows", _command(world, ids[0], logs[size])
        ) for size in sizes[1:] or sizes]  # fmt: skip
        release = pair(lambda: trace(world.repo, "credit/1", registry=registry), lambda: read(files_of(world)), pairs)
        rows.append(release.row("trace of a release", "reading its files", _command(world, "credit/1", None)))
    return rows


def read(folder: Path) -> int:
    """The floor of a trace of a release: read every byte."""
    return sum(len(path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def _each(timed: Pair) -> Pair:
    """The time of one trace instead of a round."""
    return Pair(tuple(taken / ROUND for taken in timed.ours), tuple(taken / ROUND for taken in timed.peer))


def _command(world: World, subject: str, logs: Path | None) -> str:
    """What the whole command takes, with the start of Python and of MLflow."""
    more = ["--predictions", str(logs)] if logs else []
    command = [sys.executable, "-m", "vendorkit", "trace", subject, "--repo", str(world.repo), *more]
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **world.environment("ml-sre")})
        taken.append(time.perf_counter() - start)
    return f"the whole command: {statistics.median(taken):.1f} s (median of 3)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=15)
    given = parser.parse_args()
    print(table(measure(given.millions, given.pairs)))


if __name__ == "__main__":
    main()
