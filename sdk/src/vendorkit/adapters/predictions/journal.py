"""The prediction log of one process: an append-only journal, rolled to Parquet when it is full, old or left over.

Each process appends to a journal file of its own, which it holds locked. A full or old journal is rolled to
`date=YYYY-MM-DD/<first id>_<last id>.parquet`; so is, at the next start, the journal of a process that was killed.
Appended rows survive the end of the process, not the loss of power: nothing is forced to the disk before an answer.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import msgspec

from vendorkit.adapters.predictions.rows import (
    DAMAGED,
    DEPLOYMENTS,
    JOURNALS,
    LoggedPrediction,
    day_folder,
    deployment_path,
    table_of,
    write_rows,
)
from vendorkit.errors import Fault, Unavailable
from vendorkit.records.deployment import Deployment

LOG = logging.getLogger("vendorkit.predictions")

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
        path = deployment_path(self.folder, deployment.digest)
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
    for _, of_day in groupby(rows, key=lambda row: day_folder(row.id)):
        write_rows(folder, table_of(list(of_day)))
    path.unlink()
    return notes


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
