"""Where rows lie: CSV and Parquet files, folders of them, and any table that Ibis reads.

A source is opened, streamed in batches and digested in constant memory. Only this file knows Ibis and DuckDB.
What the digest means is in `records.table_digest`, what a CSV file means in `records.csv_form`.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast
from urllib.parse import unquote, urlsplit, urlunsplit

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.base import now
from vendorkit.records.csv_form import (
    Header,
    choose_types,
    csv_rows,
    plain_fault,
    possible_types,
    quote_name,
    quote_path,
    scan,
    type_counts,
)
from vendorkit.records.snapshot import Snapshot
from vendorkit.records.table_digest import TableDigest, schemas_differ, why_different

BATCH_ROWS = 65_536
BATCH_CELLS = 4_194_304  # wide tables come in batches of fewer rows: memory does not grow with the columns


class TableSource:
    """An opened table. Use it in a `with`: it holds a connection.

    Args:
        source: What was opened, as the manifest says it.
        order: Whether rows come as stored, or sorted by all columns.
        table: The Ibis expression of all rows in that order.
    """

    def __init__(self, source: str, order: Literal["as-stored", "sorted"], table: ibis.Table) -> None:
        self.source = source
        self.order: Literal["as-stored", "sorted"] = order
        self.table = table
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
        return _frame(self.to_arrow())

    def _reader(self, table: ibis.Table) -> Any:
        rows = max(2_048, min(BATCH_ROWS, BATCH_CELLS // max(1, len(table.columns))))
        with _said_plainly(self.source):
            if self._backend.name == "duckdb":
                # Straight from the cursor: the reader then has the types that its batches have.
                return self._backend.raw_sql(self._backend.compile(table)).to_arrow_reader(rows)
            return table.to_pyarrow_batches(chunk_size=rows)

    def _stream(self, reader: Any) -> Iterator[pa.RecordBatch]:
        while True:
            with _said_plainly(self.source):
                batch = next(reader, None)
            if batch is None:
                return
            yield batch


@dataclass(frozen=True)
class Frozen:
    """A snapshot just taken, and what is odd about the data: columns without values, NaN, infinities."""

    snapshot: Snapshot
    notes: tuple[str, ...]


def open_table(source: str, base: Path) -> TableSource:
    """Open a CSV or Parquet file, a folder of either, or a table by URL (`duckdb://file.db#table`).

    Args:
        source: A path below `base`, or an Ibis URL with `#table`; file databases must lie below `base` too.
        base: The repository. Nothing outside of it is read, not even through a symbolic link.

    Raises:
        BadInput: The source is missing, leaves `base`, is no table, or is not well formed; says all faults.
        Unavailable: A database cannot be reached.
    """
    if "://" in source:
        return _open_url(source, base)
    files = _files(source, base)
    if files[0].suffix == ".csv":
        return TableSource(source, "as-stored", _open_csv(source, files, base))
    return TableSource(source, "as-stored", _open_parquet(source, files, base))


def freeze(dataset: str, source: str, base: Path) -> Frozen:
    """Digest a whole table.

    Args:
        dataset: Id of the dataset or benchmark in the manifest.
        source: As for `open_table`.
        base: The repository.

    Raises:
        BadInput: As for `open_table`; also an empty table, and columns of types that have no canonical form.
    """
    with open_table(source, base) as table:
        frozen = _freeze(dataset, table, table.schema, table.batches())
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
        found = _freeze(snapshot.dataset, table, rows.schema, rows.to_batches())
    differences = why_different(snapshot, found.snapshot)
    if differences:
        raise BadInput(
            f"Dataset {snapshot.dataset!r} is not what was frozen on {snapshot.taken_at}.",
            [Fault(snapshot.source, says) for says in differences],
            fix=f"Restore it, or freeze it anew with `vendorkit snapshot {snapshot.dataset}`.",
        )
    return _frame(rows)


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


def _frame(rows: pa.Table) -> pd.DataFrame:
    return cast(pd.DataFrame, rows.to_pandas(date_as_object=False))


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


def _inside(source: str, base: Path) -> Path:
    """The real path of a source, which must exist and lie below the repository."""
    base = base.resolve()
    try:
        path = (base / source).resolve(strict=True)
    except FileNotFoundError as error:
        raise _bad(source, "does not exist.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise _bad(source, f"cannot be reached: {error}.") from error
    if not path.is_relative_to(base):
        raise _bad(source, "leads out of the repository. Data of an engagement lies inside it or in a database.")
    return path


def _files(source: str, base: Path) -> list[Path]:
    """The data files of a source in order of their names."""
    path = _inside(source, base)
    if not path.is_dir():
        _check_file(path, source)
        return [path]
    files: list[Path] = []
    faults: list[Fault] = []
    for name in sorted(entry.name for entry in path.iterdir() if not entry.name.startswith((".", "_"))):
        try:
            file = _inside(f"{source}/{name}", base)
            _check_file(file, f"{source}/{name}")
            files.append(file)
        except BadInput as error:
            faults += error.faults
    if not files and not faults:
        faults.append(Fault(source, "is a folder without data files."))
    kinds = sorted({file.suffix for file in files})
    if len(kinds) > 1:
        faults.append(Fault(source, f"mixes {' and '.join(kinds)} files; a table is one or the other."))
    if faults:
        raise BadInput(f"{source} is not a table.", faults)
    return files


def _check_file(path: Path, source: str) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise _bad(source, "is a folder within a folder of data files; put its files beside the others.")
    if not stat.S_ISREG(mode):
        raise _bad(source, "is not a regular file.")
    if path.suffix not in (".csv", ".parquet"):
        raise _bad(source, "ends in neither .csv nor .parquet.")


def _open_parquet(source: str, files: list[Path], base: Path) -> ibis.Table:
    schemas: list[tuple[str, pa.Schema]] = []
    faults: list[Fault] = []
    for file in files:
        where = str(file.relative_to(base.resolve()))
        try:
            schemas.append((where, pq.read_schema(file)))
        except (pa.ArrowException, OSError) as error:
            faults.append(Fault(where, f"is not a readable Parquet file: {error}."))
    for where, schema in schemas[1:]:
        if differs := schemas_differ(schemas[0][1], schema):
            faults.append(Fault(where, f"has other columns than {schemas[0][0]}: {differs}."))
    if faults:
        raise BadInput(f"{source} is not a table.", faults)
    listed = ", ".join(quote_path(str(file)) for file in files)
    backend = _duckdb()
    with _said_plainly(source):
        # A folder called `year=2026` on the way must not become a column.
        return backend.sql(f"SELECT * FROM read_parquet([{listed}], hive_partitioning=false)")  # noqa: S608


def _open_csv(source: str, files: list[Path], base: Path) -> ibis.Table:
    headers: list[tuple[str, Header]] = []
    faults: list[Fault] = []
    for file in files:
        where = str(file.relative_to(base.resolve()))
        try:
            headers.append((where, scan(_chunks(file), where)))
        except BadInput as error:
            faults += error.faults
    for where, header in headers[1:]:
        if header != headers[0][1]:
            faults.append(Fault(f"{where}:1", f"has another header than {headers[0][0]}."))
    if faults:
        raise BadInput(f"{source} is not a table.", faults)
    header = headers[0][1]
    rows = csv_rows(map(str, files), header)
    backend = _duckdb()
    with _said_plainly(source):
        types = _csv_types(backend.con, rows, header.names)
        listed = ", ".join(f"CAST({quote_name(n)} AS {t}) AS {quote_name(n)}" for n, t in types.items())
        return backend.sql(f"SELECT {listed} FROM {rows}")  # noqa: S608


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _csv_types(con: Any, rows: str, names: tuple[str, ...]) -> dict[str, str]:
    """The SQL type of each column, by all of its values. Also the first full parse: ragged rows end it."""
    sample = con.execute(f"SELECT * FROM {rows} LIMIT 1000").fetchall()  # noqa: S608
    possible = {name: possible_types([row[n] for row in sample]) for n, name in enumerate(names)}
    counted = con.execute(f"SELECT {type_counts(possible)} FROM {rows}").fetchone()  # noqa: S608
    return choose_types(possible, counted)


def _open_url(source: str, base: Path) -> TableSource:
    parts = urlsplit(source)
    if not parts.fragment:
        raise _bad(source, "names no table; end it with #table.")
    if parts.password:
        shown = urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.hostname}"))
        raise _bad(shown, "holds a password. Leave it to the database's own variables or password file.")
    *schema, name = unquote(parts.fragment).split(".")
    backend = _connect(source, base)
    try:
        table = backend.table(name, database=".".join(schema) or None)
    except Exception as error:  # every backend has its own for a missing table
        raise _bad(source, f"has no table {unquote(parts.fragment)!r}: {_first_line(error)}.") from error
    order = [table[column].asc(nulls_first=False) for column in table.columns]
    return TableSource(source, "sorted", table.order_by(order))


def _connect(source: str, base: Path) -> Any:
    parts = urlsplit(source)
    if parts.scheme in ("duckdb", "sqlite"):
        file = _inside(unquote(parts.netloc + parts.path), base)
        if not file.is_file():
            raise _bad(source, "is not a regular file.")
        try:
            if parts.scheme == "sqlite":
                return ibis.sqlite.connect(file)
            # A view in a vendor's database must not read other files of this machine.
            return _duckdb(file, read_only=True, enable_external_access=False)
        except Exception as error:
            raise _bad(source, f"is not a {parts.scheme} database: {_first_line(error)}.") from error
    try:
        return ibis.connect(urlunsplit(parts._replace(fragment="")))
    except (ImportError, AttributeError, ValueError) as error:
        fix = f"Is {parts.scheme} right, and is ibis-framework[{parts.scheme}] installed?"
        raise BadInput("No way to open it.", [Fault(source, f"{_first_line(error)}.", fix)]) from error
    except Exception as error:
        raise Unavailable(f"{source} cannot be reached: {_first_line(error)}.") from error


def _duckdb(*file: Path, **config: bool) -> Any:
    """A DuckDB, in memory without a file, that neither fetches nor loads extensions."""
    config |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    backend = ibis.duckdb.connect(*file, **config)
    # The bar goes to standard output, which is the command's; the cache grows with what was read.
    backend.raw_sql("SET enable_progress_bar = false; SET enable_external_file_cache = false")
    return backend


@contextmanager
def _said_plainly(source: str) -> Iterator[None]:
    """Turn a reader's error into one that names the source and the line."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise Unavailable(f"{source} needs more memory than there is.") from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise BadInput(f"{source} cannot be read.", [plain_fault(source, str(error))]) from error


def _bad(where: str, says: str) -> BadInput:
    return BadInput(f"{where} cannot be read.", [Fault(where, says)])


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
