"""The gate report: every declared gate, its limit, what was found, and the verdict."""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Timestamp, Value


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
    interval: tuple[float, float] | None = None
    benchmark: str | None = None


class BenchmarkUse(Value):
    """A benchmark as it was when the gates were asked."""

    id: str
    content_digest: Digest
    rows: int


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
