"""Opening a table where it lies: CSV and Parquet files, folders of them, and any table that Ibis reads."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.adapters.tables.source import TableSource, bad, first_line, said_plainly
from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.csv_form import (
    Header,
    choose_types,
    csv_rows,
    possible_types,
    quote_name,
    quote_path,
    scan,
    type_counts,
)
from vendorkit.records.table_digest import schemas_differ

IN_PROCESS = ("datafusion", "file", "pandas", "polars")
"""Schemes of Ibis that read any file of this machine."""


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


def _inside(source: str, base: Path) -> Path:
    """The real path of a source, which must exist and lie below the repository."""
    base = base.resolve()
    try:
        path = (base / source).resolve(strict=True)
    except FileNotFoundError as error:
        raise bad(source, "does not exist. Put it there, or mend `source` in engagement.yaml.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise bad(source, f"cannot be reached: {error}.") from error
    if not path.is_relative_to(base):
        raise bad(source, "leads out of the repository. Data of an engagement lies inside it or in a database.")
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
        raise bad(source, "is a folder within a folder of data files; put its files beside the others.")
    if not stat.S_ISREG(mode):
        raise bad(source, "is not a regular file.")
    if path.suffix not in (".csv", ".parquet"):
        raise bad(source, "ends in neither .csv nor .parquet.")


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
    backend = duckdb_backend()
    with said_plainly(source):
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
    backend = duckdb_backend()
    with said_plainly(source):
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
        raise bad(source, "names no table; end it with #table.")
    if parts.password:
        shown = urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.hostname}"))
        raise bad(shown, "holds a password. Leave it to the database's own variables or password file.")
    *schema, name = unquote(parts.fragment).split(".")
    backend = _connect(source, base)
    try:
        table = backend.table(name, database=".".join(schema) or None)
    except Exception as error:  # every backend has its own for a missing table
        raise bad(source, f"has no table {unquote(parts.fragment)!r}: {first_line(error)}.") from error
    order = [table[column].asc(nulls_first=False) for column in table.columns]
    return TableSource(source, "sorted", table.order_by(order), table)


def _connect(source: str, base: Path) -> Any:
    parts = urlsplit(source)
    if parts.scheme in ("duckdb", "sqlite"):
        file = _inside(unquote(parts.netloc + parts.path), base)
        if not file.is_file():
            raise bad(source, "is not a regular file.")
        try:
            if parts.scheme == "sqlite":
                return ibis.sqlite.connect(file)
            # A view in a vendor's database must not read other files of this machine.
            return duckdb_backend(file, read_only=True, enable_external_access=False)
        except Exception as error:
            raise bad(source, f"is not a {parts.scheme} database: {first_line(error)}.") from error
    if parts.scheme in IN_PROCESS:
        raise bad(source, "is no database. Files of an engagement lie inside it; name them by their path.")
    if parts.scheme == "pyspark" and (parts.query or parts.path.strip("/")):
        raise bad(
            source, "sets up Spark, which is for who runs this (`spark-defaults.conf`); expected pyspark://#table."
        )
    try:
        return ibis.connect(urlunsplit(parts._replace(fragment="")))
    except (ImportError, AttributeError, ValueError) as error:
        fix = f"Is {parts.scheme} right, and is ibis-framework[{parts.scheme}] installed?"
        raise BadInput("No way to open it.", [Fault(source, f"{first_line(error)}.", fix)]) from error
    except Exception as error:
        raise Unavailable(f"{source} cannot be reached: {first_line(error)}.") from error


def duckdb_backend(*file: Path, **config: bool) -> Any:
    """A DuckDB, in memory without a file, that neither fetches nor loads extensions."""
    config |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    backend = ibis.duckdb.connect(*file, **config)
    # The bar goes to standard output, which is the command's; the cache grows with what was read.
    backend.raw_sql("SET enable_progress_bar = false; SET enable_external_file_cache = false")
    # Groupings by a few small numbers are counted in an array, up to 2**22 cells, in place of a hash table.
    backend.raw_sql("SET perfect_ht_threshold = 22")
    return backend
