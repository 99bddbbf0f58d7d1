"""The content digest: against an independent reference in plain Python, and what does and does not change it."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import TableDigest, canonical_type, content_digest, why_different

FORMATS = {"int64": "<q", "int32": "<i", "uint8": "<B", "float64": "<d", "float32": "<f", "bool": "<B"}
QUIET_NAN = {"float64": struct.pack("<Q", 0x7FF8000000000000), "float32": struct.pack("<I", 0x7FC00000)}


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def reference(columns: Sequence[tuple[str, str, list[Any]]], rows: int) -> str:
    """The definition of docs/reference/content-digest.md, row for row, in plain Python."""
    described = []
    for name, kind, cells in columns:
        nulls, lengths, values = b"", b"", b""
        for row, cell in enumerate(cells):
            if cell is None:
                nulls += struct.pack("<Q", row)
            elif kind in ("string", "binary"):
                data = cell.encode() if kind == "string" else cell
                lengths += struct.pack("<I", len(data))
                values += data
            elif isinstance(cell, float) and math.isnan(cell):
                values += QUIET_NAN[kind]
            else:
                values += struct.pack(FORMATS[kind], cell)
        digest = "sha256:" + sha(sha(nulls) + sha(lengths) + sha(values)).hex()
        described.append({"digest": digest, "name": name, "nulls": len(nulls) // 8, "type": kind})
    table = {"columns": described, "digest": "vendorkit/table/1", "rows": rows}
    text = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + sha(text.encode()).hex()


def digest(table: pa.Table, batch_rows: int = 65_536) -> str:
    running = TableDigest(table.schema)
    for batch in table.to_batches(batch_rows):
        running.update(batch)
    return running.result()[0]


def taken(table: pa.Table, **changes: Any) -> Snapshot:
    running = TableDigest(table.schema)
    for batch in table.to_batches():
        running.update(batch)
    found, columns, rows = running.result()
    facts: dict[str, Any] = {
        "dataset": "d",
        "source": "d.csv",
        "order": "as-stored",
        "rows": rows,
        "columns": columns,
        "content_digest": found,
        "taken_at": "2026-11-22T10:00:00Z",
    }
    return Snapshot(**{**facts, **changes})


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "uint8": st.integers(0, 255),
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "bool": st.booleans(),
    "string": st.text(max_size=8),
    "binary": st.binary(max_size=8),
}
ARROW = {
    "float64": pa.float64(),
    "float32": pa.float32(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "uint8": pa.uint8(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[str, str, list[Any]]], int]:
    rows = draw(st.integers(0, 20))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    columns = []
    for place, kind in enumerate(kinds):
        cells = st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows)
        columns.append((f"{place}-{draw(st.text(max_size=3))}", kind, draw(cells)))
    return columns, rows


@given(tables(), st.integers(1, 21))
def test_the_digest_is_the_reference_whatever_the_batches(
    drawn: tuple[list[tuple[str, str, list[Any]]], int], batch_rows: int
) -> None:
    columns, rows = drawn
    table = pa.table({name: pa.array(cells, ARROW[kind]) for name, kind, cells in columns})
    assert digest(table, batch_rows) == reference(columns, rows)


@pytest.mark.parametrize(
    "other",
    [
        pa.array(["ä", None, "", "b"], pa.large_string()),
        pa.array(["ä", None, "", "b"], pa.string_view()),
        pa.array(["ä", None, "", "b"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3], pa.int8()), pa.array(["ä", None, "", "b"])),
        pa.chunked_array([["ä"], [None, "", "b"]]),
        pa.array(["x", "ä", None, "", "b", "y"]).slice(1, 4),
    ],
    ids=["large", "view", "dictionary", "null-in-dictionary", "chunked", "sliced"],
)
def test_encodings_of_text_are_not_content(other: pa.Array) -> None:
    assert digest(pa.table({"a": other})) == digest(pa.table({"a": pa.array(["ä", None, "", "b"])}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1000], pa.timestamp("ms")), pa.array([1_000_000], pa.timestamp("us"))),
        (pa.array([1000], pa.timestamp("ns", "UTC")), pa.array([1], pa.timestamp("us", "Europe/Berlin"))),
        (pa.array([86_400_000], pa.date64()), pa.array([1], pa.date32())),
        (pa.array([7], pa.time32("s")), pa.array([7_000_000_000], pa.time64("ns"))),
        (pa.array([3], pa.duration("s")), pa.array([3_000_000], pa.duration("us"))),
        (pa.array([b"ab"], pa.binary(2)), pa.array([b"ab"], pa.large_binary())),
        (pa.array([Decimal("1.50")], pa.decimal64(9, 2)), pa.array([Decimal("1.50")], pa.decimal128(9, 2))),
        (pa.RunEndEncodedArray.from_arrays([2, 3], [1, 5]), pa.array([1, 1, 5])),
        (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))), pa.array([b"0" * 16])),
    ],
    ids=["ms", "zone", "date64", "time32", "duration", "fixed-binary", "decimal64", "run-end", "extension"],
)
def test_units_and_storage_are_not_content(one: pa.Array, other: pa.Array) -> None:
    assert digest(pa.table({"a": one})) == digest(pa.table({"a": other}))


def test_hidden_bytes_under_a_missing_value_do_not_count() -> None:
    values = pa.array([1, 2, 3])
    garbage = pa.Array.from_buffers(pa.int64(), 3, [pa.array([True, False, True]).buffers()[1], values.buffers()[1]])
    assert digest(pa.table({"a": garbage})) == digest(pa.table({"a": pa.array([1, None, 3])}))


def test_every_nan_is_the_same_and_minus_zero_is_not_zero() -> None:
    quiet, other = np.array([0x7FF8000000000000, 0xFFF0000000000001], "u8").view("f8")
    assert digest(pa.table({"a": [quiet]})) == digest(pa.table({"a": [other]}))
    assert digest(pa.table({"a": [0.0]})) != digest(pa.table({"a": [-0.0]}))


BASE = {"a": pa.array([1, 2, 3]), "b": pa.array(["x", None, "z"])}


@pytest.mark.parametrize(
    "changed",
    [
        {**BASE, "a": pa.array([1, 2, 4])},
        {"A": BASE["a"], "b": BASE["b"]},
        {"b": BASE["b"], "a": BASE["a"]},
        {**BASE, "a": pa.array([1, 2, 3], pa.int32())},
        {**BASE, "a": pa.array([1.0, 2.0, 3.0])},
        {**BASE, "b": pa.array(["x", "", "z"])},
        {**BASE, "b": pa.array(["x", "NaN", "z"])},
        {**BASE, "b": pa.array([b"x", None, b"z"])},
        {**BASE, "b": pa.array([None, "x", "z"])},
        {**BASE, "b": pa.array(["xz", None, ""])},
        {"a": pa.array([2, 1, 3]), "b": pa.array([None, "x", "z"])},
        {"a": pa.array([1, 2]), "b": pa.array(["x", None])},
        {**BASE, "c": pa.nulls(3)},
        {"ä": BASE["a"], "b": BASE["b"]},
    ],
    ids=[
        "value", "name", "column order", "int32", "float", "empty text", "NaN text", "binary", "which is missing",
        "where values end", "row order", "fewer rows", "more columns", "unicode name",
    ],
)  # fmt: skip
def test_content_changes_the_digest(changed: dict[str, pa.Array]) -> None:
    assert digest(pa.table(changed)) != digest(pa.table(BASE))


def test_labels_flipped_late_in_the_table_change_our_digest_and_not_mlflows() -> None:
    mlflow_data = pytest.importorskip("mlflow.data")
    frame = pd.DataFrame({"age": np.arange(20_000), "label": np.arange(20_000) % 2})
    flipped = frame.copy()
    flipped.loc[15_000:, "label"] = 1 - flipped.loc[15_000:, "label"]
    assert mlflow_data.from_pandas(frame).digest == mlflow_data.from_pandas(flipped).digest
    assert digest(pa.Table.from_pandas(frame)) != digest(pa.Table.from_pandas(flipped))


def test_no_rows_have_a_digest_of_their_names_and_types() -> None:
    empty = pa.table({"a": pa.array([], pa.int64())})
    assert digest(empty) == reference([("a", "int64", [])], 0)
    assert digest(empty) != digest(pa.table({"b": pa.array([], pa.int64())}))


def test_missing_values_and_rows_are_counted() -> None:
    running = TableDigest(pa.schema([("a", pa.float64()), ("b", pa.null())]))
    for batch in pa.table({"a": pa.array([1.0, None, math.nan, math.inf]), "b": pa.nulls(4)}).to_batches(3):
        running.update(batch)
    found, columns, rows = running.result()
    assert (rows, [column.nulls for column in columns]) == (4, [1, 4])
    assert found == content_digest(columns, rows)
    assert running.oddities == (
        "column 'a' holds 1 NaN and 1 infinite values.",
        "column 'b' has no values.",
    )


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.int64()), pa.struct([("x", pa.int64())]), pa.map_(pa.string(), pa.int64()), pa.decimal256(50, 2)],
    ids=str,
)
def test_types_without_canonical_form_are_refused_by_name(kind: pa.DataType) -> None:
    assert canonical_type(kind) is None
    with pytest.raises(BadInput) as caught:
        TableDigest(pa.schema([("good", pa.int64()), ("one", kind), ("two", kind)]))
    assert [fault.where for fault in caught.value.faults] == ["one", "two"]
    assert str(kind) in caught.value.faults[0].says


def test_a_timestamp_that_would_lose_nanoseconds_is_refused() -> None:
    with pytest.raises(BadInput, match=r"timestamp\[ns\] and has values that do not fit"):
        digest(pa.table({"at": pa.array([1], pa.timestamp("ns"))}))


def test_names_must_be_there_and_unique() -> None:
    with pytest.raises(BadInput) as caught:
        TableDigest(pa.schema([("a", pa.int64()), ("", pa.int64()), ("a", pa.int64())]))
    assert [fault.says for fault in caught.value.faults] == ["column 2 has no name.", "column 'a' is there 2 times."]


def test_a_batch_of_other_columns_is_refused_and_one_of_another_encoding_is_not() -> None:
    running = TableDigest(pa.schema([("a", pa.string())]))
    running.update(pa.record_batch({"a": pa.array(["x"]).dictionary_encode()}))
    with pytest.raises(BadInput, match="differ in their columns"):
        running.update(pa.record_batch({"a": pa.array([1])}))
    assert running.result()[2] == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({**BASE, "a": pa.array([1, 2, 4])}, ["column 'a': values differ."]),
        ({**BASE, "b": pa.array(["x", "", "z"])}, ["column 'b': values differ (missing: 1 became 0)."]),
        ({**BASE, "a": pa.array([1, 2, 3], pa.int32())}, ["column 'a': type int64 became int32."]),
        (
            {"A": BASE["a"], "b": BASE["b"]},
            ["column 'a' was renamed to 'A'; its values are the same."],
        ),
        ({"a": BASE["a"]}, ["column 'b' is gone."]),
        ({**BASE, "c": pa.array([0, 0, 0])}, ["column 'c' is new."]),
        ({"b": BASE["b"], "a": BASE["a"]}, ["the columns stand in another order."]),
        (
            {"a": pa.array([2, 1, 3]), "b": pa.array([None, "x", "z"])},
            [
                "column 'a': values differ.",
                "column 'b': values differ.",
                "every column changed and the number of rows did not: the rows may stand in another order.",
            ],
        ),
        (
            {"a": pa.array([1, 2]), "b": pa.array(["x", None])},
            ["rows: 3 became 2.", "column 'a': values differ.", "column 'b': values differ."],
        ),
        (BASE, []),
    ],
    ids=["value", "nulls", "type", "rename", "gone", "new", "column order", "row order", "rows", "same"],
)
def test_why_different_says_why(changed: dict[str, pa.Array], says: list[str]) -> None:
    assert why_different(taken(pa.table(BASE)), taken(pa.table(changed))) == says


def test_why_different_names_the_order_of_rows() -> None:
    other = pa.table({**BASE, "a": pa.array([9, 2, 3])})
    says = why_different(taken(pa.table(BASE)), taken(other, order="sorted"))
    assert says[0] == "row order: as-stored became sorted."
