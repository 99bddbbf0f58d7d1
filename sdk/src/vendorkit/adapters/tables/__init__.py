"""Where rows lie: CSV and Parquet files, folders of them, and any table that Ibis reads; and what is counted there.

A source is opened, streamed in batches and digested in constant memory. Only this package knows Ibis and DuckDB.
What the digest means is in `records.table_digest`, what a CSV file means in `records.csv_form`.
"""

from __future__ import annotations

from vendorkit.adapters.tables.batches import (
    ROW,
    batch_frame,
    copy_frozen,
    first_rows,
    frozen_batches,
    write_batches,
)
from vendorkit.adapters.tables.engines import Engine, open_engine
from vendorkit.adapters.tables.freezing import Frozen, digest_frame, freeze, parquet_of, read_frozen, verify
from vendorkit.adapters.tables.opening import open_table
from vendorkit.adapters.tables.source import BATCH_ROWS, TableSource
from vendorkit.adapters.tables.tally import tally

__all__ = [
    "BATCH_ROWS",
    "ROW",
    "Engine",
    "Frozen",
    "TableSource",
    "batch_frame",
    "copy_frozen",
    "digest_frame",
    "first_rows",
    "freeze",
    "frozen_batches",
    "open_engine",
    "open_table",
    "parquet_of",
    "read_frozen",
    "tally",
    "verify",
    "write_batches",
]
