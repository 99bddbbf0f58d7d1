"""How fast one forge is asked with one token: the one place that waits, and that tries again.

Every request of every thread takes its turn here. Limits come from the answers' own headers (RFC 9110 Retry-After,
the forges' x-ratelimit-* and RateLimit-*), and from what a forge documents and does not send. Pure logic: time and
chance are handed in, what is asked is a function. Nothing here knows HTTP libraries or tokens.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, Protocol, TypeVar

from vendorkit.errors import Unavailable

T = TypeVar("T")

HOUR_S = 3600.0
NO_ANSWER = 0
BROKEN_DOWN = (502, 503, 504)
MOST_REFUSALS = 10
"""So often in a row one request is refused for the rate before it is given up."""

SPEAKS_OF_IT_S = 5.0
"""Waits longer than this are told to people."""

LAST_SECOND = 253_402_300_799
"""Of the year 9999, in seconds since 1970: nobody is told of a later one."""

EPOCH_FROM = 1_000_000_000
"""Resets above this are seconds since 1970, as GitHub, GitLab and Azure send them; below, seconds from now."""


class Clock(Protocol):
    """Time, as the governor sees it."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Pace:
    """What a forge bears.

    Args:
        concurrent: Requests under way at once.
        write_gap_s: Seconds between two writes.
        writes_per_hour: Writes within any hour.
        tries: How often a request is sent that gets no answer, 502, 503 or 504.
        first_wait_s: Longest wait before the second try; it doubles with each.
        longest_wait_s: Where it stops doubling.
        secondary_wait_s: Pause after a limit without a time; it doubles with each in a row.
        patience_s: Longest pause for a limit; a longer one is an error that tells when to come back.
    """

    concurrent: int = 8
    write_gap_s: float = 0.0
    writes_per_hour: int = 100_000
    tries: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    secondary_wait_s: float = 60.0
    patience_s: float = 900.0


PACES = {
    # docs.github.com, "Rate limits for the REST API" and "Best practices": a second between writes, at most 80 a
    # minute and 500 an hour that create content; a minute's pause after a secondary limit without a time.
    "github": Pace(write_gap_s=1.0, writes_per_hour=480, patience_s=HOUR_S),
    "gitlab": Pace(write_gap_s=0.1),
    "gitea": Pace(concurrent=4, write_gap_s=0.1),
    "azure": Pace(write_gap_s=0.1),
}
"""By kind of forge."""


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What came back.

    Args:
        payload: Handed on to whoever asked.
        status: HTTP status; `NO_ANSWER` where none came.
        headers: With lower-case names.
        says: Start of the body, where the status is 403 or 429.
        sent: Whether the request may have reached the forge.
    """

    payload: T
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    sent: bool = True

    @property
    def limited(self) -> bool:
        """Whether it was refused for the rate alone: then nothing was done."""
        if self.status == 429:
            return True
        used_up = self.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in self.headers
        return self.status == 403 and (used_up or "rate limit" in self.says.lower())


class Governor:
    """Turns for everybody who asks one forge with one token.

    Args:
        name: The host, for messages.
        pace: What it bears.
        clock: Time.
        draw: Chance, uniform in [0, 1).
        tell: Is told of long waits.
    """

    def __init__(
        self,
        name: str,
        pace: Pace,
        *,
        clock: Clock | None = None,
        draw: Callable[[], float] = random.random,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name, self.pace, self.clock = name, pace, clock or SystemClock()
        self._draw, self._tell = draw, tell
        self._lock = threading.Lock()
        self._under_way = threading.Semaphore(pace.concurrent)
        self._closed_until: dict[str, float] = {}
        self._next_write = 0.0
        self._writes: deque[float] = deque()
        self._limits_in_a_row = 0

    def carry(self, ask: Callable[[], Reply[T]], *, method: str, budget: str = "core") -> Reply[T]:
        """Ask when it is allowed, and again where that is right.

        A refusal for the rate is waited out and asked again whatever the method, because nothing was done. No answer,
        502, 503 and 504 are tried again only where asking twice does no harm: not for a POST that may have arrived.

        Args:
            ask: Sends it once.
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            budget: Which of the forge's budgets it draws on.

        Raises:
            Unavailable: The forge wants a longer pause than the pace's patience.
        """
        writes = method not in {"GET", "HEAD"}
        repeatable = method != "POST"
        tries = refusals = 0
        while True:
            with self._under_way:
                self._await_turn(budget, writes=writes)
                reply = ask()
                self._heed(reply, budget)
            if reply.limited and refusals < MOST_REFUSALS:
                refusals += 1
                continue
            tries += 1
            lost = reply.status == NO_ANSWER or reply.status in BROKEN_DOWN
            if not lost or tries >= self.pace.tries or not (repeatable or not reply.sent):
                return reply
            longest = min(self.pace.longest_wait_s, self.pace.first_wait_s * 2 ** (tries - 1))
            self.clock.sleep(longest * (0.5 + self._draw() / 2))

    def _await_turn(self, budget: str, *, writes: bool) -> None:
        while True:
            with self._lock:
                now = self.clock.now()
                opens = max(self._closed_until.get(budget, 0.0), self._closed_until.get("", 0.0))
                if opens <= now and not writes:
                    return
                if opens <= now:
                    opens = self._write_slot(now)
                    if opens <= now:
                        self._next_write = now + self.pace.write_gap_s
                        self._writes.append(now)
                        return
            wait = opens - now
            if wait > self.pace.patience_s:
                again = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(opens, LAST_SECOND)))
                raise Unavailable(f"{self.name} takes no more requests until {again}.", fix="Run it again then.")
            if wait > SPEAKS_OF_IT_S:
                self._tell(f"{self.name}: its rate limit is used up; going on in {wait:.0f} s")
            self.clock.sleep(wait)

    def _write_slot(self, now: float) -> float:
        while self._writes and self._writes[0] <= now - HOUR_S:
            self._writes.popleft()
        full = len(self._writes) >= self.pace.writes_per_hour
        return max(self._next_write, self._writes[0] + HOUR_S if full else 0.0)

    def _heed(self, reply: Reply[T], budget: str) -> None:
        """Take from an answer until when nobody may ask."""
        with self._lock:
            now = self.clock.now()
            told = _retry_after(reply.headers, now)
            if reply.limited:
                self._limits_in_a_row += 1
                reset = _reset(reply.headers, now) if _used_up(reply.headers) else None
                unsaid = self.pace.secondary_wait_s * 2 ** (self._limits_in_a_row - 1)
                wait = told if told is not None else reset if reset is not None else unsaid
                self._close("" if reset is None else budget, now + max(wait, self.pace.first_wait_s) + self._draw())
                return
            if reply.status != NO_ANSWER:
                self._limits_in_a_row = 0
            if told is not None:
                self._close("", now + told)
            elif _used_up(reply.headers):
                self._close(budget, now + (_reset(reply.headers, now) or 0.0) + self._draw())

    def _close(self, budget: str, until: float) -> None:
        self._closed_until[budget] = max(until, self._closed_until.get(budget, 0.0))


def _used_up(headers: Mapping[str, str]) -> bool:
    return "0" in (headers.get("x-ratelimit-remaining"), headers.get("ratelimit-remaining"))


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until one may ask again, from a number of seconds or a date."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the budget is full again."""
    number = _number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or "")
    if number is None:
        return None
    return max(0.0, number - now if number > EPOCH_FROM else number)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
