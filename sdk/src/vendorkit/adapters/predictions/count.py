"""Counting the predictions of a log by version, within a window of time.

Row groups that one version filled and that lie inside the window are counted by their statistics alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vendorkit.adapters.predictions.rows import JOURNALS, LoggedPrediction
from vendorkit.errors import Fault, Unavailable

SAMPLES = 5
_decoder = msgspec.json.Decoder(LoggedPrediction)


@dataclass
class Answered:
    """Predictions of one version.

    Args:
        count: How many.
        first, last: The smallest and the largest id, which are the earliest and the latest.
        sample: Ids of a few.
    """

    count: int = 0
    first: str = ""
    last: str = ""
    sample: list[str] = field(default_factory=list)

    def add(self, count: int, first: str, last: str) -> None:
        """Count predictions whose ids lie between two."""
        self.count += count
        self.first = min(filter(None, (self.first, first)))
        self.last = max(self.last, last)
        if len(self.sample) < SAMPLES and first not in self.sample:
            self.sample.append(first)


def count(folder: Path, since: datetime | None = None, until: datetime | None = None) -> dict[int, Answered]:
    """Predictions by version.

    Args:
        folder: The log of one model.
        since: Only those answered then or later.
        until: Only those answered before.

    Raises:
        Unavailable: A file of the log is damaged.
    """
    low = _bound(since) if since else ""
    high = _bound(until) if until else "g"
    found: dict[int, Answered] = {}
    # A journal is removed after its Parquet file is there: looked at first, and once only.
    journalled = [row for row in _in_journals(folder) if low <= row.id < high]
    for path in sorted(folder.glob("date=*/*.parquet")):
        first, _, last = path.stem.partition("_")
        if last >= low and first < high:
            journalled = [row for row in journalled if not first <= row.id <= last]
            _count_file(path, low, high, found)
    for row in journalled:
        found.setdefault(row.version, Answered()).add(1, row.id, row.id)
    return found


def _bound(moment: datetime) -> str:
    """The smallest UUIDv7 of a moment."""
    text = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{text[:8]}-{text[8:12]}-7"


def _in_journals(folder: Path) -> Iterator[LoggedPrediction]:
    for path in sorted((folder / JOURNALS).glob("*.jsonl")):
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:  # rolled meanwhile
            continue
        for line in lines:
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError:
                continue


def _count_file(path: Path, low: str, high: str, found: dict[int, Answered]) -> None:
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.metadata.num_row_groups):
                _count_group(file, group, low, high, found)
    except pa.ArrowInvalid as error:
        raise Unavailable("The prediction log is damaged.", [Fault(os.fspath(path), f"{error}")]) from error


def _count_group(file: pq.ParquetFile, group: int, low: str, high: str, found: dict[int, Answered]) -> None:
    facts = file.metadata.row_group(group)
    ids, versions = facts.column(0).statistics, facts.column(3).statistics
    known = ids is not None and versions is not None and ids.has_min_max and versions.has_min_max
    if known and (ids.max < low or ids.min >= high):
        return
    if known and versions.min == versions.max and ids.min >= low and ids.max < high:
        found.setdefault(versions.min, Answered()).add(facts.num_rows, ids.min, ids.max)
        return
    rows = file.read_row_group(group, columns=["id", "version"])
    rows = rows.filter(pc.and_(pc.greater_equal(rows["id"], low), pc.less(rows["id"], high)))
    for part in rows.group_by("version").aggregate([("id", "count"), ("id", "min"), ("id", "max")]).to_pylist():
        found.setdefault(part["version"], Answered()).add(part["id_count"], part["id_min"], part["id_max"])
