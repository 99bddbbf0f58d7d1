"""A snapshot: a frozen dataset, known by the digest of its whole content. Its file is the pointer in git."""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Timestamp, Value


class Column(Value):
    """One column.

    Args:
        name: Its name, unique in the table.
        type: Canonical type, for instance `int64`, `float64`, `string`, `bool`, `date`, `timestamp[us]`.
        nulls: How many values are missing.
        digest: Digest of all its values in row order: tells which column changed.
    """

    name: str
    type: str
    nulls: int
    digest: Digest


class Snapshot(Record):
    """A frozen dataset.

    Args:
        dataset: Id of the dataset or benchmark in the manifest.
        source: Where the rows lie: a path inside the repository, or an Ibis URL with `#table`.
        order: `as-stored` for files, `sorted` (by all columns) for tables that have no order of their own.
        rows: Number of rows.
        columns: All columns in order.
        content_digest: Digest over names, types and every value of every row.
        taken_at: When it was frozen, UTC.
    """

    schema_name: ClassVar[str] = "vendorkit/snapshot/1"

    dataset: str
    source: str
    order: Literal["as-stored", "sorted"]
    rows: int
    columns: tuple[Column, ...]
    content_digest: Digest
    taken_at: Timestamp
