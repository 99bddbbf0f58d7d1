"""The digest of a large table against only reading it with DuckDB, and the memory that it takes.

`python tests/benchmarks/bench_digest.py [--gb 1] [--pairs 5]`. Goal: at most 2 times, in constant memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from vendorkit.adapters.tables import BATCH_ROWS, freeze

from tests.benchmarks.pairs import pair, table

CHUNK_ROWS = 500_000

# ru_maxrss would do, but a child starts with the peak of the process that made it.
PEAK = """
import re, sys
from pathlib import Path
from tests.benchmarks import bench_digest
run = {"digest": bench_digest.digest, "read": bench_digest.read}[sys.argv[1]]
run(Path(sys.argv[2]))
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def measure(gb: float = 1.0, pairs: int = 5) -> list[dict[str, Any]]:
    """Make the table, then digest and read it in turn.

    Args:
        gb: Size of the Parquet file in 10**9 bytes.
        pairs: Number of pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "table.parquet", Path(folder) / "small.parquet"
        rows = make(path, gb)
        make(small, gb / 10)
        timed = pair(lambda: digest(path), lambda: read(path), pairs)
        megabytes = {what: peak_mb(what, path) for what in ("digest", "read")}
        tenth = peak_mb("digest", small)
        size = f"{path.stat().st_size / 1e9:.2f} GB of Parquet, {rows:,} rows, 10 columns"
    note = (
        f"{size}; peak memory {megabytes['digest']} MB (a tenth of the rows: {tenth} MB; "
        f"reading alone: {megabytes['read']} MB)"
    )
    return [timed.row("digest of a table", "DuckDB reads every batch", note)]


def digest(path: Path) -> None:
    """What `vendorkit snapshot` does for one table."""
    freeze("bench", path.name, path.parent)


def read(path: Path) -> None:
    """Stream every row of the file through Arrow batches and do nothing with them."""
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        for _ in con.execute("SELECT * FROM read_parquet(?)", [str(path)]).to_arrow_reader(BATCH_ROWS):
            pass


def peak_mb(what: str, path: Path) -> int:
    """Peak resident memory of a fresh process that does one of both, as Linux counts it."""
    command = [sys.executable, "-c", PEAK, what, str(path)]
    top = Path(__file__).parents[2]
    answer = subprocess.run(command, cwd=top, check=True, capture_output=True, text=True)
    return int(answer.stdout)


def make(path: Path, gb: float) -> int:
    """A table as lenders have them: numbers, names, codes, references, times, gaps. Gives its rows."""
    rng = np.random.default_rng(20260901)
    rows = 0
    with pq.ParquetWriter(path, some_rows(rng, 1, 0).schema) as writer:
        while path.stat().st_size < gb * 1e9:
            writer.write_table(some_rows(rng, CHUNK_ROWS, rows), row_group_size=250_000)
            rows += CHUNK_ROWS
    return rows


def some_rows(rng: np.random.Generator, count: int, start: int) -> pa.Table:
    """Random rows; the same for the same generator."""
    cities = pa.array(["Aachen", "Basel", "Como", "Dresden", "Espoo", "Fürth", "Gent", "Hoorn"])
    seconds = rng.integers(1_600_000_000, 1_760_000_000, count)
    return pa.table(
        {
            "id": pa.array(np.arange(start, start + count)),
            "age": pa.array(rng.integers(18, 90, count, dtype="int32")),
            "income": pa.array(np.round(rng.normal(42_000, 11_000, count), 2)),
            "balance": pa.array(rng.normal(0, 5_000, count), mask=rng.random(count) < 0.07),
            "rate": pa.array(rng.random(count, dtype="float32")),
            "city": cities.take(pa.array(rng.integers(0, len(cities), count))),
            "reference": pa.array(rng.integers(0, 2**62, count)).cast(pa.string()),
            "applied_at": pa.array(seconds * 1_000_000, pa.timestamp("us")),
            "paid_on": pa.array((seconds // 86_400).astype("int32"), pa.date32(), mask=rng.random(count) < 0.3),
            "defaulted": pa.array(rng.random(count) < 0.08),
        }
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    print(table(measure(given.gb, given.pairs)))


if __name__ == "__main__":
    main()
