"""How long `predict` or the whole service takes, and how much memory loading and predicting needs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from vendorkit.records.contract import Contract
from vendorkit.tracking.batches import prepared_head
from vendorkit.tracking.subject import Measuring
from vendorkit.tracking.through_service import requests, service

Call = TypeVar("Call")

WARM_UP, RUNS, LEAST_RUNS = 10, 200, 60
BUDGET_SECONDS = 0.5
"""A gate is asked often and a laptop is slow: what takes longer than 8 ms is called fewer times."""
MEMORY_ROWS = 1_000
MOST_AT_ONCE = 100


def latency(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Percentiles of the time of `predict`, in milliseconds, for calls of `size` rows: 1 or 100.

    With `through: service` of the whole answer of the real service, over HTTP on this machine.
    """
    rows = prepared_head(measuring, given["benchmark"], RUNS + MOST_AT_ONCE)[measuring.subject.features]
    size, through = int(given["size"]), given.get("through", "predict")
    if through == "service":
        asked = requests(rows, size, RUNS, Contract.parse(measuring.subject.contract, "contract"))
        with service(measuring.folder) as ask:
            times = _times(ask, asked)
    else:
        measuring.judged_answers(rows)  # how fast a wrong answer comes is of no interest
        model = measuring.model
        calls = [rows.iloc[np.arange(at, at + size) % len(rows)].reset_index(drop=True) for at in range(RUNS)]
        times = _times(lambda call: measuring.pipeline.predict(model, call), calls)
    p25, p50, p75, p95, p99 = (_read(value) for value in np.percentile(times, (25, 50, 75, 95, 99)))
    percentiles = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    end = "" if size == 1 else f"_of_{size}"
    timing = {"rows": size, "runs": len(times), **percentiles, "spread_ms": _read(p75 - p25), "through": through}
    values = {f"{name}{end}": value for name, value in percentiles.items()}
    says = "Asked through the service, over HTTP on this machine." if through == "service" else ""
    return {"values": values, "n": len(times), "says": says, "timings": [timing]}


def _read(measured: float) -> float:
    """Four digits of a measured time or size: what follows is noise."""
    return float(f"{measured:.4g}")


def _times(ask: Callable[[Call], object], calls: Sequence[Call]) -> list[float]:
    """Milliseconds of each call, after some that only warm up."""
    for call in calls[:WARM_UP]:
        ask(call)
    times: list[float] = []
    until = time.perf_counter() + BUDGET_SECONDS
    for call in calls:
        start = time.perf_counter()
        ask(call)
        end = time.perf_counter()
        times.append((end - start) * 1e3)
        if end > until and len(times) >= LEAST_RUNS:
            break
    return times


def memory(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Peak of the resident memory of a new interpreter that loads the model and predicts, in MB.

    Raises:
        ValueError: It gave no answer; has its last words.
    """
    rows = prepared_head(measuring, given["benchmark"], MEMORY_ROWS)[measuring.subject.features]
    measuring.judged_answers(rows)
    rows.to_parquet(measuring.folder / "rows.parquet")
    command = [sys.executable, "-m", "vendorkit.tracking.memory", str(measuring.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise ValueError(f"the process that loads the model ended with {done.returncode}: {words}")
    return {"values": {"rss_mb": _read(json.loads(done.stdout.splitlines()[-1])["rss_mb"])}, "n": len(rows)}
