"""The rows of the prediction log: what one holds, where it lies by its id, and how rows become a Parquet file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.errors import BadInput, Fault

JOURNALS = "journal"
DAMAGED = "damaged"
DEPLOYMENTS = "deployments"
ROWS_PER_GROUP = 5_000
REPEATED = ["model", "deployment", "as_of", "warnings"]
"""Columns whose values repeat; the id never does, and a dictionary of ids would only cost time."""
JSON_PARTS = ("row", "output", "warnings")
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "at": pa.timestamp("us", "UTC"),
        "model": pa.string(),
        "version": pa.int64(),
        "deployment": pa.string(),
        "as_of": pa.string(),
        "row": pa.string(),
        "score": pa.float64(),
        "output": pa.string(),
        "warnings": pa.string(),
    }
)


class LoggedPrediction(msgspec.Struct, frozen=True):
    """One answered prediction.

    Args:
        id: UUIDv7, lower case with hyphens.
        at: When it was answered, RFC 3339 in UTC.
        model: Id of the model.
        version: Version that answered.
        deployment: Digest of the Deployment record.
        as_of: When the caller's data was true, UTC; None where the caller did not say.
        row: JSON object: the row as it was handed to the model.
        score: The score; kept as a number where it is one (text is in `output` only).
        output: JSON object: everything that was answered for the row.
        warnings: JSON array of the warnings that went with it.
    """

    id: str
    at: str
    model: str
    version: int
    deployment: str
    as_of: str | None
    row: msgspec.Raw
    score: float | int | bool | str
    output: msgspec.Raw
    warnings: msgspec.Raw

    def to_value(self) -> dict[str, Any]:
        """The columns of the log; JSON parts as text."""
        value = msgspec.structs.asdict(self)
        value |= {name: bytes(value[name]).decode() for name in JSON_PARTS}
        return {**value, "score": number(self.score)}


def parse_id(text: str) -> str:
    """A prediction id in its one form: lower case with hyphens.

    Raises:
        BadInput: It is not a UUIDv7.
    """
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        parsed = uuid.UUID(int=0)
    if parsed.version != 7 or str(parsed) != text.lower():
        says = "is not a prediction id; expected a UUID of version 7 as the service answered it."
        raise BadInput("There is no such prediction.", [Fault("id", says)])
    return str(parsed)


def day_folder(prediction_id: str) -> str:
    milliseconds = int(prediction_id[:8] + prediction_id[9:13], 16)
    # 48 bits of milliseconds reach the year 10889, which datetime does not.
    seconds = min(milliseconds / 1000, 253_402_300_799)
    return f"date={datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def table_of(rows: Sequence[LoggedPrediction]) -> pa.Table:
    """Column by column: by rows it would take five times as long, and a busy service rolls all the time."""
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    columns["score"] = [number(score) for score in columns["score"]]
    columns |= {name: [bytes(part) for part in columns[name]] for name in JSON_PARTS}
    return pa.table(columns).cast(SCHEMA)


def number(score: float | str) -> float | None:
    return None if isinstance(score, str) else float(score)


def deployment_path(folder: Path, digest: str) -> Path:
    return folder / DEPLOYMENTS / f"{digest.partition(':')[2]}.json"


def write_rows(folder: Path, rows: pa.Table) -> Path:
    """Write rows of one day, in the order of their ids, as a file of that day; gives its path.

    The name says the first and the last id. The same rows give the same file, which appears whole or not at all.
    """
    first, last = rows["id"][0].as_py(), rows["id"][-1].as_py()
    day = folder / day_folder(first)
    day.mkdir(exist_ok=True)
    target = day / f"{first}_{last}.parquet"
    unnamed = day / f".{target.stem}.{os.getpid()}.tmp"
    pq.write_table(rows, unnamed, row_group_size=ROWS_PER_GROUP, compression="zstd", use_dictionary=REPEATED)
    with unnamed.open("rb") as file:
        os.fsync(file.fileno())
    unnamed.rename(target)
    return target
