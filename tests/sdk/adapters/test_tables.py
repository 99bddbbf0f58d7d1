"""Tables as they lie: files, folders, databases; what is read, what is refused, and how it is said."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from vendorkit.adapters.tables import ROW, digest_frame, first_rows, freeze, open_table, read_frozen, verify
from vendorkit.errors import BadInput, Fault

from tests.support.shared import shared_data

ROWS = pa.table(
    {
        "id": pa.array(range(5)),
        "größe": pa.array([1.5, None, -0.0, math.inf, 1e300]),
        "name": pa.array(["a", None, "", "NaN", "ä,\n\"b\""]),
        "ok": pa.array([True, False, None, True, False]),
        "day": pa.array([0, 1, None, 20_000, -1], pa.date32()),
        "at": pa.array([0, 1_500_000, None, 10**15, 7], pa.timestamp("us")),
    }
)  # fmt: skip


def write(path: Path, content: str | bytes | pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def content(source: str, base: Path) -> str:
    return freeze("d", source, base).snapshot.content_digest


def faults(source: str, base: Path) -> list[Fault]:
    with pytest.raises(BadInput) as caught:
        freeze("d", source, base)
    return list(caught.value.faults)


def types(text: str, base: Path) -> dict[str, str]:
    write(base / "typed.csv", text)
    return {column.name: column.type for column in freeze("d", "typed.csv", base).snapshot.columns}


# The same table from different places


def test_csv_and_parquet_of_one_table_have_one_digest(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS)
    pacsv.write_csv(ROWS, tmp_path / "a.csv")
    assert content("a.csv", tmp_path) == content("a.parquet", tmp_path)


def test_parquet_of_another_layout_has_the_same_digest(tmp_path: Path) -> None:
    table = pa.table({"n": np.arange(200_000), "s": np.arange(200_000) % 7}).cast(
        pa.schema([("n", pa.int64()), ("s", pa.string())])
    )
    write(tmp_path / "a.parquet", table)
    other = table.set_column(1, "s", table["s"].combine_chunks().dictionary_encode())
    pq.write_table(other, tmp_path / "b.parquet", row_group_size=999, compression="zstd")
    assert content("a.parquet", tmp_path) == content("b.parquet", tmp_path)


def test_a_folder_is_its_files_in_order_of_name(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array(range(30_000))})
    write(tmp_path / "whole.parquet", table)
    for place, name in enumerate(["part-1", "part-10", "part-2"]):
        write(tmp_path / f"parts/{name}.parquet", table.slice(10_000 * place, 10_000))
        pacsv.write_csv(table.slice(10_000 * place, 10_000), (tmp_path / "parts" / f"{name}.csv"))
    for ending in ("csv", "parquet"):
        folder = tmp_path / f"{ending}s"
        folder.mkdir()
        for file in (tmp_path / "parts").glob(f"*.{ending}"):
            file.rename(folder / file.name)
        write(folder / "_SUCCESS", "")
        write(folder / ".part-0.crc", "x")
    assert content("parquets", tmp_path) == content("csvs", tmp_path) == content("whole.parquet", tmp_path)
    (tmp_path / "parquets/part-1.parquet").rename(tmp_path / "parquets/part-3.parquet")
    assert content("parquets", tmp_path) != content("whole.parquet", tmp_path)


def test_names_that_are_patterns_or_partitions_are_only_names(tmp_path: Path) -> None:
    base = tmp_path / "year=2026"
    for name in ("a[1]*?'.csv", "a[1]*?'.parquet"):
        write(base / name, "n\n1\n" if name.endswith("csv") else pa.table({"n": [1]}))
    write(base / "a1x.csv", "n\n2\n")
    snapshots = [freeze("d", f"a[1]*?'.{kind}", base).snapshot for kind in ("csv", "parquet")]
    assert [[column.name for column in snapshot.columns] for snapshot in snapshots] == [["n"], ["n"]]
    assert snapshots[0].content_digest == snapshots[1].content_digest


def test_database_tables_are_sorted_and_agree(tmp_path: Path) -> None:
    rows = [(3, "c", 0.5), (1, None, None), (2, "b", 2.0), (2, "a", 9.0)]
    for name, given in (("a.db", rows), ("b.db", rows[::-1])):
        with duckdb.connect(str(tmp_path / name)) as con:
            con.execute("CREATE SCHEMA risk; CREATE TABLE risk.loans (n BIGINT, s VARCHAR, x DOUBLE)")
            con.executemany("INSERT INTO risk.loans VALUES (?, ?, ?)", given)
    con = sqlite3.connect(tmp_path / "c.sqlite")
    con.execute("CREATE TABLE loans (n INTEGER, s TEXT, x REAL)")
    con.executemany("INSERT INTO loans VALUES (?, ?, ?)", rows)
    con.commit()
    con.close()
    sources = ["duckdb://a.db#risk.loans", "duckdb://b.db#risk.loans", "sqlite://c.sqlite#loans"]
    snapshots = [freeze("d", source, tmp_path).snapshot for source in sources]
    assert len({snapshot.content_digest for snapshot in snapshots}) == 1
    assert {snapshot.order for snapshot in snapshots} == {"sorted"}
    with open_table(sources[0], tmp_path) as table:
        assert table.to_pandas()["n"].tolist() == [1, 2, 2, 3]


def test_line_ends_marks_and_delimiters_are_not_content(tmp_path: Path) -> None:
    for name, text in {
        "a": "n,s\n1,x\n2,y\n",
        "b": "n,s\r\n1,x\r\n2,y\r\n",
        "c": "\ufeffn,s\n1,x\n2,y",
        "d": '"n";"s"\n1;x\n2;"y"\n',
        "e": "n\ts\n1\tx\n2\ty\n",
    }.items():
        write(tmp_path / f"{name}.csv", text)
    assert len({content(f"{name}.csv", tmp_path) for name in "abcde"}) == 1


# What a CSV file means


def test_types_are_those_that_every_value_fits(tmp_path: Path) -> None:
    text = (
        "int,float,code,big,mixed,flag,day,german,at,zone,nan,empty,wide\n"
        "1,1,007,1,1,true,2026-01-31,31/12/2026,2026-01-31 10:00:00,2026-01-31T10:00:00Z,NaN,,0\n"
        " -20 ,.5,8,99999999999999999999,x,False,2026-02-01,01/01/2027,"
        "2026-01-31T10:00:00.25,2026-01-31T10:00:00+01:00,1e-3,,-0\n"
    )
    assert types(text, tmp_path) == {
        "int": "int64",
        "float": "float64",
        "code": "string",
        "big": "string",
        "mixed": "string",
        "flag": "bool",
        "day": "date",
        "german": "string",
        "at": "timestamp[us]",
        "zone": "timestamp[us, UTC]",
        "nan": "float64",
        "empty": "string",
        "wide": "float64",
    }


@pytest.mark.parametrize(("last", "kind"), [("1.5", "float64"), ("x", "string"), ("01", "string"), ("7", "int64")])
def test_the_last_row_counts_for_types_too(last: str, kind: str, tmp_path: Path) -> None:
    assert types("n,m\n" + "1,1\n" * 70_000 + f"{last},1\n", tmp_path)["n"] == kind


def test_dates_that_are_none_stay_text(tmp_path: Path) -> None:
    assert types("d,m\n2026-02-30,1\n", tmp_path)["d"] == "string"


def test_missing_empty_and_nan_text_are_three_things(tmp_path: Path) -> None:
    digests = set()
    for cell in ("", '""', "NaN"):
        write(tmp_path / "a.csv", f"s,n\nx,1\n{cell},2\n")
        digests.add(content("a.csv", tmp_path))
    assert len(digests) == 3
    write(tmp_path / "a.csv", 's,n\nx,1\n"",2\n,3\n')
    with open_table("a.csv", tmp_path) as table:
        assert table.to_arrow()["s"].to_pylist() == ["x", "", None]


# What changes a digest


def test_real_rows_late_in_the_table_count(tmp_path: Path) -> None:
    text = shared_data("credit-default/uci-default-credit-card-clients.csv").read_bytes()
    write(tmp_path / "a.csv", text)
    frozen = freeze("d", "a.csv", tmp_path).snapshot
    assert verify(frozen, tmp_path) == []
    lines = text.decode().splitlines()
    flipped = [line[:-1] + str(1 - int(line[-1])) if place > 15_000 else line for place, line in enumerate(lines)]
    write(tmp_path / "a.csv", "\n".join(flipped) + "\n")
    label = frozen.columns[-1].name
    assert verify(frozen, tmp_path) == [f"column {label!r}: values differ."]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("n,s\n1,x\n2,z\n", ["column 's': values differ."]),
        ("n,t\n1,x\n2,y\n", ["column 's' was renamed to 't'; its values are the same."]),
        ("n,s\n1,x\n2.5,y\n", ["column 'n': type int64 became float64."]),
        (
            "n,s\n2,y\n1,x\n",
            [
                "column 'n': values differ.",
                "column 's': values differ.",
                "every column changed and the number of rows did not: the rows may stand in another order.",
            ],
        ),
        ("n,s\n", ["rows: 2 became 0.", "column 'n': type int64 became string.", "column 's': values differ."]),
        ('n,s\n"1","x"\n2,y\n', []),
    ],
    ids=["byte", "name", "type", "order", "emptied", "quotes"],
)
def test_verify_names_every_difference(text: str, says: list[str], tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "n,s\n1,x\n2,y\n")
    frozen = freeze("d", "a.csv", tmp_path).snapshot
    write(tmp_path / "a.csv", text)
    assert verify(frozen, tmp_path) == says


def test_read_frozen_gives_rows_only_when_they_are_the_frozen_ones(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS)
    frozen = freeze("d", "a.parquet", tmp_path).snapshot
    frame = read_frozen(frozen, tmp_path)
    assert list(frame.columns) == ROWS.column_names
    assert str(frame["day"].dtype).startswith("datetime64")
    write(tmp_path / "a.parquet", ROWS.set_column(0, "id", pa.array([0, 1, 2, 3, 5])))
    with pytest.raises(BadInput, match="column 'id': values differ"):
        read_frozen(frozen, tmp_path)


# What is odd, and what is refused


def test_the_first_rows_of_a_table_that_has_none_any_more_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_parquet(tmp_path / "a.parquet")
    snapshot = freeze("a", "a.parquet", tmp_path).snapshot
    assert first_rows(snapshot, tmp_path, 1).to_pydict() == {"a": [1], ROW: [0]}
    frame.iloc[:0].to_parquet(tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="rows: 2 became 0"):
        first_rows(snapshot, tmp_path, 1)


def test_odd_columns_are_allowed_and_said(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "x,empty,fine\nNaN,,1\ninf,,2\n")
    assert freeze("d", "a.csv", tmp_path).notes == (
        "column 'x' holds 1 NaN and 1 infinite values.",
        "column 'empty' has no values.",
    )


@pytest.mark.parametrize("table", ["n,s\n", pa.table({"n": pa.array([], pa.int64())})], ids=["csv", "parquet"])
def test_an_empty_table_is_read_but_not_frozen(table: Any, tmp_path: Path) -> None:
    name = "a.csv" if isinstance(table, str) else "a.parquet"
    write(tmp_path / name, table)
    with open_table(name, tmp_path) as opened:
        assert opened.to_arrow().num_rows == 0
        assert opened.schema.names[0] == "n"
    assert faults(name, tmp_path) == [Fault(name, "has columns but no rows.")]


LONG = "1,2\n" * 60_000


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"n,s\n1,x\n2,\xe4\n", "a.csv:3", "byte 0xe4 at offset 10 is not UTF-8."),
        (b"n,s\n" + b"1,x\n" * 400_000 + b"\xc3", "a.csv:400002", "byte 0xc3 at offset 1600004 is not UTF-8."),
        ("n,s\n1,x\n".encode("utf-16"), "a.csv:1", "byte 0xff at offset 0 is not UTF-8."),
        (b"n,s\n1,x\n2,\0\n", "a.csv:3", "has a zero byte."),
        (b"", "a.csv:1", "the first line must name the columns, and it is empty."),
        (b"\n1,2\n", "a.csv:1", "the first line must name the columns, and it is empty."),
        (b"1,2\n3,4\n", "a.csv:1", "the first line must name the columns, and it holds only numbers."),
        (b"n,n\n3,4\n", "a.csv:1", "column 'n' is there 2 times; is this line a header?"),
        (b"n,\n3,4\n", "a.csv:1", "column 2 has no name."),
        (b'n,"s\n3,4\n', "a.csv:1", "unexpected end of data."),
        (b"n,s\n1,2\n3\n5,6\n", "a.csv:3", "has 1 cells, expected 2 as in the header."),
        (b"n,s\n1,2\n3,4,5\n", "a.csv:3", "has 3 cells, expected 2 as in the header."),
        (f"n,s\n{LONG}3\n{LONG}".encode(), "a.csv:60002", "has 1 cells, expected 2 as in the header."),
        (b'n,s\n1,2\n3,"4\n', "a.csv:3", "has a quote that is opened and not closed."),
        (b'n,s\n1,2\n3,"4"x\n', "a.csv:3", ""),
        (b"n,s\r\n1,2\n3,4\r\n", "a.csv", "is not one kind of CSV"),
    ],
    ids=[
        "latin-1", "late byte", "utf-16", "zero byte", "empty", "blank", "no header", "twice", "no name", "open header",
        "short", "long", "late short", "open quote", "after quote", "line ends",
    ],
)  # fmt: skip
def test_bad_csv_is_refused_with_its_line(data: bytes, where: str, says: str, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", data)
    (fault,) = faults("a.csv", tmp_path)
    assert fault.where == where
    assert says in fault.says


def test_all_faulty_files_of_a_folder_are_named(tmp_path: Path) -> None:
    write(tmp_path / "f/a.csv", "n,s\n1,2\n")
    write(tmp_path / "f/b.csv", b"n,s\n\xff,2\n")
    write(tmp_path / "f/c.csv", "n,n\n1,2\n")
    write(tmp_path / "f/d.csv", "s,n\n1,2\n")
    assert [fault.where for fault in faults("f", tmp_path)] == ["f/b.csv:2", "f/c.csv:1", "f/d.csv:1"]
    write(tmp_path / "g/a.csv", "n,s\n1,2\n")
    write(tmp_path / "g/b.csv", "n,s\n1,2\n3\n")
    assert [fault.where for fault in faults("g", tmp_path)] == ["g/b.csv:3"]


def test_parquet_files_of_a_folder_must_agree(tmp_path: Path) -> None:
    write(tmp_path / "f/a.parquet", pa.table({"n": [1], "s": ["x"]}))
    write(tmp_path / "f/b.parquet", pa.table({"n": [1.5], "s": ["x"]}))
    write(tmp_path / "f/c.parquet", pa.table({"n": [1]}))
    write(tmp_path / "f/d.parquet", b"PAR1 no")
    found = {fault.where: fault.says for fault in faults("f", tmp_path)}
    assert found["f/b.parquet"] == "has other columns than f/a.parquet: 'n' is double, not int64."
    assert found["f/c.parquet"] == "has other columns than f/a.parquet: 1 in place of 2."
    assert found["f/d.parquet"].startswith("is not a readable Parquet file")


def test_nested_columns_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.table({"n": [1], "tags": [["x"]]}))
    (fault,) = faults("a.parquet", tmp_path)
    assert fault.where == "tags"
    assert "cannot be frozen" in fault.says


def hostile(base: Path) -> dict[str, str]:
    """Sources that are no table of this repository, and what is said of each."""
    outside = write(base.parent / "outside.csv", "n,s\n1,2\n")
    (base / "link.csv").symlink_to(outside)
    (base / "loop.csv").symlink_to(base / "loop.csv")
    (base / "linked").symlink_to(base.parent)
    (base / "folder").mkdir()
    (base / "folder/link.csv").symlink_to(outside)
    (base / "empty").mkdir()
    write(base / "nested/inner/a.csv", "n\n1\n")
    write(base / "mixed/a.csv", "n\n1\n")
    write(base / "mixed/b.parquet", pa.table({"n": [1]}))
    write(base / "a.txt", "n\n1\n")
    os.mkfifo(base / "pipe.csv")
    with duckdb.connect(str(base.parent / "outside.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS n")
    return {
        "missing.csv": "does not exist. Put it there, or mend `source`",
        "../outside.csv": "leads out of the repository",
        str(outside): "leads out of the repository",
        "link.csv": "leads out of the repository",
        "linked/outside.csv": "leads out of the repository",
        "folder": "leads out of the repository",
        "loop.csv": "cannot be reached",
        "nul\0.csv": "cannot be reached",
        "pipe.csv": "is not a regular file",
        "a.txt": "ends in neither .csv nor .parquet",
        "empty": "is a folder without data files",
        "nested": "is a folder within a folder",
        "mixed": "mixes .csv and .parquet files",
        "duckdb://a.db": "names no table",
        "duckdb://missing.db#t": "does not exist",
        "duckdb://../x.db#t": "does not exist",
        "duckdb:///etc/hosts#t": "leads out of the repository",
        "duckdb://a.txt#t": "is not a duckdb database",
        "sqlite://a.txt#t": "is not a sqlite database",
        "sqlite://empty#t": "is not a regular file",
        "nosuch://host/db#t": "Don't know how to connect",
        "postgres://me:secret@host/db#t": "holds a password",
        f"file://{base.parent}/outside.duckdb#t": "is no database",
        "FILE://a.db#t": "is no database",
        "pyspark://?spark.driver.extraJavaOptions=-javaagent:a.jar#t": "sets up Spark",
        "pyspark:///etc#t": "sets up Spark",
    }


def test_sources_that_are_no_table_of_the_repository_are_refused(tmp_path: Path) -> None:
    base = tmp_path / "repo"
    base.mkdir()
    for source, says in hostile(base).items():
        found = faults(source, base)
        assert any(says in fault.says for fault in found), (source, found)
        assert "secret" not in str(found)


def test_a_view_cannot_read_files_of_the_machine(tmp_path: Path) -> None:
    write(tmp_path / "secret.csv", "n\n1\n")
    with duckdb.connect(str(tmp_path / "a.db")) as con:
        con.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    (fault,) = faults("duckdb://a.db#v", tmp_path)
    assert "disabled by configuration" in fault.says


# Frames


def test_a_frame_has_the_digest_of_its_table(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "n,x,s,ok\n1,0.5,a,true\n2,,,false\n")
    snapshot = freeze("d", "a.csv", tmp_path).snapshot
    assert digest_frame(read_frozen(snapshot, tmp_path)) == snapshot.content_digest


def test_how_a_frame_is_held_is_not_content() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", None, "a"], "b": [True, False, True]})
    held = pd.DataFrame(
        {
            "n": pd.array([1, 2, 3], "Int64"),
            "s": pd.Categorical(["a", None, "a"]),
            "b": pd.array([True, False, True], "boolean"),
        },
        index=[7, 7, 9],
    )
    assert digest_frame(frame) == digest_frame(held) == digest_frame(frame.astype({"s": object}))
    assert digest_frame(frame) != digest_frame(frame.iloc[::-1])
    assert digest_frame(frame) != digest_frame(frame.assign(n=frame["n"].astype("int32")))
    assert digest_frame(frame) != digest_frame(frame.rename(columns={"n": "N"}))
    assert digest_frame(frame) != digest_frame(frame[["s", "n", "b"]])


def test_frames_without_one_type_per_column_are_refused() -> None:
    frame = pd.DataFrame({"good": [1, 2], "mixed": [1, "x"], "nested": [[1], [2]]})
    with pytest.raises(BadInput) as caught:
        digest_frame(frame)
    assert [fault.where for fault in caught.value.faults] == ["mixed"]
    with pytest.raises(BadInput, match="type list"):
        digest_frame(frame[["nested"]])
    with pytest.raises(BadInput, match="is there 2 times"):
        digest_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))


# Memory

# Not ru_maxrss: a child starts with the peak of the process that made it, and that hides everything.
_PEAK = """
import re, sys
from pathlib import Path
from vendorkit.adapters.tables import freeze
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
freeze("d", "small." + sys.argv[2], Path(sys.argv[1]))
before = peak()
freeze("d", "large." + sys.argv[2], Path(sys.argv[1]))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the peak of memory")
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_memory_does_not_grow_with_the_table(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def rows(count: int) -> pa.Table:
        cells = {f"x{n}": rng.random(count) for n in range(4)}
        return pa.table({**cells, "s": pa.array(rng.integers(0, 2**62, count)).cast(pa.string())})

    # The small one fills the buffers of all threads already: what they take is no growth.
    for name, batches in (("small", 3), ("large", 12)):
        table = rows(500_000 if kind == "parquet" else 250_000)
        path = tmp_path / f"{name}.{kind}"
        writer = pq.ParquetWriter(path, table.schema) if kind == "parquet" else pacsv.CSVWriter(path, table.schema)
        with writer:
            for _ in range(batches):
                writer.write(table)
    size_mb = (tmp_path / f"large.{kind}").stat().st_size / 1e6
    command = [sys.executable, "-c", _PEAK, str(tmp_path), kind]
    grown_mb = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert size_mb > 130
    assert grown_mb < size_mb / 2
