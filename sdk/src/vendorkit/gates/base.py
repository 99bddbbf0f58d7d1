"""What all gates share: the evidence they judge, the question they are asked, and the shape of a gate.

Gates get values and give one `GateResult` each. Measuring (loading models, scoring benchmarks, running
`prepare`) is done by the steps and never here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vendorkit.errors import BadInput
from vendorkit.gates.scored import Scored
from vendorkit.records.gate_report import Cell, GateResult, Timing
from vendorkit.records.tallies import Tallies

SAID = {
    "pass": "{claim}: {says} Good enough to ship.",
    "fail": "{claim}. Not so: {says} Not good enough to ship.",
    "error": "{claim}. Not known: {says} Could not be decided, so it may not ship.",
}
"""The claim, what was found, and what follows, by the verdict: a claim that was not kept must not read as a fact."""


class GateSpec(Protocol):
    """One entry of the manifest's `gates`; the manifest's own class has these attributes."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def model(self) -> str | None: ...
    @property
    def benchmark(self) -> str | None: ...
    @property
    def metric(self) -> str | None: ...
    @property
    def slice(self) -> str | None: ...
    @property
    def min(self) -> float | None: ...
    @property
    def max(self) -> float | None: ...
    @property
    def max_drop_vs_current(self) -> float | None: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def favourable(self) -> int | None: ...
    @property
    def bins(self) -> int | None: ...
    @property
    def quantile(self) -> float | None: ...
    @property
    def season(self) -> int | None: ...
    @property
    def series(self) -> str | None: ...
    @property
    def weight(self) -> str | None: ...
    @property
    def min_rows(self) -> int | None: ...
    @property
    def every(self) -> bool | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def through(self) -> str | None: ...
    @property
    def says(self) -> str: ...
    @property
    def origin(self) -> Literal["manifest", "platform", "vendor"]: ...


OPTIONS = ("threshold", "favourable", "bins", "quantile", "season", "series", "weight", "min_rows", "every", "through")
"""Keys of a gate that only some metrics look at."""


@dataclass(frozen=True, eq=False)
class Counted:
    """One benchmark, scored in batches and counted in a table engine, for candidate and live version together.

    Args:
        benchmark: Id of the benchmark in the manifest.
        content_digest: Digest of the benchmark's whole content.
        n: Number of rows.
        engine: What counted it, as people call it.
        tallies: By the id of a gate what was counted for it, or why it could not be.
        most_rows: Rows that fit into memory.
        rows: The rows, where they fit: for what does not follow exactly from counts.
    """

    benchmark: str
    content_digest: str
    n: int
    engine: str
    tallies: Mapping[str, Tallies | str]
    most_rows: int
    rows: Scored | None = None

    def form(self, spec: GateSpec) -> Scored | Counted:
        """What answers a gate: the counts, or the rows where nothing was counted for it."""
        return self.rows if spec.id not in self.tallies and self.rows is not None else self


@dataclass(frozen=True)
class Measured:
    """What was measured for one gate by a measurement of its own.

    Args:
        values: Figures by the name of their metric.
        n: Rows, or calls, that they rest on.
        says: One more sentence for the reader; may be empty.
        cells: What the figure is made of.
        timings: For a latency gate.
        notes: What the approver must see besides.
    """

    values: Mapping[str, float]
    n: int
    says: str = ""
    cells: tuple[Cell, ...] = ()
    timings: tuple[Timing, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured about one candidate. A string in place of a measurement tells why there is none.

    A new family of gates adds its fields here, each with a default that says "not measured".

    Args:
        task: `binary`, `multiclass`, `regression` or `forecasting`.
        candidate: Scored benchmarks of the candidate, by benchmark id.
        current: The same of the live version; None where no version is live.
        prepared: Digests of `prepare`'s table, each from a fresh process on the same inputs.
        measured: What was measured for one gate alone, by the gate's id.
        measured_current: The same of the live version; None where no version is live.
        exception: The documented exception from training that repeats: why, and which internal person accepted
            it; empty where there is none.
    """

    task: str
    candidate: Mapping[str, Scored | Counted | str]
    current: Mapping[str, Scored | Counted | str] | None = None
    prepared: tuple[str, ...] | str = "`prepare` was not repeated"
    measured: Mapping[str, Measured | str] = field(default_factory=dict)
    measured_current: Mapping[str, Measured | str] | None = None
    exception: str = ""


Described = tuple[str, str, str]
"""A name in a gate's `metric`, what it measures, and where that comes from."""


class Gate(Protocol):
    """A gate: a pass/fail question asked of a candidate, with a limit set beforehand."""

    @property
    def kind(self) -> str:
        """Its name in the manifest's `kind`."""
        ...

    @property
    def title(self) -> str:
        """What it asks, in a few words."""
        ...

    @property
    def why(self) -> str:
        """Why it matters, one or two sentences."""
        ...

    @property
    def formula(self) -> str:
        """How the verdict is reached."""
        ...

    @property
    def source(self) -> str:
        """Where the formula comes from."""
        ...

    @property
    def figures(self) -> tuple[Described, ...]:
        """What only this kind can measure, by the name in `metric`; metrics of scores are in `METRICS`."""
        ...

    @property
    def example(self) -> str:
        """An entry of the manifest's `gates`, as YAML."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of `Evidence` that it looks at, so that a step measures nothing else."""
        ...

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer the question.

        Raises:
            BadInput: The question cannot be answered; `ask_all` makes that the verdict `error`.
        """
        ...


def answer(
    spec: GateSpec,
    verdict: Literal["pass", "fail", "error"],
    says: str,
    *,
    value: float | str | None = None,
    limit: str | None = None,
    previous: float | None = None,
    n: int | None = None,
    interval: tuple[float, float] | None = None,
    cells: tuple[Cell, ...] = (),
    notes: tuple[str, ...] = (),
) -> GateResult:
    """One gate's answer, in plain words: the claim, what was found, and what follows from it.

    Args:
        spec: The gate as declared.
        verdict: The answer.
        says: What was found, one sentence without the claim; it may start with a small letter.
        value, limit, previous, n, interval, cells, notes: As in `GateResult`.
    """
    said = SAID[verdict].format(claim=spec.says.strip().rstrip(".") or spec.id, says=says)
    return GateResult(
        id=spec.id,
        kind=spec.kind,
        verdict=verdict,
        claim=spec.says,
        says=said,
        metric=spec.metric,
        value=value,
        limit=limit,
        previous=previous,
        n=n,
        interval=interval,
        benchmark=spec.benchmark,
        origin=spec.origin,
        cells=cells,
        notes=notes,
        least=spec.min,
        most=spec.max,
        most_drop=spec.max_drop_vs_current,
    )


def refuse_unused(spec: GateSpec, unused: tuple[str, ...], uses: Collection[str] = ()) -> None:
    """Refuse keys that a gate would ignore: a limit nobody holds must not look like one.

    Args:
        spec: The gate as declared.
        unused: Keys that it does not look at.
        uses: Those of `OPTIONS` that it does look at.

    Raises:
        BadInput: A key that it does not look at is set.
    """
    ignored = (*unused, *(name for name in OPTIONS if name not in uses))
    given = [name for name in ignored if getattr(spec, name, None) is not None]
    if given:
        raise BadInput(f"a {spec.kind} gate does not look at {', '.join(given)}; remove it or change `kind`.")
