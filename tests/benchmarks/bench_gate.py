"""A whole `vendorkit gate` of the credit starter, beside importing its libraries alone; and what each gate takes of it.

`python tests/benchmarks/bench_gate.py`. The shares are of measurements one after the other: gates that look at the same
scores share one, and are named together. A command measures two at a time, so its shares add up to more than it takes.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.adapters.engagement import read_manifest
from vendorkit.records.manifest import Gate
from vendorkit.standards.policy import packaged_policy
from vendorkit.steps.gate import gate
from vendorkit.tracking.measurement import Found, Job, Measurements

from tests.benchmarks.bench_kick_off import BIN, CLONE, ENVIRONMENT, run
from tests.benchmarks.pairs import Pair, pair, table

IMPORTS = "import mlflow.tracking, pandas, pyarrow, duckdb, ibis, sklearn.linear_model, sklearn.ensemble"
REPEATS = 5
MEASURES = {"latency": "latency", "business": "business", "data": "data", "memory": "memory", "prepare": "determinism"}
"""A measure, and the kind of the gates that it alone serves; scores serve the rest."""


class OneByOne(Measurements):
    """Measures one after the other, and keeps the seconds of each."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[Job, float]] = []

    def measure(
        self, jobs: Mapping[str, Job], *, at_once: int = 1, told: Callable[[], None] = lambda: None
    ) -> dict[str, Found | str]:
        """As `Measurements`, each alone."""
        found: dict[str, Found | str] = {}
        for name, job in jobs.items():
            start = time.perf_counter()
            found |= super().measure({name: job}, at_once=1, told=told)
            self.taken.append((job, time.perf_counter() - start))
        return found


def measure() -> list[dict[str, Any]]:
    """The whole command, in seconds and in processor time, against the imports alone; then each measurement."""
    with tempfile.TemporaryDirectory() as name:
        repo = Path(name) / "engagement"
        run("git", "clone", "--quiet", CLONE, Path(name) / "template")
        run(BIN / "vendorkit", "new", repo, "--template", Path(name) / "template", "--defaults", "--quiet")
        for command in ("snapshot", "train"):
            run(BIN / "vendorkit", command, "--quiet", cwd=repo)
        rows = _whole(repo)
        return [*rows, *_shares(repo, rows[0]["ours"])]


def _whole(repo: Path) -> list[dict[str, Any]]:
    def ours() -> None:
        run(BIN / "vendorkit", "gate", "--quiet", cwd=repo)

    def bare() -> None:
        run(sys.executable, "-c", IMPORTS)

    clock = pair(ours, bare, REPEATS)
    used = Pair(*(tuple(_processor_seconds(each) for _ in range(REPEATS)) for each in (ours, bare)))
    peer = "importing mlflow's client, pandas, DuckDB, Ibis and scikit-learn"
    return [
        clock.row("vendorkit gate of the credit starter, time", peer),
        used.row("vendorkit gate of the credit starter, processor time", peer),
    ]


def _processor_seconds(command: Any) -> float:
    """Processor time of a command and all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _shares(repo: Path, whole: float) -> list[dict[str, Any]]:
    """Seconds of each measurement against those of the whole command, with the gates that it serves."""
    here = os.environ.copy()
    os.environ.update(ENVIRONMENT)
    try:
        with OneByOne() as process:
            gate(repo, measurements=process)  # the first has to wait for imports
            process.taken.clear()
            start = time.perf_counter()
            report = gate(repo, measurements=process).report
            warm = time.perf_counter() - start
    finally:
        os.environ.clear()
        os.environ.update(here)
    assert report.passed, [result.says for result in report.results if result.verdict != "pass"]
    gates = packaged_policy().gates_for(read_manifest(repo), report.model)
    rows = [_share(_served(job, gates), seconds, whole) for job, seconds in process.taken]
    rest = warm - sum(seconds for _, seconds in process.taken)
    rows.append(_share("asking, and writing the report in all its forms", rest, whole))
    return [*rows, _share("starting: imports, the registry, the measuring process", whole - warm, whole)]


def _served(job: Job, gates: tuple[Gate, ...]) -> str:
    kind = MEASURES.get(job.measure)
    metric = job.given.get("metric")
    alone = set(MEASURES.values()) | {"change"}
    served = [
        each.id
        for each in gates
        if (each.kind == kind and metric in (None, each.metric)) or (kind is None and each.kind not in alone)
    ]
    return f"gate {', '.join(served)}"


def _share(name: str, seconds: float, whole: float) -> dict[str, Any]:
    row = Pair((seconds,), (whole,)).row(name, "the whole command")
    return {**row, "note": f"{100 * seconds / whole:.0f} % of it"}


if __name__ == "__main__":
    print(table(measure()))
