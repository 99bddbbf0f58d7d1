"""By what a model is judged: rebuilding, benchmarks, gates."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import BenchmarkKind, FunctionName, GateKind, Id, RepoPath, Source, Text

GATE_KINDS: tuple[str, ...] = get_args(GateKind)
"""All kinds of gate that a manifest may name."""

NEEDS: dict[str, tuple[str, ...]] = {"determinism": (), "change": (), "data": ("limit", "metric")}
"""What a gate of this kind needs; others need a limit, a benchmark and a metric."""
NEEDS_ELSE = ("limit", "benchmark", "metric")

Origin = Literal["manifest", "platform", "vendor"]
"""Who set a gate: the manifest, the platform's policy pack, or a rule of the vendor's own."""


class Stochastic(Value):
    """A stage that does not repeat byte for byte.

    Args:
        stage: Its name.
        why: What makes it differ.
        bound: How far it may differ.
        accepted_by: Internal person who accepts that.
    """

    stage: Text
    why: Text
    bound: Text
    accepted_by: Id


class Reproduce(Value):
    """How a model is rebuilt in a clean checkout.

    Args:
        command: The command that rebuilds.
        lockfile: The locked environment.
        seed: Seed of all randomness, 0 to 2**32 - 1.
        image: Container image with its digest; None where the lockfile is the whole environment.
        output: The file of metrics that the command writes.
        tolerance: Metric to the largest allowed absolute difference.
        stochastic: Every stage that may differ; all others must repeat byte for byte.
    """

    command: Text
    lockfile: RepoPath
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    image: Text | None = None
    output: RepoPath | None = None
    tolerance: dict[Text, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    stochastic: tuple[Stochastic, ...] = ()


class Benchmark(Value):
    """Rows that models are judged on.

    Args:
        id: Its name.
        kind: What it stands for.
        path: The pointer where it ends in `.lock.json`, else the file itself.
        source: Where the rows lie; path inside the repository, or the URL of a table.
        dataset: The dataset of the model that it stands in for; None means the model's first.
    """

    id: Id
    kind: BenchmarkKind
    path: RepoPath
    source: Source | None = None
    dataset: Id | None = None


class Gate(Value):
    """A question that a candidate must answer, with a limit set beforehand.

    Args:
        id: Its name.
        kind: The family that asks it.
        benchmark: The rows that it is asked on.
        metric: What is measured.
        min: Smallest value that passes.
        max: Largest value that passes.
        max_drop_vs_current: How much worse than the live version it may be, in units of the metric.
        slice: Which rows: a condition (`age<25`), or columns whose groups are compared (`gender`; of several
            columns each alone and each pair).
        threshold: A score of at least this counts as a yes; None means 0.5.
        favourable: The label that is good for the person, in a fairness gate; None means 0 for an approval
            rate (approved is who is not predicted to be a 1), else 1.
        bins: Bins of a calibration error; None means 10.
        quantile: The quantile that a `pinball` score is of; None means 0.5.
        season: Rows between a value and its naive forecast in `mase`; None means 1.
        series: Columns that tell the time series apart in `mase`; None means that all rows are one series.
        weight: Column that says how often each row counts, 0 or more; None means once.
        min_rows: Fewest rows on which scores are judged, 30 where it is None; other kinds of gate take 1 then.
        every: Whether a slice or group with fewer rows is an error, in place of being left out.
        model: Id of the model surface; None means the only one.
        code: The vendor's own rule of a business gate, `module:function`; the module lies in the model's folder.
        through: What a latency gate calls: `predict` itself, or the whole `service` over HTTP; None means `predict`.
        says: The question in plain words.
    """

    id: Id
    kind: GateKind
    says: Text
    benchmark: Id | None = None
    metric: Text | None = None
    min: float | None = None
    max: float | None = None
    max_drop_vs_current: Annotated[float, Field(ge=0)] | None = None
    slice: Text | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    favourable: Literal[0, 1] | None = None
    bins: Annotated[int, Field(ge=2, le=100)] | None = None
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    season: Annotated[int, Field(ge=1, le=10_000)] | None = None
    series: Text | None = None
    weight: Text | None = None
    min_rows: Annotated[int, Field(ge=1)] | None = None
    every: bool | None = None
    model: Id | None = None
    code: FunctionName | None = None
    through: Literal["predict", "service"] | None = None

    @property
    def limited(self) -> bool:
        """Whether any limit is set."""
        return any(limit is not None for limit in (self.min, self.max, self.max_drop_vs_current))

    @property
    def origin(self) -> Origin:
        """Who set it: the manifest, with a rule of the vendor's own where it names one."""
        return "vendor" if self.code else "manifest"


class PlatformGate(Gate):
    """A gate that the platform asks of a model, on top of those of its manifest.

    Args:
        id: Begins with `platform/`, as no id of a manifest can: it is neither replaced nor taken for another.
        benchmark_kind: Kind of benchmark that it is asked of; without `benchmark` the manifest declares none of it.
    """

    id: str
    benchmark_kind: BenchmarkKind | None = None

    @property
    def origin(self) -> Origin:
        """The platform."""
        return "platform"
