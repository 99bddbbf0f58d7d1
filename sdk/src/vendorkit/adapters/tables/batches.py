"""Frozen rows in batches, in constant memory: as frames for vendor code, and what it said of them as Parquet.

A frame of a batch has the dtypes that a frame of all rows would have, and the rows' numbers as its index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.adapters.tables.freezing import not_as_frozen
from vendorkit.adapters.tables.opening import open_table
from vendorkit.adapters.tables.source import frame_of
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import TableDigest

ROW = "vendorkit row"
"""The column of row numbers in a copy of frozen rows."""


def frozen_batches(snapshot: Snapshot, base: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a frozen table in order, each batch with the column ROW.

    Raises:
        BadInput: After the last batch: the rows were not those that were frozen; nothing made of them counts.
    """
    with open_table(snapshot.source, base) as table:
        digest, first = TableDigest(table.schema), 0
        for batch in table.batches():
            digest.update(batch)
            yield batch.append_column(ROW, pa.array(np.arange(first, first + len(batch))))
            first += len(batch)
    not_as_frozen(snapshot, digest)


def first_rows(snapshot: Snapshot, base: Path, rows: int) -> pa.RecordBatch:
    """At most so many rows from the beginning, with the column ROW; not verified.

    Raises:
        BadInput: There is none any more.
    """
    with open_table(snapshot.source, base) as table:
        schema = table.schema
        batch = next(table.batches(), pa.RecordBatch.from_pylist([], schema)).slice(0, rows)
    if not len(batch):
        not_as_frozen(snapshot, TableDigest(schema))
    return batch.append_column(ROW, pa.array(np.arange(len(batch))))


def batch_frame(batch: pa.RecordBatch, snapshot: Snapshot) -> pd.DataFrame:
    """A batch as a DataFrame whose index is the rows' numbers.

    Args:
        batch: Columns of the frozen table, and ROW.
        snapshot: Tells which columns have missing values anywhere.
    """
    rows = pa.Table.from_batches([batch])
    index = rows[ROW].to_numpy()
    rows = rows.drop_columns([ROW])
    gaps = {column.name for column in snapshot.columns if column.nulls}
    for place, field in enumerate(rows.schema):
        if pa.types.is_integer(field.type) and field.name in gaps:
            rows = rows.set_column(place, field.name, rows[field.name].cast(pa.float64()))
    frame = frame_of(rows)
    for name in gaps & {column for column in frame if pd.api.types.is_bool_dtype(frame[column].dtype)}:
        frame[name] = frame[name].astype(object)
    frame.index = pd.Index(index)
    return frame


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches to one Parquet file; gives the number of rows."""
    rows = 0
    with pq.ParquetWriter(path, schema, compression="lz4") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += len(batch)
    return rows


def copy_frozen(snapshot: Snapshot, base: Path, path: Path) -> None:
    """A verified copy of a frozen table with the column ROW, as Parquet.

    Raises:
        BadInput: The rows are not those that were frozen.
    """
    batches = frozen_batches(snapshot, base)
    first = next(batches)

    def every() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    write_batches(path, first.schema, every())
