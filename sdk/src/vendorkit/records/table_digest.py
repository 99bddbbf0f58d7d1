"""The content digest of a table: every row, every column, names, types and row order.

Definition `vendorkit/table/1` (also in docs/reference/content-digest.md, for whoever reimplements it):

1. Each column is three byte streams, over all rows in order, whatever batches they come in:
   `nulls`    for each missing value its row number, counted from 0, as 8 bytes;
   `lengths`  for each present text or binary value its number of bytes, as 4 bytes; else empty;
   `values`   the present values one after another, missing ones left out.
   All numbers are little-endian. Integers and floats have their own width, NaN is the one quiet NaN
   (0x7e00, 0x7fc00000, 0x7ff8000000000000), -0.0 stays -0.0. Booleans are one byte, 0 or 1. Text is UTF-8
   as it stands. Dates are days since 1970 in 4 bytes; times of day, timestamps and durations are microseconds
   in 8 bytes (an instant with a time zone counts in UTC); decimals are 16 bytes, two's complement, unscaled.
2. digest(column) = SHA-256(SHA-256(nulls) + SHA-256(lengths) + SHA-256(values)), each inner one 32 raw bytes.
3. digest(table) = SHA-256 of the canonical JSON (RFC 8785) of
   {"digest": "vendorkit/table/1", "rows": n, "columns": [{"name", "type", "nulls", "digest"}, ...]}.

Encodings are not content: dictionary, large and view forms, chunks and time units give the same digest.
Nothing is read or written here: batches come in, a digest goes out.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vendorkit.errors import BadInput, Fault
from vendorkit.records.canonical import ALGORITHM, digest_json
from vendorkit.records.snapshot import Column, Snapshot

DEFINITION = "vendorkit/table/1"

_QUIET_NAN = {2: "<u2", 4: "<u4", 8: "<u8"}
_QUIET_NAN_BITS = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}
_LONGEST_VALUE = 2**32 - 1


def canonical_type(kind: pa.DataType) -> str | None:
    """The name of a type whatever its encoding, for instance `string` for `large_string`.

    Returns:
        None for a type that cannot be frozen: lists, structs, maps, unions, intervals, wide decimals.
    """
    kind = _decoded_type(kind)
    if pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return str(kind)
    if pa.types.is_floating(kind):
        return f"float{kind.bit_width}"
    for name, is_kind in _NAMES.items():
        if is_kind(kind):
            return name
    if pa.types.is_timestamp(kind):
        return "timestamp[us, UTC]" if kind.tz else "timestamp[us]"
    if _is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return None


def _decoded_type(kind: pa.DataType) -> pa.DataType:
    while isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind):
        kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
    return _decoded_type(kind.value_type) if pa.types.is_run_end_encoded(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    ) and not pa.types.is_decimal(kind)


def _is_decimal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind)) and not pa.types.is_decimal256(kind)


_NAMES: dict[str, Callable[[pa.DataType], bool]] = {
    "string": _is_text,
    "binary": _is_binary,
    "date": pa.types.is_date,
    "time[us]": pa.types.is_time,
    "duration[us]": pa.types.is_duration,
}


def _present(array: pa.Array, name: str) -> pa.Array:
    """Undo encodings and bring times to microseconds."""
    while True:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        elif pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        else:
            break
    wanted = _plain_type(array.type)
    if wanted == array.type:
        return array
    try:
        return array.cast(wanted)
    except pa.ArrowInvalid as error:
        says = f"is {array.type} and has values that do not fit {wanted} without loss."
        raise BadInput(f"Column {name!r} cannot be frozen.", [Fault(name, says, "Cast it in the source.")]) from error


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """The one Arrow type in which values of a kind are digested."""
    for is_kind, plain in _PLAIN:
        if is_kind(kind):
            return plain
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    return pa.decimal128(kind.precision, kind.scale) if _is_decimal(kind) else kind


_PLAIN: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_duration, pa.duration("us")),
    (pa.types.is_boolean, pa.uint8()),
    (pa.types.is_string_view, pa.large_string()),
    (pa.types.is_binary_view, pa.large_binary()),
    (lambda kind: _is_binary(kind) and pa.types.is_fixed_size_binary(kind), pa.large_binary()),
)


class _ColumnStream:
    """The three running hashes of one column."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.rows = 0
        self.null_count = 0
        self.nan_count = 0
        self.infinite_count = 0
        self._nulls = hashlib.sha256()
        self._lengths = hashlib.sha256()
        self._values = hashlib.sha256()

    def update(self, array: pa.Array) -> None:
        rows = len(array)
        array = _present(array, self.name)
        if array.null_count:
            # Logical nulls: an array of type null has no validity bits, but is_null knows.
            positions = np.flatnonzero(pc.is_null(array).to_numpy(zero_copy_only=False))
            self._nulls.update((positions + self.rows).astype("<u8", copy=False).data)
            self.null_count += len(positions)
            array = array.drop_null()
        self.rows += rows
        if len(array) == 0:
            return
        if self.kind in ("string", "binary"):
            self._update_text(array)
        elif pa.types.is_decimal(array.type):
            start = 16 * array.offset
            self._values.update(memoryview(array.buffers()[1])[start : start + 16 * len(array)])
        else:
            self._update_fixed(array)

    def _update_text(self, array: pa.Array) -> None:
        wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
        _, offsets_buffer, bytes_buffer = array.buffers()
        offsets = np.frombuffer(offsets_buffer, dtype="<i8" if wide else "<i4")
        offsets = offsets[array.offset : array.offset + len(array) + 1]
        lengths = np.diff(offsets)
        if wide and lengths.max() > _LONGEST_VALUE:
            says = "has a value of 4 GiB or more."
            raise BadInput(f"Column {self.name!r} cannot be frozen.", [Fault(self.name, says)])
        self._lengths.update(lengths.astype("<u4", copy=False).data)
        if bytes_buffer is not None:
            self._values.update(memoryview(bytes_buffer)[int(offsets[0]) : int(offsets[-1])])

    def _update_fixed(self, array: pa.Array) -> None:
        if pa.types.is_date(array.type):
            array = array.view(pa.int32())
        elif pa.types.is_temporal(array.type):
            array = array.view(pa.int64())
        values = array.to_numpy()
        if values.dtype.kind == "f":
            values = self._one_nan(values)
        values = values.astype(values.dtype.newbyteorder("<"), copy=False)
        self._values.update(np.ascontiguousarray(values).data)

    def _one_nan(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The values with every NaN the same bits: NaN has many, and engines differ in which they make."""
        if np.isfinite(values).all():
            return values
        is_nan = np.isnan(values)
        found = int(is_nan.sum())
        self.nan_count += found
        self.infinite_count += int(np.isinf(values).sum())
        if not found:
            return values
        width = values.dtype.itemsize
        bits = values.astype(values.dtype.newbyteorder("<"), copy=True).view(_QUIET_NAN[width])
        bits[is_nan] = _QUIET_NAN_BITS[width]
        return bits

    def column(self) -> Column:
        parts = self._nulls.digest() + self._lengths.digest() + self._values.digest()
        digest = f"{ALGORITHM}:{hashlib.sha256(parts).hexdigest()}"
        return Column(name=self.name, type=self.kind, nulls=self.null_count, digest=digest)


class TableDigest:
    """The running digest of a table; memory is bounded by two batches.

    Args:
        schema: Names and types of the columns.
        workers: Threads that hash columns side by side; default: one per core.

    Raises:
        BadInput: Columns of types that cannot be frozen, empty or duplicate names; all of them are named.
    """

    def __init__(self, schema: pa.Schema, *, workers: int | None = None) -> None:
        _check_names(schema.names)
        kinds = [canonical_type(field.type) for field in schema]
        self._kinds = kinds
        faults = [
            Fault(field.name, f"type {field.type} of column {field.name!r} cannot be frozen.", "Cast it.")
            for field, kind in zip(schema, kinds, strict=True)
            if kind is None
        ]
        if faults:
            raise BadInput("This table cannot be frozen.", faults)
        self._schema = schema
        self._streams = [_ColumnStream(field.name, kind or "") for field, kind in zip(schema, kinds, strict=True)]
        self._workers = ThreadPoolExecutor(workers or os.cpu_count(), thread_name_prefix="digest")
        self._pending: list[Future[None]] = []
        self._rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take the next rows. Hashing goes on in the background while the next batch is fetched.

        Raises:
            BadInput: Names or types differ from the schema, or values have no canonical form.
        """
        if not batch.schema.equals(self._schema):
            found = [canonical_type(field.type) for field in batch.schema]
            if batch.schema.names != self._schema.names or found != self._kinds:
                says = f"a batch has {batch.schema.to_string()}, expected {self._schema.to_string()}."
                raise BadInput("The rows of this table differ in their columns.", [Fault("", says)])
        self._wait()
        self._rows += batch.num_rows
        self._pending = [
            self._workers.submit(stream.update, array)
            for stream, array in zip(self._streams, batch.columns, strict=True)
        ]

    def result(self) -> tuple[str, tuple[Column, ...], int]:
        """Content digest, columns and number of rows of all that was taken; ends the digest."""
        self._wait()
        self._workers.shutdown()
        columns = tuple(stream.column() for stream in self._streams)
        return content_digest(columns, self._rows), columns, self._rows

    @property
    def oddities(self) -> tuple[str, ...]:
        """What is allowed but worth a look, after `result`: columns without values, NaN, infinities."""
        says = []
        for stream in self._streams:
            if stream.rows and stream.null_count == stream.rows:
                says.append(f"column {stream.name!r} has no values.")
            if stream.nan_count or stream.infinite_count:
                found = f"{stream.nan_count:,} NaN and {stream.infinite_count:,} infinite values"
                says.append(f"column {stream.name!r} holds {found}.")
        return tuple(says)

    def _wait(self) -> None:
        pending, self._pending = self._pending, []
        for future in pending:
            future.result()


def _check_names(names: Iterable[str]) -> None:
    names = list(names)
    faults = [Fault("", f"column {n + 1} has no name.") for n, name in enumerate(names) if not name]
    faults += [
        Fault(name, f"column {name!r} is there {count} times.")
        for name, count in sorted(Counter(filter(None, names)).items())
        if count > 1
    ]
    if faults:
        raise BadInput("The columns of a table need names, each its own.", faults)


def content_digest(columns: tuple[Column, ...], rows: int) -> str:
    """The digest of a whole table from the digests of its columns (step 3 of the definition)."""
    described = [column.model_dump(mode="json") for column in columns]
    return digest_json({"digest": DEFINITION, "rows": rows, "columns": described})


def schemas_differ(first: pa.Schema, other: pa.Schema) -> str:
    """The first difference in names or types between two schemas, in words; empty when they agree."""
    for a, b in zip(first, other, strict=False):
        if a.name != b.name:
            return f"{b.name!r} in place of {a.name!r}"
        if canonical_type(a.type) != canonical_type(b.type):
            return f"{b.name!r} is {b.type}, not {a.type}"
    return f"{len(other)} in place of {len(first)}" if len(first) != len(other) else ""


def why_different(a: Snapshot, b: Snapshot) -> list[str]:
    """What differs in content from `a` to `b`, one plain sentence for each; empty when they are equal."""
    if a.content_digest == b.content_digest:
        return []
    says = []
    if a.order != b.order:
        says.append(f"row order: {a.order} became {b.order}.")
    if a.rows != b.rows:
        says.append(f"rows: {a.rows:,} became {b.rows:,}.")
    before = {column.name: column for column in a.columns}
    after = {column.name: column for column in b.columns}
    says += _columns_come_and_gone(before, after)
    shared = [name for name in before if name in after]
    if shared != [name for name in after if name in before]:
        says.append("the columns stand in another order.")
    changed = []
    for name in shared:
        says += _column_differs(before[name], after[name])
        changed += [name] if before[name].digest != after[name].digest else []
    if a.rows == b.rows and len(changed) == len(before) == len(after) > 1:
        says.append("every column changed and the number of rows did not: the rows may stand in another order.")
    return says or ["the digest was made by another definition."]


def _columns_come_and_gone(before: dict[str, Column], after: dict[str, Column]) -> list[str]:
    gone = [column for name, column in before.items() if name not in after]
    come = [column for name, column in after.items() if name not in before]
    says = []
    for old in gone:
        same = next((new for new in come if new.digest == old.digest), None)
        if same:
            come.remove(same)
            says.append(f"column {old.name!r} was renamed to {same.name!r}; its values are the same.")
        else:
            says.append(f"column {old.name!r} is gone.")
    return says + [f"column {new.name!r} is new." for new in come]


def _column_differs(old: Column, new: Column) -> list[str]:
    if old.type != new.type:
        return [f"column {old.name!r}: type {old.type} became {new.type}."]
    if old.digest == new.digest:
        return []
    nulls = f" (missing: {old.nulls:,} became {new.nulls:,})" if old.nulls != new.nulls else ""
    return [f"column {old.name!r}: values differ{nulls}."]
