"""Accuracy, precision, recall and log loss of every value of 6 columns and every pair: against engines written by hand.

All start from the same columns in memory and must give the same counts. `SEGMENT_ROWS` sets the number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from fairlearn.metrics import MetricFrame
from sklearn import metrics as reference
from vendorkit.adapters.tables import TableSource, tally
from vendorkit.records.tallies import Asked, Tallies
from vendorkit.tracking.memory import peak_mb

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


def by_polars(given: dict[str, np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], float]:
    """Polars by hand: one grouping for each set of columns."""
    frame = pl.DataFrame(given).with_columns(
        o=(2 * (pl.col("score") >= 0.5).cast(pl.Int8) + pl.col("label")),
        loss=-pl.when(pl.col("label") == 1)
        .then(pl.col("score"))
        .otherwise(1.0 - pl.col("score"))
        .clip(CLIP, 1.0 - CLIP)
        .log(),
    )
    sums = [(pl.col("o") == outcome).sum().alias(f"n{outcome}") for outcome in range(4)]
    counts, total = [], 0.0
    for names in sets():
        found = frame.lazy().group_by(names).agg(*sums, pl.col("loss").sum()).sort(names).collect()
        counts.append(found.select("n0", "n1", "n2", "n3").to_numpy().astype(np.int64))
        total += float(found["loss"].sum())
    return np.concatenate(counts), total


def by_duckdb(given: dict[str, np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], float]:
    """DuckDB SQL by hand: one GROUP BY for each set of columns."""
    con = duckdb.connect()
    rows = pa.table(given)  # noqa: F841  (DuckDB finds it by its name)
    clipped = f"ln(least(greatest(if(label = 1, score, 1 - score), {CLIP!r}), 1 - {CLIP!r}))"
    con.execute(f"CREATE TABLE coded AS SELECT *, 2 * (score >= 0.5)::INT + label AS o, -{clipped} AS loss FROM rows")
    sums = ", ".join(f"count(*) FILTER (o = {outcome})" for outcome in range(4))
    counts, total = [], 0.0
    for names in sets():
        listed = ", ".join(names)
        query = f"SELECT {sums}, sum(loss) FROM coded GROUP BY {listed} ORDER BY {listed}"
        found = con.execute(query).fetchnumpy()
        *each, loss = found.values()
        counts.append(np.stack(each, axis=1).astype(np.int64))
        total += float(np.sum(loss))
    return np.concatenate(counts), total


def sets() -> list[list[str]]:
    """Every column, and every pair of columns."""
    return [[f"c{place}" for place in places] for size in (1, 2) for places in combinations(range(6), size)]


def per_cell(given: dict[str, np.ndarray[Any, Any]], names: list[str]) -> dict[Any, tuple[float, ...]]:
    """pandas groupby with scikit-learn's functions in each cell, of one set of columns."""
    frame = pd.DataFrame(given)
    return {
        key if isinstance(key, tuple) else (key,): _reference(cell.label, cell.score)
        for key, cell in frame.groupby(names)
    }


def by_fairlearn(given: dict[str, np.ndarray[Any, Any]], names: list[str]) -> dict[Any, tuple[float, ...]]:
    """Fairlearn's MetricFrame with scikit-learn's functions, of one set of columns."""
    metrics = {
        "accuracy": lambda y, p: reference.accuracy_score(y, p >= 0.5),
        "precision": lambda y, p: reference.precision_score(y, p >= 0.5, zero_division=np.nan),
        "recall": lambda y, p: reference.recall_score(y, p >= 0.5, zero_division=np.nan),
        "log_loss": lambda y, p: reference.log_loss(y, p, labels=[0, 1]),
    }
    features = pd.DataFrame({name: given[name] for name in names})
    frame = MetricFrame(metrics=metrics, y_true=given["label"], y_pred=given["score"], sensitive_features=features)
    rows = zip(frame.by_group.index, frame.by_group.to_numpy(), strict=True)
    return {key if isinstance(key, tuple) else (key,): tuple(row) for key, row in rows}


def _reference(label: Any, score: Any) -> tuple[float, ...]:
    yes = score >= 0.5
    return (
        reference.accuracy_score(label, yes),
        reference.precision_score(label, yes, zero_division=np.nan),
        reference.recall_score(label, yes, zero_division=np.nan),
        reference.log_loss(label, score, labels=[0, 1]),
    )


def four(tallies: Tallies) -> np.ndarray[Any, Any]:
    """Accuracy, precision, recall and log loss of every segment, shape (k, 4)."""
    tn, fn, fp, tp = tallies.outcomes.T
    with np.errstate(invalid="ignore"):
        return np.stack([(tn + tp) / tallies.n, tp / (tp + fp), tp / (tp + fn), tallies.sums[:, 0] / tallies.n], axis=1)


def measure() -> list[dict[str, Any]]:
    """One row for each peer."""
    given = columns(ROWS)
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET enable_progress_bar = false; SET perfect_ht_threshold = 22")
    backend.create_table("rows", pa.table(given))
    source = TableSource("rows", "as-stored", backend.table("rows"))
    asked = Asked(tuple(f"c{place}" for place in range(6)), terms=("log_loss",))

    def ours() -> Any:
        found = tally(source, asked)
        return found, four(found)

    found, values = ours()
    mine = dict(zip(found.where, values, strict=True))
    rows, cells = [], f"{len(found.where) - 1:,} cells, {ROWS:,} rows"
    for name, peer in {"NumPy bincount": by_bincount, "polars": by_polars, "DuckDB SQL": by_duckdb}.items():
        counts, loss = peer(given)
        assert sorted(map(tuple, found.outcomes[1:])) == sorted(map(tuple, counts))
        assert abs(found.sums[1:].sum() - loss) < 1e-9 * loss
        rows.append(
            pair(ours, lambda peer=peer: peer(given), 3).row(f"count {cells}", f"{name} by hand", "same counts")
        )
    for name, peer in {"pandas and scikit-learn in each cell": per_cell, "Fairlearn MetricFrame": by_fairlearn}.items():
        rows.append(_of_one_pair(given, source, mine, name, peer))
    note = f"peak of this process {peak_mb():,.0f} MB, peers and all"
    rows[-1]["note"] = f"{rows[-1]['note']}; {note}"
    return rows


def _of_one_pair(
    given: dict[str, np.ndarray[Any, Any]],
    source: TableSource,
    mine: dict[Any, Any],
    name: str,
    peer: Callable[[dict[str, np.ndarray[Any, Any]], list[str]], dict[Any, tuple[float, ...]]],
) -> dict[str, Any]:
    """A peer that takes minutes for everything: one column and one pair of columns, against ours of the same."""
    names = ["c0", "c1"]
    asked = Asked(tuple(names), terms=("log_loss",))
    for key, values in peer(given, names).items():
        wanted = mine[tuple((column, str(int(value))) for column, value in zip(names, key, strict=True))]
        np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-9, equal_nan=True)
    timed = pair(lambda: four(tally(source, asked)), lambda: peer(given, names), 1)
    cells = f"{SIZES[0] * SIZES[1]} cells of 1 pair, {ROWS:,} rows"
    return timed.row(f"count {cells}", name, "same numbers to 1e-9; ours counts both columns alone, too")
