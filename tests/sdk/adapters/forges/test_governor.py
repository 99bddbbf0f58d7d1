"""The governor against simulated forges with their documented limits: every request done, none too fast."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from itertools import pairwise

import pytest
from vendorkit.adapters.forges.governor import (
    MOST_REFUSALS,
    NO_ANSWER,
    PACES,
    Governor,
    Pace,
    Reply,
)
from vendorkit.errors import Unavailable

from tests.support.clock import START, Hours


class Budgeted:
    """A forge with so many requests an hour, and so many writes a minute, as GitHub documents them."""

    def __init__(self, clock: Hours, per_hour: int, writes_per_minute: int = 80) -> None:
        self.clock, self.per_hour, self.writes_per_minute = clock, per_hour, writes_per_minute
        self.window, self.used = clock.time, 0
        self.writes: list[float] = []
        self.refused = 0
        self._lock = threading.Lock()

    def answer(self, method: str) -> Reply[str]:
        with self._lock:
            now = self.clock.time
            self.clock.time = now + 0.05
            if now >= self.window + 3600:
                self.window, self.used = now, 0
            headers = {"x-ratelimit-reset": str(int(self.window + 3600))}
            recent = [write for write in self.writes if write > now - 60]
            if method == "POST" and len(recent) >= self.writes_per_minute:
                self.refused += 1
                return Reply("no", 403, {}, "You have exceeded a secondary rate limit.")
            if self.used >= self.per_hour:
                self.refused += 1
                return Reply("no", 403, {**headers, "x-ratelimit-remaining": "0"}, "API rate limit exceeded")
            self.used += 1
            self.writes += [now] if method == "POST" else []
            return Reply("yes", 200, {**headers, "x-ratelimit-remaining": str(self.per_hour - self.used)})


def governor(clock: Hours, pace: Pace | None = None, told: list[str] | None = None) -> Governor:
    return Governor(
        "forge.example", pace or Pace(), clock=clock, draw=lambda: 0.5, tell=(told if told is not None else []).append
    )


def test_a_budget_that_is_used_up_is_waited_for_before_it_is_overdrawn() -> None:
    clock, told = Hours(), list[str]()
    forge = Budgeted(clock, per_hour=100)
    turns = governor(clock, PACES["github"], told)
    answers = [turns.carry(lambda: forge.answer("GET"), method="GET").payload for _ in range(350)]
    assert answers == ["yes"] * 350
    assert forge.refused == 0, "the header that says 0 left is believed"
    assert 3 * 3600 < clock.time - START < 3 * 3600 + 60, "three full budgets are waited for, no more"
    assert len(told) == 3
    assert "forge.example" in told[0]


def test_writes_keep_to_what_github_documents() -> None:
    clock = Hours()
    forge = Budgeted(clock, per_hour=5000)
    turns = governor(clock, PACES["github"])
    for _ in range(1000):
        assert turns.carry(lambda: forge.answer("POST"), method="POST").payload == "yes"
    assert forge.refused == 0
    gaps = [later - earlier for earlier, later in pairwise(forge.writes)]
    assert min(gaps) >= 0.999
    assert all(sum(start <= write < start + 3600 for write in forge.writes) <= 500 for start in forge.writes)
    assert clock.time - START < 2 * 3600 + 600, "and are not slower than they must be"


def test_secondary_limits_are_waited_out_longer_each_time() -> None:
    clock = Hours()
    turns, waits = governor(clock), list[float]()
    replies = [Reply("no", 403, {}, "You have exceeded a secondary rate limit")] * 3 + [Reply("yes", 201)]

    def ask() -> Reply[str]:
        waits.append(clock.time - START)
        return replies.pop(0)

    assert turns.carry(ask, method="POST").payload == "yes"
    assert [round(later - earlier) for earlier, later in pairwise(waits)] == [60, 120, 240]


def test_a_403_that_is_no_rate_limit_is_an_answer() -> None:
    turns = governor(Hours())
    assert turns.carry(lambda: Reply("no", 403, {}, "Resource not accessible"), method="POST").status == 403


@pytest.mark.parametrize("said", ["90", formatdate(START + 90, usegmt=True)])
def test_retry_after_holds_everybody(said: str) -> None:
    clock = Hours()
    turns = governor(clock)
    replies = [Reply("no", 429, {"retry-after": said}), Reply("yes", 200)]
    assert turns.carry(lambda: replies.pop(0), method="GET").payload == "yes"
    assert 90 <= clock.time - START <= 91
    replies = [Reply("yes", 200, {"retry-after": "30"}), Reply("yes", 200)]
    turns.carry(lambda: replies.pop(0), method="GET")
    before = clock.time
    turns.carry(lambda: replies.pop(0), method="GET")
    assert clock.time - before == 30, "Azure DevOps sends it with a good answer too"


@pytest.mark.parametrize("reset", ["120", str(int(START) + 120)])
def test_resets_are_read_as_time_and_as_seconds(reset: str) -> None:
    clock = Hours()
    turns = governor(clock)
    turns.carry(lambda: Reply("yes", 200, {"ratelimit-remaining": "0", "ratelimit-reset": reset}), method="GET")
    turns.carry(lambda: Reply("yes", 200), method="GET", budget="search")
    assert clock.time == START, "another budget is not held up"
    turns.carry(lambda: Reply("yes", 200), method="GET")
    assert 120 <= clock.time - START <= 121


@pytest.mark.parametrize("status", [NO_ANSWER, 502, 503, 504])
def test_what_broke_down_is_tried_again_with_growing_waits(status: int) -> None:
    clock = Hours()
    turns, asked = governor(clock), list[float]()

    def ask() -> Reply[str]:
        asked.append(clock.time)
        return Reply("no", status)

    assert turns.carry(ask, method="PATCH").status == status
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) == Pace().tries
    assert gaps == sorted(gaps)
    assert gaps[-1] > 2 * gaps[0]


@pytest.mark.parametrize("status", [NO_ANSWER, 502, 503, 504, 500])
def test_a_post_that_may_have_arrived_is_never_sent_twice(status: int) -> None:
    asked = list[int]()

    def ask() -> Reply[str]:
        asked.append(1)
        return Reply("no", status)

    assert governor(Hours()).carry(ask, method="POST").status == status
    assert len(asked) == 1


def test_a_post_that_never_left_is_sent_again() -> None:
    replies = [Reply("no", NO_ANSWER, sent=False), Reply("yes", 201)]
    assert governor(Hours()).carry(lambda: replies.pop(0), method="POST").payload == "yes"


def test_a_pause_beyond_patience_is_an_error_that_tells_until_when() -> None:
    turns = governor(Hours(), Pace(patience_s=60))
    turns.carry(lambda: Reply("yes", 200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3000"}), method="GET")
    with pytest.raises(Unavailable, match=r"forge\.example takes no more requests until 2027-01-15T08:50:0"):
        turns.carry(lambda: Reply("yes", 200), method="GET")


def test_a_pause_beyond_all_time_is_told_and_one_that_is_no_number_is_not_kept() -> None:
    turns = governor(Hours())
    turns.carry(lambda: Reply("yes", 200, {"retry-after": "inf"}), method="GET")
    turns.carry(lambda: Reply("yes", 200, {"retry-after": "1e30"}), method="GET")
    with pytest.raises(Unavailable, match="until 9999-12-31T23:59:59Z"):
        turns.carry(lambda: Reply("yes", 200), method="GET")


def test_a_forge_that_only_ever_refuses_is_given_up() -> None:
    asked = list[int]()

    def ask() -> Reply[str]:
        asked.append(1)
        return Reply("no", 429, {"retry-after": "0"})

    assert governor(Hours()).carry(ask, method="GET").status == 429
    assert len(asked) == MOST_REFUSALS + 1


def test_threads_share_one_budget_and_one_gap() -> None:
    clock = Hours()
    forge = Budgeted(clock, per_hour=150)
    turns = governor(clock, PACES["github"])
    under_way, most, lock = list[int](), list[int](), threading.Lock()

    def ask(method: str) -> Reply[str]:
        with lock:
            under_way.append(1)
            most.append(len(under_way))
        reply = forge.answer(method)
        with lock:
            under_way.pop()
        return reply

    with ThreadPoolExecutor(24) as pool:
        methods = ["POST" if number % 4 == 0 else "GET" for number in range(400)]
        done = list(pool.map(lambda method: turns.carry(lambda: ask(method), method=method).payload, methods))
    assert done == ["yes"] * 400
    assert max(most) <= PACES["github"].concurrent
    assert len(forge.writes) == 100
    assert forge.refused <= 2 * PACES["github"].concurrent, "only those under way when the budget ended were refused"
