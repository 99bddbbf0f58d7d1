"""Accuracy, precision, recall and log loss of every value of 6 columns and every pair: against engines written by hand.

All start from the same columns in memory and must give the same counts. `SEGMENT_ROWS` sets the number of rows.
"""

from __future__ import annotations

import os
from itertools import combinations
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from vendorkit.adapters.tables import TableSource, tally

from tests.benchmarks.pairs import pair

SIZES = (10, 12, 15, 20, 30, 24)
ROWS = int(os.environ.get("SEGMENT_ROWS", "1000000"))
CLIP = float(np.finfo(np.float64).eps)


def columns(rows: int) -> dict[str, np.ndarray[Any, Any]]:
    """Six columns of categories, a label, a calibrated score."""
    rng = np.random.default_rng(1)
    score = rng.random(rows)
    given = {f"c{place}": rng.integers(0, size, rows).astype(np.uint8) for place, size in enumerate(SIZES)}
    return {**given, "label": (rng.random(rows) < score).astype(np.int8), "score": score}


def by_bincount(given: dict[str, np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], float]:
    """NumPy by hand: one count and one weighted count for each set of columns."""
    label, score = given["label"], given["score"]
    outcome = 2 * (score >= 0.5) + label.astype(np.int64)
    loss = -np.log(np.clip(np.where(label == 1, score, 1.0 - score), CLIP, 1.0 - CLIP))
    counts, total = [], 0.0
    for places in [*((place,) for place in range(6)), *combinations(range(6), 2)]:
        code = np.zeros(len(label), dtype=np.int64)
        for place in places:
            code = code * SIZES[place] + given[f"c{place}"]
        cells = int(np.prod([SIZES[place] for place in places]))
        counts.append(np.bincount(code * 4 + outcome, minlength=cells * 4).reshape(-1, 4))
        total += float(np.bincount(code, weights=loss, minlength=cells).sum())
    found = np.concatenate(counts)
    return found[found.sum(axis=1) > 0], total


def measure() -> list[dict[str, Any]]:
    """One row for each peer."""
    given = columns(ROWS)
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET enable_progress_bar = false; SET perfect_ht_threshold = 22")
    backend.create_table("rows", pa.table(given))
    source = TableSource("rows", "as-stored", backend.table("rows"))

    def ours() -> Any:
        return tally(source, tuple(f"c{place}" for place in range(6)), label="label", score="score")

    counts, loss = by_bincount(given)
    found = ours()
    assert np.array_equal(np.stack([found.tn, found.fn, found.fp, found.tp], axis=1)[1:], counts)
    assert abs(found.log_loss[1:].sum() - loss) < 1e-9 * loss
    cells = f"{len(counts):,} cells, {ROWS:,} rows"
    return [pair(ours, lambda: by_bincount(given), 3).row(f"count {cells}", "NumPy bincount by hand", "same counts")]
