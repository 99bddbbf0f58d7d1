"""When a model last answered, by the names and times of the files of its prediction log; no row is read."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

from vendorkit.adapters.predictions.rows import JOURNALS

_DAY = re.compile(r"date=(\d{4}-\d\d-\d\d)")


def last_use(folder: Path) -> date | None:
    """The day (UTC) of the last prediction in a model's log.

    Args:
        folder: The log of one model: folders `date=YYYY-MM-DD`, and journals that are still written to.

    Returns:
        None where the log is not here, or empty.
    """
    days = []
    # A journal is removed after its Parquet file is there: looking in this order misses nothing.
    for path in (folder / JOURNALS).glob("*.jsonl"):
        with suppress(FileNotFoundError):  # rolled meanwhile
            file = path.stat()
            days += [datetime.fromtimestamp(file.st_mtime, UTC).date()] if file.st_size else []
    days += [date.fromisoformat(found[1]) for path in folder.glob("date=*") if (found := _DAY.fullmatch(path.name))]
    return max(days, default=None)
