"""Accuracy, precision, recall and log loss of every value of 6 columns and every pair: against engines written by hand.

All start from the same columns in memory and must give the same counts. `SEGMENT_ROWS` sets the number of rows,
1,000,000 unless told; the larger size is ten times that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from fairlearn.metrics import MetricFrame
from sklearn import metrics as reference
from vendorkit.adapters.tables import TableSource, open_engine, tally
from vendorkit.records.tallies import Asked, Tallies

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.pairs import Pair, pair

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
    """Against engines written by hand at both sizes, growth, memory, per-cell peers at the smaller, Spark."""
    small, rows = _engines(ROWS)
    large, more = _engines(10 * ROWS)
    grown = Pair((large,), (small,)).row(f"count {10 * ROWS:,} rows", f"count {ROWS:,} rows", "goal: at most 10 times")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        pq.write_table(pa.table(columns(10 * ROWS)), file)
        peak = float(_said(sys.executable, "-c", COUNT, str(file))) * 1_024 / 1e6
        pq.write_table(pa.table(columns(ROWS)), file)
        spark = _on_spark(file)
    grown["note"] += f"; peak of a process that counts the {10 * ROWS:,} from Parquet {peak:,.0f} MB"
    return [*rows, *more, grown, *_per_cell(small), *spark]


COUNT = """
import sys
from pathlib import Path
from vendorkit.adapters.tables import open_engine, tally
from vendorkit.records.tallies import Asked
source = open_engine("duckdb://").scored(sys.argv[1], None)
tally(source, Asked(tuple(f"c{at}" for at in range(6)), terms=("log_loss",)))
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
"""What counts a Parquet file in a process that holds nothing else, and tells its peak of memory."""


def _said(*command: str, limit: float | None = None) -> str:
    return subprocess.run(command, check=True, capture_output=True, timeout=limit, text=True).stdout


ASKED = Asked(tuple(f"c{place}" for place in range(6)), terms=("log_loss",))


def _source(given: dict[str, np.ndarray[Any, Any]]) -> TableSource:
    """The columns in a DuckDB of ours."""
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET enable_progress_bar = false; SET perfect_ht_threshold = 22")
    backend.create_table("rows", pa.table(given))
    return TableSource("rows", "as-stored", backend.table("rows"))


def _engines(number: int) -> tuple[float, list[dict[str, Any]]]:
    """Our seconds, and one row for each engine by hand; the last says which is fastest."""
    given = columns(number)
    source = _source(given)

    def ours() -> Any:
        found = tally(source, ASKED)
        return found, four(found)

    found, _ = ours()
    rows, cells = [], f"{len(found.where) - 1:,} cells, {number:,} rows"
    for name, peer in {"NumPy bincount": by_bincount, "polars": by_polars, "DuckDB SQL": by_duckdb}.items():
        counts, loss = peer(given)
        assert sorted(map(tuple, found.outcomes[1:])) == sorted(map(tuple, counts))
        assert abs(found.sums[1:].sum() - loss) < 1e-9 * loss
        timed = pair(ours, lambda peer=peer: peer(given), 3)
        rows.append(timed.row(f"count {cells}", f"{name} by hand", "same counts"))
    fastest = max(rows, key=lambda row: float(row["ratio_median"]))
    fastest["note"] += "; the fastest by hand; goal at 10 M rows: at most 1.3 times"
    source.close()
    return float(fastest["ours"]), rows


def _per_cell(ours: float) -> list[dict[str, Any]]:
    """Peers that compute each cell anew, over all cells: given up at 110 times of ours, which is then the least."""
    given = columns(ROWS)
    found = tally(_source(given), ASKED)
    mine = dict(zip(found.where, four(found), strict=True))
    rows = []
    for name, peer in {"per_cell": per_cell, "by_fairlearn": by_fairlearn}.items():
        for key, values in peer(given, ["c0", "c1"]).items():
            wanted = mine[tuple((f"c{place}", str(int(value))) for place, value in enumerate(key))]
            np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-9, equal_nan=True)
        start = time.perf_counter()
        note = "same numbers to 1e-9 in a pair of columns"
        try:
            taken = float(_said(sys.executable, __file__, name, limit=110 * ours))
        except subprocess.TimeoutExpired:
            taken, note = time.perf_counter() - start, f"{note}; given up, it takes longer; goal: 100 times faster"
        called = {"per_cell": "pandas and scikit-learn in each cell", "by_fairlearn": "Fairlearn MetricFrame"}[name]
        rows.append(Pair((ours,), (taken,)).row(f"count {len(mine) - 1:,} cells, {ROWS:,} rows", called, note))
    return rows


def _on_spark(file: Path) -> list[dict[str, Any]]:
    """DuckDB against Spark on this machine, from the same Parquet file."""
    if not shutil.which("java"):
        return []
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    spark, own = open_engine("pyspark://local[2]?spark.sql.shuffle.partitions=2"), open_engine("duckdb://")
    there, here = spark.scored(file, None), own.scored(file, None)
    theirs, mine = tally(there, ASKED), tally(here, ASKED)
    assert theirs.where == mine.where
    assert (theirs.outcomes == mine.outcomes).all()
    np.testing.assert_allclose(theirs.sums, mine.sums, rtol=1e-9)
    timed = pair(lambda: tally(here, ASKED), lambda: tally(there, ASKED), 1)
    spark.close()
    own.close()
    return [timed.row(f"count {ROWS:,} rows from Parquet, DuckDB", "Spark, local[2]", "same counts, sums to 1e-9")]


def main(what: str) -> None:
    """What runs in a process of its own: the seconds of a peer over all cells."""
    given = columns(ROWS)
    start = time.perf_counter()
    for names in sets():
        {"per_cell": per_cell, "by_fairlearn": by_fairlearn}[what](given, names)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(sys.argv[1])
