"""Gate reports as values, of every shape that a reader may meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from vendorkit.records.gate_report import (
    Against,
    BenchmarkUse,
    Cell,
    GateReport,
    GateResult,
    ScoreHistogram,
    Timing,
)

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64

PASS = GateResult(
    id="g-same",
    kind="determinism",
    verdict="pass",
    claim="The same data always gives the same features",
    says="The same data always gives the same features: preparing the data 2 times gave the same table every "
    "time. Good enough to ship.",
    value="1 table",
    limit="the same table every time",
    n=2,
)
FAIL = GateResult(
    id="g-auc",
    kind="performance",
    verdict="fail",
    claim="Ranks good and bad payers at least as well as today",
    says="Ranks good and bad payers at least as well as today. Not so: roc_auc is 0.712, the limit is at least 0.76. "
    "Not good enough to ship.",
    metric="roc_auc",
    value=0.712,
    limit="at least 0.76",
    previous=0.77142,
    n=30_000,
    interval=(0.70512345, 0.71887655),
    benchmark="frozen-2025q4",
    least=0.76,
)
ERROR = GateResult(
    id="g-hist",
    kind="performance",
    verdict="error",
    claim="Holds up in a crisis year",
    says="Holds up in a crisis year. Not known: the candidate was not measured on benchmark covid-2020. "
    "Could not be decided, so it may not ship.",
    metric="roc_auc",
    benchmark="covid-2020",
)
CELLS = (
    Cell(name="age < 25", n=312, value=0.641, verdict="fail", interval=(0.58, 0.7), previous=0.69),
    Cell(name="housing = free", n=12, value=0.55, verdict="too-few", interval=(0.2, 0.9)),
    Cell(name="purpose = other", n=0, value=None, verdict="error"),
    Cell(name="sex = female, housing = own", n=5_120, value=0.781, verdict="pass", interval=(0.76, 0.8), previous=0.77),
)
SEGMENTS = GateResult(
    id="g-young",
    kind="segment",
    verdict="fail",
    claim="Still works for every customer group",
    says="Still works for every customer group. Not so: roc_auc is 0.641 for age < 25 (312 rows), the limit is "
    "at least 0.7. Not good enough to ship.",
    metric="roc_auc",
    value=0.641,
    limit="at least 0.7",
    n=312,
    interval=(0.58, 0.7),
    benchmark="frozen-2025q4",
    cells=CELLS,
    least=0.7,
    origin="platform",
    notes=("The limit was lowered from 0.72 to 0.7 since version 3.",),
)
LATENCY = GateResult(
    id="g-lat",
    kind="latency",
    verdict="pass",
    claim="Answers inside the checkout budget",
    says="Answers inside the checkout budget: p99_ms is 14.2, the limit is at most 120. Good enough to ship.",
    metric="p99_ms",
    value=14.2,
    limit="at most 120",
    n=200,
    benchmark="frozen-2025q4",
    timings=(
        Timing(rows=1, runs=200, p50_ms=3.1, p95_ms=6.4, p99_ms=14.2, spread_ms=0.8),
        Timing(rows=100, runs=50, p50_ms=7.9, p95_ms=12.0, p99_ms=31.0, spread_ms=1.9),
    ),
    most=120.0,
)


def report(*results: GateResult, **given: Any) -> GateReport:
    """A report of these results; `given` replaces fields of the record."""
    said: dict[str, Any] = {
        "candidate": A,
        "model": "pd-model",
        "against": Against(model="pd-model", version=3, release=B),
        "benchmarks": (BenchmarkUse(id="frozen-2025q4", content_digest=B, rows=30_000),),
        "limits": A,
        "results": results,
        "passed": bool(results) and all(result.verdict == "pass" for result in results),
        "asked_at": "2026-11-02T09:30:00.000Z",
    }
    return GateReport(**{**said, **given})


def scores(seed: int, apart: float, rows: int = 30_000, bins: int = 1_000) -> tuple[ScoreHistogram, Any, Any]:
    """A histogram of random scores in equal bins from 0 to 1, with the labels and scores that it counts."""
    drawn = np.random.default_rng(seed)
    label = drawn.integers(0, 2, rows)
    score = 1 / (1 + np.exp(-(drawn.normal(size=rows) + apart * (label - 0.5))))
    edges = np.linspace(0.0, 1.0, bins + 1)
    counted = [np.histogram(score[label == which], edges)[0].tolist() for which in (0, 1)]
    histogram = ScoreHistogram(edges=tuple(edges.tolist()), negatives=tuple(counted[0]), positives=tuple(counted[1]))
    return histogram, label, score


def full_report() -> GateReport:
    """Failures, errors, segments, times, notes, and the scores of candidate and live version."""
    use = BenchmarkUse(
        id="frozen-2025q4",
        content_digest=B,
        rows=30_000,
        kind="frozen",
        scores=scores(1, 1.1)[0],
        current=scores(2, 1.5)[0],
    )
    return report(PASS, ERROR, FAIL, SEGMENTS, LATENCY, benchmarks=(use,), engagement="acme-pd-2026")


def many_segments(count: int = 100) -> GateReport:
    """A report of one gate with many segments, a quarter of which fail."""
    cells = tuple(
        Cell(
            name=f"region = R{number:03}, product = a-very-long-product-name-{number}",
            n=100 + number,
            value=0.6 + number / (3 * count),
            verdict="fail" if number < count // 4 else "pass",
            interval=(0.55 + number / (3 * count), 0.65 + number / (3 * count)),
        )
        for number in range(count)
    )
    return report(SEGMENTS.model_copy(update={"cells": cells}))


def passing_report() -> GateReport:
    """Everything passed, with scores and no live version."""
    use = BenchmarkUse(
        id="frozen-2025q4", content_digest=B, rows=30_000, kind="frozen", scores=scores(1, 2.0, bins=100)[0]
    )
    good = FAIL.model_copy(
        update={
            "verdict": "pass",
            "value": 0.802,
            "interval": (0.79, 0.81),
            "says": FAIL.says.replace("0.712", "0.802").replace("Not good", "Good"),
        }
    )
    return report(PASS, good, LATENCY, benchmarks=(use,), against=None, engagement="acme-pd-2026")


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)> ' onmouseover=x",
    "]( javascript:alert(1) ) [click](http://evil.example) ![x](https://evil.example/x.png) www.evil.example",
    "| a | b |\n|---|---|\n# heading\n> quote\n- PASS g-auc\n```\ncode",
    "\x1b[2J\x1b]0;title\x07\x9b31mred\r\n\x08\x7f",
    "\u202egood\u202c \u2066x\u2069 \u200b\u2028\u2029",
    "@everyone mail@evil.example **bold** _it_ ~~no~~ `code` $x$ &amp; \\",
    "x" * 200_000,
    "word " * 50_000,
    ']]> {gate="x"} \\" 1 \n# EOF\nvendorkit_candidate_passed 1',
]
"""Texts that a vendor might write into a name or a claim."""


def hostile(text: str) -> GateReport:
    """A report that has the text wherever the record takes text."""
    update = dict.fromkeys(("id", "kind", "claim", "says", "metric", "limit", "benchmark"), text)
    cells = tuple(cell.model_copy(update={"name": text}) for cell in CELLS)
    results = [result.model_copy(update=update) for result in (PASS, FAIL, ERROR)]
    results.append(SEGMENTS.model_copy(update={**update, "cells": cells, "notes": (text,)}))
    uses = (BenchmarkUse(id=text, content_digest=B, rows=1, kind=text, scores=scores(1, 1.0, rows=50, bins=10)[0]),)
    against = Against(model=text, version=1, release=B)
    return report(*results, model=text, engagement=text, benchmarks=uses, against=against)
