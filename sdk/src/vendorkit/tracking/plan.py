"""Which measurements the gates of a model need: from declared gates to jobs. Runs nothing itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vendorkit.errors import BadInput
from vendorkit.records.canonical import digest_json
from vendorkit.records.manifest import Gate
from vendorkit.records.progress import Progress, silent
from vendorkit.records.slices import parse_slice
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import AT_ONCE, Found, Job, Measurements, Subject

if TYPE_CHECKING:
    from vendorkit.tracking.tallying import Opened, Tallying

MEASURED_KINDS = ("latency", "memory", "business", "data")
"""Kinds of gate that have a measurement of their own, of the same name."""
MANY = 100
"""Rows of the larger call whose time is asked for."""
MOST_ROWS = 1_000_000
"""Rows of a benchmark that are scored and judged in memory; of more only counts leave a table engine."""
ALONE = ("latency",)
"""Measures that are timed: nothing else is measured meanwhile."""


@dataclass(frozen=True)
class FrozenBenchmark:
    """A benchmark as it was frozen.

    Args:
        kind: `frozen`, `historical`, `known-bad` or `stress`.
        dataset: The dataset that it stands in for.
        snapshot: Its rows.
        content_digest: Digest of the rows, and of the stress where there is one.
        stress: File of a stress, absolute and as messages call it; None for rows as they are.
    """

    kind: str
    dataset: str
    snapshot: Snapshot
    content_digest: str
    stress: tuple[Path, str] | None = None

    @property
    def given(self) -> dict[str, str]:
        """As measures take it: the dataset, and the snapshot in its place."""
        return {self.dataset: self.snapshot.to_bytes().decode()}


Benchmarks = Mapping[str, FrozenBenchmark]
Contracts = Mapping[str, Mapping[str, str]]
"""Dataset id to `path` and `text` of its data contract."""


class InMemory:
    """What is left to a table engine where every benchmark fits into memory: nothing. The same shape as `Tallying`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def jobs(self, scoring: Mapping[str, Job]) -> dict[str, Job]:
        """The jobs as they are."""
        return dict(scoring)

    def opened(
        self, jobs: Mapping[str, Job], measured: Mapping[str, Found | str], task: str
    ) -> dict[str, Opened | str]:
        """Nothing was scored in batches."""
        return {}


def tallying(benchmarks: Benchmarks, scratch: Path) -> Tallying | InMemory:
    """What is scored in batches and counted in a table engine.

    Benchmarks that are too large for memory, or all where VENDORKIT_ENGINE names an engine; no stress.
    """
    url = os.environ.get("VENDORKIT_ENGINE", "")
    chosen = {
        name: benchmark
        for name, benchmark in benchmarks.items()
        if benchmark.stress is None and (url or benchmark.snapshot.rows > MOST_ROWS)
    }
    if not chosen:
        return InMemory()
    from vendorkit.tracking.tallying import Tallying  # noqa: PLC0415  (engine and model formats take two seconds)

    return Tallying(chosen, url or "duckdb://", scratch)


def scoring(whose: str, subject: Subject, benchmarks: Benchmarks, specs: Iterable[Gate]) -> dict[str, Job]:
    """A job for each benchmark that gates need scored, with the columns that they name: `candidate/holdout`."""
    wanted: dict[str, list[str]] = {}
    for spec in specs:
        columns = wanted.setdefault(spec.benchmark or "", [])
        for text in filter(None, (spec.slice, spec.series, spec.weight)):
            with suppress(BadInput):  # the gate itself says what is wrong with it
                columns.extend(parse_slice(text).columns)
    return {
        f"{whose}/{name}": Job(
            subject, "score", {"benchmark": benchmarks[name].given, "columns": list(dict.fromkeys(columns))}
        )
        for name, columns in wanted.items()
    }


def measuring(specs: Iterable[Gate], subject: Subject, benchmarks: Benchmarks, contracts: Contracts) -> dict[str, Job]:
    """A job for each gate that has a measurement of its own, by the gate's id."""
    jobs = {}
    for spec in specs:
        if spec.kind in MEASURED_KINDS and spec.metric:
            jobs[spec.id] = Job(subject, spec.kind, _given(spec, benchmarks, contracts))
        elif spec.kind == "determinism" and spec.metric and spec.benchmark:
            jobs[spec.id] = Job(subject, "retrain", {"benchmark": benchmarks[spec.benchmark].given})
    return jobs


def _given(spec: Gate, benchmarks: Benchmarks, contracts: Contracts) -> dict[str, Any]:
    benchmark = benchmarks[spec.benchmark] if spec.benchmark else None
    given: dict[str, Any] = {"benchmark": benchmark.given if benchmark else None}
    if spec.kind == "latency":
        size = MANY if str(spec.metric).endswith(f"_of_{MANY}") else 1
        return {**given, "size": size, "through": spec.through or "predict"}
    if spec.kind not in ("business", "data"):
        return given  # one measurement serves all metrics
    given |= {"metric": spec.metric, "columns": _named(spec)}
    if spec.kind == "data":
        return {**given, "contracts": contracts} if spec.metric == "contract_violations" else given
    if benchmark and benchmark.stress:
        given["stress"] = {"file": str(benchmark.stress[0]), "shown": benchmark.stress[1]}
    return {**given, "code": spec.code, "threshold": spec.threshold, "favourable": spec.favourable}


def _named(spec: Gate) -> list[str]:
    """The columns that a gate's slice names; of a slice that cannot be read none, the gate refuses it."""
    with suppress(BadInput):
        return list(parse_slice(spec.slice).columns) if spec.slice else []
    return []


def measure(process: Measurements, jobs: Mapping[str, Job], progress: Progress = silent) -> dict[str, Found | str]:
    """Measure all jobs: equal ones once, and those that are timed after the others and alone."""
    names = {name: digest_json([job.measure, job.subject.model_folder, job.given]) for name, job in jobs.items()}
    distinct = {names[name]: job for name, job in jobs.items()}
    ended = count(1)
    show = partial(progress, "measuring", of=len(distinct))
    show(0)
    found: dict[str, Found | str] = {}
    for alone in (False, True):
        some = {name: job for name, job in distinct.items() if (job.measure in ALONE) is alone}
        found |= process.measure(some, at_once=1 if alone else AT_ONCE, told=lambda: show(next(ended)))
    return {name: found[key] for name, key in names.items()}
