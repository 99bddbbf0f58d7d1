"""What all gates share: the evidence they judge, the question they are asked, and the shape of a gate.

Gates get values and give one `GateResult` each. Measuring (loading models, scoring benchmarks, running
`prepare`) is done by the steps and never here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput, Fault
from vendorkit.gates.columns import Column
from vendorkit.records.gate_report import Cell, GateResult, Timing
from vendorkit.records.tallies import Tallies

Numbers = NDArray[np.float64]

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


OPTIONS = ("threshold", "favourable", "bins", "quantile", "season", "series", "min_rows", "every", "through")
"""Keys of a gate that only some metrics look at."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One benchmark, scored by one model, row for row. Made by `scored`, which refuses what is not fit.

    Args:
        benchmark: Id of the benchmark in the manifest.
        content_digest: Digest of the benchmark's whole content.
        label: What happened, float64, shape (n,), read-only; 0 or 1 for a binary task.
        score: What the model said, float64, shape (n,), read-only; from 0 to 1 for a binary task; for a multiclass
            task a probability for each class, shape (n, k), and `label` the number of the class.
        columns: Columns of the benchmark that gates name, each of n rows, whether or not the model sees them; a
            text in place of a column says why it cannot be used.
        classes: Names of the classes of a multiclass task, in the order of their numbers.
    """

    benchmark: str
    content_digest: str
    label: Numbers
    score: Numbers
    columns: Mapping[str, Column | str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.label)


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


def scored(
    benchmark: str,
    content_digest: str,
    label: Any,
    score: Any,
    *,
    task: str,
    one_class_ok: bool = False,
    columns: Mapping[str, Column | str] | None = None,
) -> Scored:
    """Check labels and scores of one benchmark and freeze a copy of them.

    Args:
        benchmark: Id of the benchmark.
        content_digest: Digest of its whole content.
        label: Array-like of shape (n,): 0 or 1 for a binary task, else finite numbers.
        score: Array-like of shape (n,): the probability of 1 for a binary task, else finite numbers.
        task: Task of the model.
        one_class_ok: Allow a binary benchmark with one class only, for instance one of known bad cases.
        columns: Columns that gates name, each of n rows, or why there is none.

    Raises:
        BadInput: They are not fit; `faults` has every reason.
    """
    faults: list[Fault] = []
    if task not in ("binary", "regression", "forecasting"):
        faults.append(Fault("task", f"is {task!r}; rows can be scored for binary, regression and forecasting."))
    labels = _column(f"{benchmark}: label", label, faults)
    scores = _column(f"{benchmark}: score", score, faults)
    if labels is not None and scores is not None and len(labels) != len(scores):
        says = f"has {len(scores)} values for {len(labels)} labels; `predict` must give one for each row."
        faults.append(Fault(f"{benchmark}: score", says))
    if task == "binary":
        _check_binary(benchmark, labels, scores, faults, one_class_ok=one_class_ok)
    for name, column in (columns or {}).items():
        if labels is not None and isinstance(column, Column) and len(column) != len(labels):
            faults.append(Fault(f"{benchmark}: {name}", f"has {len(column)} values for {len(labels)} labels."))
    if faults or labels is None or scores is None:
        raise BadInput(f"Benchmark {benchmark} cannot be measured.", faults)
    return Scored(benchmark, content_digest, labels, scores, dict(columns or {}))


def _column(where: str, given: Any, faults: list[Fault]) -> Numbers | None:
    """A read-only float64 copy of shape (n,); None, with a fault noted, where there is no such thing."""
    try:
        column = _numbers(given)
    except BadInput as error:
        faults.append(Fault(where, error.says, error.fix))
        return None
    column.setflags(write=False)
    return column


def _numbers(given: Any) -> Numbers:
    """A float64 copy of shape (n,), finite, n at least 1; BadInput says what is wrong with it."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise BadInput("has rows of different lengths; expected one number for each row.") from error
    if array.ndim != 1:
        fix = "Of two columns of probabilities, give the one of class 1."
        raise BadInput(f"has shape {array.shape}; expected one number for each row, shape (n,).", fix=fix)
    if array.dtype.kind in "US" or (array.dtype.kind == "O" and any(isinstance(v, str | bytes) for v in array)):
        raise BadInput("holds text; expected numbers.")
    if array.dtype.kind not in "biufO":
        raise BadInput(f"holds {array.dtype}; expected numbers.")
    try:
        column = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("holds values that are no numbers.") from error
    if not len(column):
        raise BadInput("has no rows.")
    bad = np.flatnonzero(~np.isfinite(column))
    if len(bad):
        raise BadInput(f"is missing or infinite in {len(bad)} of {len(column)} rows, first in row {bad[0] + 1}.")
    return column


def _check_binary(
    benchmark: str, labels: Numbers | None, scores: Numbers | None, faults: list[Fault], *, one_class_ok: bool
) -> None:
    if scores is not None:
        bad = np.flatnonzero((scores < 0.0) | (scores > 1.0))
        if len(bad):
            says = (
                f"is outside 0 to 1 in {len(bad)} of {len(scores)} rows, first {scores[bad[0]]:g} in row "
                f"{bad[0] + 1}; expected the probability of class 1."
            )
            faults.append(Fault(f"{benchmark}: score", says))
    if labels is None:
        return
    values = np.unique(labels)
    strange = [f"{value:g}" for value in values if value not in (0.0, 1.0)]
    if strange:
        more = ", ..." if len(strange) > 5 else ""
        says = f"holds {', '.join(strange[:5])}{more}; a binary label is 0 or 1."
        faults.append(Fault(f"{benchmark}: label", says))
    elif len(values) == 1 and not one_class_ok:
        says = f"is {values[0]:g} in all {len(labels)} rows; both classes are needed to tell good from bad."
        faults.append(Fault(f"{benchmark}: label", says))


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
