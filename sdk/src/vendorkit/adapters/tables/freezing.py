"""Digesting a table in constant memory, and reading one back only where it is still what was frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.adapters.tables.opening import open_table
from vendorkit.adapters.tables.source import BATCH_ROWS, TableSource, frame_of
from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import now
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import TableDigest, why_different


@dataclass(frozen=True)
class Frozen:
    """A snapshot just taken, and what is odd about the data: columns without values, NaN, infinities."""

    snapshot: Snapshot
    notes: tuple[str, ...]


def freeze(dataset: str, source: str, base: Path, *, told: Callable[[int], None] = lambda rows: None) -> Frozen:
    """Digest a whole table.

    Args:
        dataset: Id of the dataset or benchmark in the manifest.
        source: As for `open_table`.
        base: The repository.
        told: Takes the number of rows read so far, now and then.

    Raises:
        BadInput: As for `open_table`; also an empty table, and columns of types that have no canonical form.
    """
    with open_table(source, base) as table:
        frozen = _freeze(dataset, table, table.schema, _counted(table.batches(), told))
    if frozen.snapshot.rows == 0:
        raise BadInput("An empty table cannot be frozen.", [Fault(source, "has columns but no rows.")])
    return frozen


def verify(snapshot: Snapshot, base: Path) -> list[str]:
    """Read a frozen table again and name every difference; empty when it is the same.

    Raises:
        BadInput: The source is gone or cannot be read any more.
    """
    with open_table(snapshot.source, base) as table:
        found = _freeze(snapshot.dataset, table, table.schema, table.batches())
    return why_different(snapshot, found.snapshot)


def read_frozen(snapshot: Snapshot, base: Path) -> pd.DataFrame:
    """The rows of a frozen table. What is given out is what was verified: it is read once.

    Raises:
        BadInput: The source is gone, or differs from its snapshot; every difference is named.
    """
    with open_table(snapshot.source, base) as table:
        rows = table.to_arrow()
        digest = TableDigest(rows.schema)
        for batch in rows.to_batches():
            digest.update(batch)
    not_as_frozen(snapshot, digest)
    return frame_of(rows)


def not_as_frozen(snapshot: Snapshot, digest: TableDigest) -> None:
    """Refuse rows that are not those of a snapshot.

    Raises:
        BadInput: They differ; every difference is named.
    """
    content_digest, columns, rows = digest.result()
    found = snapshot.model_copy(update={"content_digest": content_digest, "columns": columns, "rows": rows})
    differences = why_different(snapshot, found)
    if differences:
        raise BadInput(
            f"Dataset {snapshot.dataset!r} is not what was frozen on {snapshot.taken_at}.",
            [Fault(snapshot.source, says) for says in differences],
            fix=f"Restore it, or freeze it anew with `vendorkit snapshot {snapshot.dataset}`.",
        )


def digest_frame(frame: pd.DataFrame) -> str:
    """The content digest of a DataFrame: columns, types and values in row order; the index is not part of it.

    NaN in pandas means missing, as do None, NaT and NA.

    Raises:
        BadInput: Duplicate names, or a column of mixed or nested values; the message names it.
    """
    names = [str(name) for name in frame.columns]
    arrays, faults = [], []
    for place, name in enumerate(names):
        try:
            array = pa.array(frame.iloc[:, place], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            faults.append(Fault(name, f"column {name!r} has values of no one type: {error}.", "Cast it."))
            continue
        arrays.append(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))
    if faults:
        raise BadInput("This DataFrame has no digest.", faults)
    schema = pa.schema([(name, array.type) for name, array in zip(names, arrays, strict=True)])
    digest = TableDigest(schema)
    for batch in pa.Table.from_arrays(arrays, schema=schema).to_batches(BATCH_ROWS):
        digest.update(batch)
    return digest.result()[0]


def parquet_of(frame: pd.DataFrame) -> bytes:
    """A DataFrame as a Parquet file; the index is not part of it. NaN in pandas means missing.

    Raises:
        BadInput: A column of mixed values.
    """
    buffer = pa.BufferOutputStream()
    try:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer)
    except pa.ArrowException as error:
        raise BadInput("This DataFrame cannot be written.", [Fault("", str(error).splitlines()[0])]) from error
    return bytes(buffer.getvalue())


def _counted(batches: Iterable[pa.RecordBatch], told: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        yield batch
        rows += batch.num_rows
        told(rows)


def _freeze(dataset: str, table: TableSource, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Frozen:
    digest = TableDigest(schema)
    for batch in batches:
        digest.update(batch)
    content_digest, columns, rows = digest.result()
    snapshot = Snapshot(
        dataset=dataset,
        source=table.source,
        order=table.order,
        rows=rows,
        columns=columns,
        content_digest=content_digest,
        taken_at=now(),
    )
    return Frozen(snapshot, digest.oddities)
