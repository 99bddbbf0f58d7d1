"""The engine that counts what was scored: DuckDB in this process, or Spark by URL. Only this file knows Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import ibis
import pyarrow as pa

from vendorkit.adapters.tables.batches import ROW
from vendorkit.adapters.tables.opening import duckdb_backend
from vendorkit.adapters.tables.source import BATCH_ROWS, TableSource, first_line
from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.class_scores import OWN
from vendorkit.records.csv_form import quote_path

SCHEMES = "`duckdb://` or `pyspark://MASTER`, for instance `pyspark://local[2]` or `pyspark://spark.bank.example:7077`"
FAULT = "vendorkit fault: "
"""How a function that runs on Spark begins the text of an error that is told to people as it is."""

Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Engine(Protocol):
    """Where scored rows are counted."""

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    @property
    def scores(self) -> bool:
        """Whether it runs functions on batches of rows itself."""
        ...

    def score(self, rows: Path, function: Batches, schema: pa.Schema, target: Path) -> None:
        """Write what a function makes of the batches of a Parquet file."""
        ...

    def scored(self, candidate: Path, live: Path | None) -> TableSource:
        """Scored rows; with a live version its scores beside them, as `live`, row for row, and what it said of classes.

        Raises:
            BadInput: The two did not score the same rows.
        """
        ...

    def close(self) -> None:
        """Let go."""
        ...


def open_engine(url: str) -> Engine:
    """The engine of a URL.

    Args:
        url: As in SCHEMES; what follows `?` are settings of Spark, `spark.executor.memory=4g&...`.

    Raises:
        BadInput: There is no such engine, or its library is not installed.
        Unavailable: It cannot be reached.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "duckdb" and not rest:
        return Duckdb()
    if scheme == "pyspark" and rest:
        return Spark(url)
    raise BadInput("There is no such engine.", [Fault(url, f"expected {SCHEMES}.")])


class Duckdb:
    """DuckDB in this process."""

    name = "DuckDB"
    scores = False

    def __init__(self) -> None:
        self._backend = duckdb_backend()
        self._backend.raw_sql("SET preserve_insertion_order = false")

    def score(self, rows: Path, function: Batches, schema: pa.Schema, target: Path) -> None:
        """Not here: processes of their own score in batches."""
        raise NotImplementedError

    def scored(self, candidate: Path, live: Path | None) -> TableSource:
        """As `Engine`."""
        own = f"read_parquet({quote_path(str(candidate))})"
        if live is None:
            table = self._backend.sql(f"SELECT * FROM {own}")  # noqa: S608
            return TableSource(str(candidate), "as-stored", table)
        theirs = f"read_parquet({quote_path(str(live))})"
        names = self._backend.sql(f"SELECT * FROM {theirs} LIMIT 0").columns  # noqa: S608
        beside = "".join(f', "{old}" AS "{new}"' for old, new in _beside(names).items())
        other = f"(SELECT {ROW_NAME} AS other{beside} FROM {theirs})"  # noqa: S608
        table = self._backend.sql(f"SELECT * FROM {own} POSITIONAL JOIN {other}")  # noqa: S608
        apart = (table[ROW] != table.other).fill_null(True).sum().to_pyarrow().as_py()
        if apart:
            raise _other_rows(int(apart))
        return TableSource(str(candidate), "as-stored", table)

    def close(self) -> None:
        """As `Engine`."""
        self._backend.disconnect()


ROW_NAME = f'"{ROW}"'


def _beside(names: Iterable[str]) -> dict[str, str]:
    """What stands beside the candidate's of what the live version said, and under which name."""
    return {"score": "live", **{name: f"live {name}" for name in names if name.startswith(OWN) and name != ROW}}


def _other_rows(number: int) -> BadInput:
    return BadInput(
        f"candidate and live version keep other rows in `prepare` ({number:,} differ), so they cannot be compared"
    )


class Spark:
    """Spark, in this process or on a cluster. Executors must see the folder for temporary files of this machine."""

    name = "Spark"
    scores = True

    def __init__(self, url: str) -> None:
        try:
            from pyspark.sql import SparkSession  # noqa: PLC0415  (an extra)
        except ImportError as error:
            fix = "Install vendorkit[spark], and Java 17 or later."
            raise BadInput("There is no such engine.", [Fault(url, "pyspark is not installed.", fix)]) from error
        parts = urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
        where = parts.netloc.replace("%5B", "[").replace("%5D", "]")
        settings = {
            "spark.ui.enabled": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
            **({"spark.driver.host": "127.0.0.1"} if where.startswith("local") else {}),
            **dict(parse_qsl(parts.query)),
        }
        builder = SparkSession.builder.master(where if where.startswith("local") else f"spark://{where}")
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            self._session = builder.appName("vendorkit").getOrCreate()
        except Exception as error:  # Java's own, in many forms
            raise Unavailable(f"{url} cannot be reached: {first_line(error)}.") from error
        self._session.sparkContext.setLogLevel("ERROR")
        self._backend = ibis.pyspark.connect(self._session)

    def score(self, rows: Path, function: Batches, schema: pa.Schema, target: Path) -> None:
        """As `Engine`."""
        from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415  (an extra)

        def run(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
            return function(iter(batches))

        with _told():
            scored = self._session.read.parquet(str(rows)).mapInArrow(run, from_arrow_schema(schema))
            scored.write.parquet(str(target))

    def scored(self, candidate: Path, live: Path | None) -> TableSource:
        """As `Engine`."""
        own = self._backend.read_parquet(str(candidate))
        if live is None:
            return TableSource(str(candidate), "as-stored", own)
        other = self._backend.read_parquet(str(live))
        beside = {new: other[old] for old, new in _beside(other.columns).items()}
        both = own.inner_join(other.select(ROW, **beside), ROW)
        numbers = [int(each.count().to_pyarrow().as_py()) for each in (own, other, both)]
        if min(numbers) < max(numbers):
            raise _other_rows(max(numbers) - min(numbers))
        return TableSource(str(candidate), "as-stored", both)

    def close(self) -> None:
        """As `Engine`."""
        self._session.stop()


@contextmanager
def _told() -> Iterator[None]:
    """Tell what a function said on an executor as its own error."""
    try:
        yield
    except Exception as error:
        said = re.search(f"{FAULT}(.*)", str(error))
        if said is None:
            raise
        raise BadInput(said[1].strip()) from error
