"""The prediction log: every answered prediction in a folder, first in a journal, then in Parquet by time.

Each process appends to a journal file of its own, which it holds locked. A full or old journal is rolled to
`date=YYYY-MM-DD/<first id>_<last id>.parquet`; so is, at the next start, the journal of a process that was
killed. Ids are UUIDv7: their text order is time order, and one id is found in a few row groups. Appended rows
survive the end of the process, not the loss of power: nothing is forced to the disk before an answer.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import secrets
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.deployment import Deployment

LOG = logging.getLogger("vendorkit.predictions")

JOURNALS = "journal"
DAMAGED = "damaged"
DEPLOYMENTS = "deployments"
ROWS_PER_GROUP = 5_000
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
        return {**value, "score": _number(self.score)}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LoggedPrediction)


class PredictionLog:
    """The log of one process. Any number of processes of one machine may write to the same folder.

    Args:
        folder: Where the log lies; made if it is not there. On a network file system, locks must work.
        max_bytes: A journal of this size is rolled.
        max_seconds: A journal of this age is rolled at the next append.

    Raises:
        Unavailable: The folder cannot be made or written.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 32 * 2**20, max_seconds: float = 3600) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._closed = False
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)  # rows are often about people
            for name in (JOURNALS, DEPLOYMENTS):
                (folder / name).mkdir(exist_ok=True)
            self.notes = _roll_leftovers(folder)
            self._journal = _Journal(folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
        self._roller = ThreadPoolExecutor(1, thread_name_prefix="roll-predictions")

    def append(self, rows: Sequence[LoggedPrediction]) -> None:
        """Write rows to the journal; when this returns, they survive `kill -9` of the process.

        Raises:
            Unavailable: They could not be written (a full disk, say); then none of them is in the log.
        """
        data = _encoder.encode_lines(rows)
        with self._lock:
            if self._closed:
                raise Unavailable("The prediction log is closed.")
            try:
                if self._journal.is_due(self._max_bytes, self._max_seconds):
                    self._rotate()
                self._journal.write(data)
            except OSError as error:
                raise _unwritable(self.folder, error) from error

    def record_deployment(self, deployment: Deployment) -> None:
        """Keep the record that the rows' `deployment` names.

        Raises:
            Unavailable: It could not be written.
        """
        path = _deployment_path(self.folder, deployment.digest)
        try:
            _write_whole(path, deployment.to_bytes())
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def close(self) -> None:
        """Roll what is left. A journal that cannot be rolled stays, and is found and rolled later."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._roller.shutdown(wait=True)
        _roll_and_release(self.folder, self._journal)

    def _rotate(self) -> None:
        full, self._journal = self._journal, _Journal(self.folder)
        self._roller.submit(_roll_and_release, self.folder, full)


class _Journal:
    """One append-only file of JSON lines, locked as long as its process lives."""

    def __init__(self, folder: Path) -> None:
        self.opened_at = time.monotonic()
        self.size = 0
        self.torn = False
        while True:
            name = f"{time.time_ns() // 1_000_000:013d}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            self.path = folder / JOURNALS / name
            self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            if os.fstat(self.descriptor).st_nlink:
                return
            os.close(self.descriptor)  # taken for a leftover before it was locked

    def is_due(self, max_bytes: int, max_seconds: float) -> bool:
        if self.torn:
            return True
        return self.size > 0 and (self.size >= max_bytes or time.monotonic() - self.opened_at >= max_seconds)

    def write(self, data: bytes) -> None:
        """All of it or none of it."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError:
            try:
                os.ftruncate(self.descriptor, self.size)
            except OSError:
                self.torn = True  # the next append starts another file
            raise
        self.size += len(data)


def find(folder: Path, prediction_id: str) -> dict[str, Any] | None:
    """One prediction of the log, whichever process wrote it.

    Args:
        folder: The folder of a `PredictionLog`, open or not.
        prediction_id: The id that the service answered with.

    Returns:
        The columns of `LoggedPrediction.to_value`, or None if the log does not have it.

    Raises:
        BadInput: It is not a UUIDv7.
    """
    wanted = parse_id(prediction_id)
    found = _find_in_journals(folder, wanted)
    # A journal is removed after its Parquet file is there: looking in this order misses nothing.
    return found.to_value() if found else _find_rolled(folder, wanted)


def find_deployment(folder: Path, digest: str) -> Deployment | None:
    """The deployment record of a digest, or None.

    Raises:
        BadInput: The file is not a record, or not the one with this digest.
    """
    path = _deployment_path(folder, digest)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    deployment = Deployment.parse(data, path.name)
    if deployment.digest != digest:
        raise BadInput("The deployment record was changed.", [Fault(path.name, f"its digest is not {digest}.")])
    return deployment


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


def _find_in_journals(folder: Path, wanted: str) -> LoggedPrediction | None:
    start = b'{"id":"' + wanted.encode() + b'"'
    for path in sorted((folder / JOURNALS).glob("*.jsonl"), reverse=True):
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                at = text.find(start)
                while at > 0 and text[at - 1] != 0x0A:  # a row may hold such text too; a line starts with it
                    at = text.find(start, at + 1)
                if at >= 0:
                    end = text.find(b"\n", at)
                    return _decoder.decode(text[at:end]) if end > 0 else None
        except (FileNotFoundError, ValueError):  # rolled meanwhile, or empty
            continue
    return None


def _find_rolled(folder: Path, wanted: str) -> dict[str, Any] | None:
    for path in sorted((folder / _day_folder(wanted)).glob("*.parquet")):
        first, _, last = path.stem.partition("_")
        if first <= wanted <= last and (row := _find_in_file(path, wanted)):
            return row
    return None


def _find_in_file(path: Path, wanted: str) -> dict[str, Any] | None:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise Unavailable("The prediction log is damaged.", [Fault(os.fspath(path), f"{error}")]) from error
    with file:
        for group in range(file.metadata.num_row_groups):
            ids = file.metadata.row_group(group).column(0).statistics
            if ids is not None and ids.has_min_max and not ids.min <= wanted <= ids.max:
                continue
            place = file.read_row_group(group, columns=["id"]).column("id").index(wanted).as_py()
            if place >= 0:
                row: dict[str, Any] = file.read_row_group(group).slice(place, 1).to_pylist()[0]
                return {**row, "at": row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return None


def _day_folder(prediction_id: str) -> str:
    milliseconds = int(prediction_id[:8] + prediction_id[9:13], 16)
    # 48 bits of milliseconds reach the year 10889, which datetime does not.
    seconds = min(milliseconds / 1000, 253_402_300_799)
    return f"date={datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _roll_leftovers(folder: Path) -> tuple[str, ...]:
    """Roll the journals of processes that live no more. Gives what there is to say about them."""
    notes: list[str] = []
    for path in sorted((folder / JOURNALS).glob("*.jsonl")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                notes += _roll(folder, path)
        except BlockingIOError:
            pass  # its process lives
        finally:
            os.close(descriptor)
    for note in notes:
        LOG.warning(note)
    return tuple(notes)


def _roll_and_release(folder: Path, journal: _Journal) -> None:
    try:
        for note in _roll(folder, journal.path):
            LOG.warning(note)
    except OSError as error:
        LOG.warning("journal %s stays as it is, it could not be rolled: %s", journal.path.name, error)
    finally:
        os.close(journal.descriptor)


def _roll(folder: Path, path: Path) -> list[str]:
    """Turn a journal whose lock we hold into a Parquet file. Done twice, it gives the same file."""
    rows, notes = _read_journal(folder, path)
    rows.sort(key=lambda row: row.id)
    for name, of_day in groupby(rows, key=lambda row: _day_folder(row.id)):
        part = list(of_day)
        day = folder / name
        day.mkdir(exist_ok=True)
        target = day / f"{part[0].id}_{part[-1].id}.parquet"
        unnamed = day / f".{path.stem}.tmp"
        pq.write_table(_table(part), unnamed, row_group_size=ROWS_PER_GROUP, compression="zstd")
        with unnamed.open("rb") as file:
            os.fsync(file.fileno())
        unnamed.rename(target)
    path.unlink()
    return notes


def _table(rows: Sequence[LoggedPrediction]) -> pa.Table:
    """Column by column: by rows it would take five times as long, and a busy service rolls all the time."""
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    columns["score"] = [_number(score) for score in columns["score"]]
    columns |= {name: [bytes(part) for part in columns[name]] for name in JSON_PARTS}
    return pa.table(columns).cast(SCHEMA)


def _read_journal(folder: Path, path: Path) -> tuple[list[LoggedPrediction], list[str]]:
    """The rows of a journal, and what is wrong with it. Lines that cannot be read are kept aside."""
    rows: list[LoggedPrediction] = []
    damaged: list[bytes] = []
    notes: list[str] = []
    with path.open("rb") as file:
        for line in file:
            try:
                rows.append(_decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                if line.endswith(b"\n"):
                    damaged.append(line)
                    continue
                says = "its process was killed while writing; that row was never answered"
                notes.append(f"journal {path.name}: the last line is cut off ({says}); {len(rows)} rows kept.")
    if damaged:
        (folder / DAMAGED).mkdir(exist_ok=True)
        _write_whole(folder / DAMAGED / path.name, b"".join(damaged))
        notes.append(f"journal {path.name}: {len(damaged)} unreadable lines, kept in {DAMAGED}/{path.name}.")
    return rows, notes


def _number(score: float | str) -> float | None:
    return None if isinstance(score, str) else float(score)


def _deployment_path(folder: Path, digest: str) -> Path:
    return folder / DEPLOYMENTS / f"{digest.partition(':')[2]}.json"


def _write_whole(path: Path, data: bytes) -> None:
    unnamed = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        unnamed.write_bytes(data)
        unnamed.rename(path)
    finally:
        unnamed.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> Unavailable:
    fix = "Free space or mend the folder's permissions; nothing is answered that cannot be logged."
    fault = Fault(os.fspath(folder), f"{error.strerror or error}.")
    return Unavailable("The prediction log cannot be written.", [fault], fix=fix)
