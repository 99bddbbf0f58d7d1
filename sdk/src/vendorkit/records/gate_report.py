"""The gate report: every declared gate, its limit, what was found, and the verdict."""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Timestamp, Value, added

Interval = tuple[float, float]


class Cell(Value):
    """One segment, group or rule of a gate that looks at several.

    Args:
        name: What it is, for instance `age < 25`, or `sex = female, housing = own`.
        n: Rows that the value rests on.
        value: What was found; None where it could not be computed.
        verdict: `too-few` where n is below the least that the gate declares.
        interval: 95 % confidence interval of the value, where there is one.
        previous: The same of the live version.
    """

    name: str
    n: int
    value: float | None
    verdict: Literal["pass", "fail", "error", "too-few"]
    interval: Interval | None = None
    previous: float | None = None


class Timing(Value):
    """How long `predict` took, or the whole service, warmed.

    Args:
        rows: Rows of one call.
        runs: Calls that were timed.
        p50_ms, p95_ms, p99_ms: Percentiles of the time of one call, in milliseconds.
        spread_ms: Distance of the quartiles, in milliseconds.
        through: What was called: `predict` itself, or the service over HTTP.
    """

    rows: int
    runs: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    spread_ms: float
    through: Literal["predict", "service"] = added("predict")


class ScoreHistogram(Value):
    """Scores of one model on one benchmark, counted by class; all curves of a report are drawn from it.

    Args:
        edges: Edges of the bins, ascending, one more than there are bins; a score on an edge lies right of it, in
            the last bin left of it.
        negatives, positives: Rows of label 0 and of label 1 in each bin.
    """

    edges: tuple[float, ...]
    negatives: tuple[int, ...]
    positives: tuple[int, ...]


class GateResult(Value):
    """One gate's answer.

    Args:
        id: Id of the gate in the manifest.
        kind: Kind of gate, for instance `performance`.
        verdict: `error` means that it could not run: never a pass.
        claim: The sentence that the manifest declares for this gate.
        says: The verdict in one plain sentence.
        metric: What was measured.
        value: What was found.
        limit: The limit that decided, in words with its number, for instance `at least 0.76`.
        previous: The same metric of the live version on the same benchmark.
        n: Rows (or repeats) that the value rests on.
        interval: 95 % confidence interval of the value, where there is a textbook one.
        benchmark: Id of the benchmark.
        origin: Who set the gate: the engagement's manifest, the platform's policy pack, or a class of the vendor's.
        cells: Segments, groups or rules, each with its own answer, the worst first.
        timings: For a latency gate.
        notes: What the approver must see besides the verdict, for instance a limit that was loosened.
        least, most: Smallest and largest value that passes, as the gate declares them.
        most_drop: How much worse than the live version it may be, as the gate declares it.
    """

    id: str
    kind: str
    verdict: Literal["pass", "fail", "error"]
    claim: str
    says: str
    metric: str | None = None
    value: float | str | None = None
    limit: str | None = None
    previous: float | None = None
    n: int | None = None
    interval: Interval | None = None
    benchmark: str | None = None
    origin: Literal["manifest", "platform", "vendor"] = added("manifest")
    cells: tuple[Cell, ...] = added(())
    timings: tuple[Timing, ...] = added(())
    notes: tuple[str, ...] = added(())
    least: float | None = added(None)
    most: float | None = added(None)
    most_drop: float | None = added(None)


class Confusion(Value):
    """Which classes were taken for which.

    Args:
        classes: Their names.
        rows: Rows by what happened (down) and what was said (across).
    """

    classes: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]


class BenchmarkUse(Value):
    """A benchmark as it was when the gates were asked.

    Args:
        id: Id of the benchmark.
        content_digest: Digest of its whole content.
        rows: Its rows.
        kind: `frozen`, `historical`, `known-bad` or `stress`; None in old reports.
        scores: How the candidate scored it; None where the task has no scores from 0 to 1.
        current: How the live version scored it.
        counted_by: The engine that counted it, where gates were not asked of rows in memory.
        confusion: Which classes the candidate took for which; None where the task has no classes.
    """

    id: str
    content_digest: Digest
    rows: int
    kind: str | None = added(None)
    scores: ScoreHistogram | None = added(None)
    current: ScoreHistogram | None = added(None)
    counted_by: str | None = added(None)
    confusion: Confusion | None = added(None)


class Against(Value):
    """The live version that the candidate was compared with."""

    model: str
    version: int
    release: Digest


class GateReport(Record):
    """All answers for one candidate.

    Args:
        candidate: Digest of the Run record.
        model: Id of the model.
        against: The version compared with, None for the first.
        benchmarks: What was used, with digests.
        limits: Digest of the manifest's gates, as asked.
        results: In the order of the manifest.
        passed: Whether every gate passed, and there was at least one.
        asked_at: When, UTC.
        engagement: Id of the engagement; None in old reports.
        notes: What the approver must see of the candidate as a whole, for instance that its file carries code.
    """

    schema_name: ClassVar[str] = "vendorkit/gate-report/1"

    candidate: Digest
    model: str
    against: Against | None
    benchmarks: tuple[BenchmarkUse, ...]
    limits: Digest
    results: tuple[GateResult, ...]
    passed: bool
    asked_at: Timestamp
    engagement: str | None = added(None)
    notes: tuple[str, ...] = added(())
