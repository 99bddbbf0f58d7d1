"""An opened table: rows streamed in batches through Ibis, and readers' errors said plainly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self, cast

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.csv_form import plain_fault

BATCH_ROWS = 65_536
BATCH_CELLS = 4_194_304  # wide tables come in batches of fewer rows: memory does not grow with the columns


class TableSource:
    """An opened table. Use it in a `with`: it holds a connection.

    Args:
        source: What was opened, as the manifest says it.
        order: Whether rows come as stored, or sorted by all columns.
        table: The Ibis expression of all rows in that order.
        unordered: The same in any order, where that is cheaper; what is counted needs no order.
    """

    def __init__(
        self, source: str, order: Literal["as-stored", "sorted"], table: ibis.Table, unordered: ibis.Table | None = None
    ) -> None:
        self.source = source
        self.order: Literal["as-stored", "sorted"] = order
        self.table = table
        self.unordered = table if unordered is None else unordered
        self._backend = table.get_backend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; the table cannot be read afterwards."""
        self._backend.disconnect()

    @property
    def schema(self) -> pa.Schema:
        """Names and Arrow types of the columns."""
        return self._reader(self.table.limit(0)).schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in order, in batches of at most 65,536 rows, in constant memory.

        Raises:
            BadInput: Rows that cannot be read, with the line where the format tells it.
        """
        return self._stream(self._reader(self.table))

    def to_arrow(self) -> pa.Table:
        """All rows in memory."""
        reader = self._reader(self.table)
        return pa.Table.from_batches(list(self._stream(reader)), schema=reader.schema)

    def to_pandas(self) -> pd.DataFrame:
        """All rows in memory; integers with missing values become float64, dates datetime64."""
        return frame_of(self.to_arrow())

    def _reader(self, table: ibis.Table) -> Any:
        rows = max(2_048, min(BATCH_ROWS, BATCH_CELLS // max(1, len(table.columns))))
        with said_plainly(self.source):
            if self._backend.name == "duckdb":
                # Straight from the cursor: the reader then has the types that its batches have.
                return self._backend.raw_sql(self._backend.compile(table)).to_arrow_reader(rows)
            return table.to_pyarrow_batches(chunk_size=rows)

    def _stream(self, reader: Any) -> Iterator[pa.RecordBatch]:
        while True:
            with said_plainly(self.source):
                batch = next(reader, None)
            if batch is None:
                return
            yield batch


def frame_of(rows: pa.Table) -> pd.DataFrame:
    return cast(pd.DataFrame, rows.to_pandas(date_as_object=False))


@contextmanager
def said_plainly(source: str) -> Iterator[None]:
    """Turn a reader's error into one that names the source and the line."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise Unavailable(f"{source} needs more memory than there is.") from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise BadInput(f"{source} cannot be read.", [plain_fault(source, str(error))]) from error


def bad(where: str, says: str) -> BadInput:
    return BadInput(f"{where} cannot be read.", [Fault(where, says)])


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
