"""A clock whose sleeps take no time, for what waits for hours."""

from __future__ import annotations

import threading

START = 1_800_000_000.0


class Hours:
    """Time moves on when somebody sleeps; safe across threads."""

    def __init__(self) -> None:
        self.time = START
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        assert seconds > 0
        with self._lock:
            self.time += seconds
