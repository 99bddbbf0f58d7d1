"""An update of many repositories: ring by ring while they are healthy, stopped when too much fails, resumed where it
was cut off.

Remotes are reached by several threads; planning and the state belong to one. What happens to one repository is
`offer`'s.
"""

from __future__ import annotations

import random
import time
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from vendorkit.adapters.remotes import PushRejectedError
from vendorkit.errors import Refused, Unavailable, VendorkitError
from vendorkit.fleet.facts import one_line, recorded_in
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.offer import Offers, Open, Outcome, Prepared, outcome_of
from vendorkit.fleet.ours import Declined
from vendorkit.fleet.reach import Reach, Stand, folder_of
from vendorkit.fleet.showing import diff_of
from vendorkit.fleet.state import State
from vendorkit.fleet.status import Look
from vendorkit.records.fleet import Ring, Rollout

TRIES = 3
"""How often a host is asked that does not answer."""
SECONDS = 0.5
"""Pause before the second try; it doubles, and is spread so that not all come back at once."""

T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """An engagement that was left for later, and why."""

    row: Row
    why: str


@dataclass
class Result:
    """What a run did.

    Args:
        outcomes: One for each engagement that was looked at, in the order in which they ended.
        held: Engagements that were left for later.
        stopped: Why it stopped early; empty where it did not.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    stopped: str = ""


class Runner:
    """Runs updates over engagements.

    Args:
        reach: How repositories are reached.
        offers: Makes the update of one engagement.
        request: Opens a request.
        rules: How updates are rolled out.
        jobs: Remotes that are reached at a time.
        dry: Whether nothing is written; outcomes have the diff then.
        ended: Is told of each outcome at once.
        paused: Whether to stop before the next one.
        room: How many more requests may be opened.
        asked: Names whose request is open already; refreshing it takes no room.
    """

    def __init__(
        self,
        reach: Reach,
        offers: Offers,
        request: Open,
        rules: Rollout,
        *,
        jobs: int,
        dry: bool,
        ended: Callable[[Outcome], None],
        paused: Callable[[], str],
        room: int,
        asked: Collection[str] = (),
    ) -> None:
        self._reach = reach
        self._offers = offers
        self._request = request
        self._rules = rules
        self._jobs = jobs
        self._dry = dry
        self._ended = ended
        self._paused = paused
        self._room = room
        self._asked = asked
        self._before: dict[str, str] = {}
        self.result = Result()

    def run(self, rows: Sequence[Row]) -> None:
        """Update these, as long as nothing stops it."""
        waiting = deque(rows)
        with ThreadPoolExecutor(self._jobs) as pool:
            fetching: deque[tuple[Row, Future[tuple[Stand, Path]]]] = deque()
            delivering: dict[Future[Outcome], Row] = {}
            while waiting or fetching or delivering:
                while waiting and len(fetching) < self._jobs and not self._stop():
                    if not self._has_room(waiting[0], len(fetching) + len(delivering)):
                        if fetching or delivering:
                            break
                        why = "as many requests are open as `max_open` allows"
                        self.result.held.append(Held(waiting.popleft(), why))
                        continue
                    row = waiting.popleft()
                    fetching.append((row, pool.submit(self._fetch, row)))
                if not fetching and waiting and self.result.stopped:
                    self.result.held += [Held(row, self.result.stopped) for row in waiting]
                    waiting.clear()
                if fetching:
                    row, fetched = fetching.popleft()
                    made = self._safe(row, partial(self._make, row, fetched))
                    if isinstance(made, Prepared):
                        delivering[pool.submit(self._deliver, made)] = row
                    else:
                        self._take(made)
                self._collect(delivering, all_of_them=not fetching)

    def _collect(self, delivering: dict[Future[Outcome], Row], *, all_of_them: bool) -> None:
        """Take what was delivered; where nothing else is to be done, or too much is on its way, wait for it."""
        while delivering:
            urgent = all_of_them or len(delivering) >= 2 * self._jobs
            done, _ = wait(delivering, timeout=None if urgent else 0, return_when=FIRST_COMPLETED)
            for future in done:
                row = delivering.pop(future)
                self._take(self._safe(row, future.result))
            if not done:
                return

    def _take(self, outcome: Outcome) -> None:
        if outcome.request is not None and outcome.request.url and outcome.row.name not in self._asked:
            self._room -= 1
        self.result.outcomes.append(outcome)
        self._ended(outcome)

    def _stop(self) -> bool:
        """Whether something says that no more is begun."""
        if not self.result.stopped:
            outcomes = self.result.outcomes
            failures = sum(outcome.fails for outcome in outcomes)
            if failures >= self._rules.stop_after and failures / len(outcomes) >= self._rules.stop_at:
                self.result.stopped = f"{failures} of {len(outcomes)} repositories failed"
            else:
                self.result.stopped = self._paused()
        return bool(self.result.stopped)

    def _has_room(self, row: Row, begun: int) -> bool:
        """Whether a request of a row may be opened, should all that was begun open one too."""
        return row.name in self._asked or self._room > begun

    def _fetch(self, row: Row) -> tuple[Stand, Path]:
        stand = self._patiently(row, lambda: self._reach.stand(row))
        if not stand.commit:
            raise Refused(f"{row.remote or row.place} has no commit on its default branch.")
        return stand, self._patiently(row, lambda: self._reach.bring(row, stand))

    def _make(self, row: Row, fetched: Future[tuple[Stand, Path]]) -> Prepared | Outcome:
        stand, repository = fetched.result()
        source, version = recorded_in(repository, row, stand.commit)
        self._before[row.name] = version
        planned = self._offers.plan(row, stand, repository, source, version)
        if planned.changes_nothing:
            return outcome_of(row, planned)
        if self._dry:
            return outcome_of(row, planned, diff=diff_of(planned))
        return self._offers.prepare(row, stand, repository, planned)

    def _deliver(self, made: Prepared) -> Outcome:
        try:
            outcome = self._patiently(made.row, lambda: self._offers.deliver(made, self._request))
        except PushRejectedError:
            stand, repository = self._fetch(made.row)
            again = self._offers.prepare(made.row, stand, repository, made.planned)
            outcome = self._offers.deliver(again, self._request)
        return outcome

    def _patiently(self, row: Row, call: Callable[[], T]) -> T:
        """Ask a host again that does not answer; a folder of this machine is asked once."""
        tries = TRIES if row.remote and folder_of(row.remote) is None else 1
        for number in range(1, tries):
            try:
                return call()
            except Unavailable:
                time.sleep(SECONDS * 2 ** (number - 1) * random.uniform(0.5, 1.5))  # noqa: S311  (no secret)
        return call()

    def _safe(self, row: Row, call: Callable[[], T]) -> T | Outcome:
        """What a call gives, or how it failed: one repository never stops the others."""
        try:
            return call()
        except Unavailable as error:
            return Outcome(row, "failed", self._before.get(row.name, ""), why=one_line(error))
        except VendorkitError as error:
            declined = isinstance(error, Declined)
            return Outcome(row, "refused", self._before.get(row.name, ""), why=one_line(error), declined=declined)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  (it may be hostile, and the other repositories still want theirs)
            return Outcome(row, "failed", why=f"A bug of vendorkit: {type(error).__name__}: {error}"[:500])


def in_shard(row: Row, shard: tuple[int, int]) -> bool:
    """Whether an engagement belongs to shard `(i, n)`; all of a repository belong to the same."""
    return zlib.crc32((row.remote or row.place).encode()) % shard[1] == shard[0] - 1


def ring_by_ring(rows: Sequence[Row], rings: Sequence[Ring]) -> Iterator[tuple[Ring, list[Row]]]:
    """The rings in their order with their engagements; without rings, all in one."""
    for ring in rings or (Ring(name="all"),):
        yield ring, [row for row in rows if row.ring == ring.name]


def health(ring: Ring, *, rows: Sequence[Row], reach: Reach, offers: Offers, state: State, look: Look) -> str:
    """Why the ring after this one has to wait; empty where it may begin.

    Args:
        ring: The ring.
        rows: All engagements of the fleet.
        reach: How repositories are reached.
        offers: Knows the version that is wanted.
        state: What is known of their updates.
        look: Gives the request of a row's branch.
    """
    rows = [row for row in rows if row.ring == ring.name]
    lasts, stands = state.last_outcomes(), reach.stands(rows)

    def has_it(row: Row) -> bool | None:
        stand = stands[row.name]
        try:
            return isinstance(stand, Stand) and bool(stand.commit) and _has_it(row, stand, reach, offers)
        except Declined:
            return None  # its template has no such version: it does not count
        except VendorkitError:
            return False

    def fails(row: Row) -> bool:
        branch = str((lasts.get(row.name) or {}).get("branch") or "")
        request = look(row, branch) if branch and ring.checks == "green" else None
        return request is not None and request.checks == "red"

    red = [row.name for row, failed in zip(rows, reach.at_once(fails, rows), strict=True) if failed]
    counted = [each for each in reach.at_once(has_it, rows) if each is not None]
    if red:
        return f"ring {ring.name}: checks fail in {', '.join(red[:5])}"
    if counted and sum(counted) / len(counted) < ring.merged:
        return f"ring {ring.name}: {sum(counted)} of {len(counted)} have it, {ring.merged:.0%} are needed"
    return ""


def _has_it(row: Row, stand: Stand, reach: Reach, offers: Offers) -> bool:
    repository = reach.bring(row, stand)
    source, version = recorded_in(repository, row, stand.commit)
    return version == offers.target(source).name
