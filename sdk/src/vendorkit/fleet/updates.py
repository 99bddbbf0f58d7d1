"""`fleet update` as a whole: who is updated, in which order, what stops it, and what is remembered.

A plan that was written before is executed as it stands, or refused for a repository that moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.offer import Offers, Open, Outcome
from vendorkit.fleet.reach import Reach
from vendorkit.fleet.rollout import Held, Result, Runner, health, in_shard, ring_by_ring
from vendorkit.fleet.state import State
from vendorkit.fleet.status import Look, is_stuck
from vendorkit.records.fleet import Fleet, Ring, Rollout

PAUSED, STOPPED = "paused", "stopped"
RETRIED = ("failed", "refused", "conflict", "needs-tasks")


@dataclass(frozen=True)
class Wish:
    """What somebody asks of an update.

    Args:
        to: The version; empty means the newest of each template.
        by: Who asks.
        names: Only these engagements; empty means all.
        ring: Only this ring; empty means one after the other.
        shard: `(i, n)`: only the i-th of n parts; None means all.
        retry: Only what is stuck.
        dry: Whether nothing is written.
        jobs: Remotes that are reached at a time.
        today: The day that deadlines are judged by.
        reset: Files to bring back, empty for all managed ones; None makes updates.
    """

    to: str
    by: str
    names: tuple[str, ...]
    ring: str
    shard: tuple[int, int] | None
    retry: bool
    dry: bool
    jobs: int
    today: date
    reset: tuple[str, ...] | None = None

    def options(self) -> dict[str, Any]:
        """What makes two runs the same: one that was cut off is gone on with by the same wish."""
        said = {"names": sorted(self.names), "ring": self.ring, "shard": self.shard, "retry": self.retry}
        return said if self.reset is None else {**said, "reset": list(self.reset)}

    def room(self, rules: Rollout) -> int:
        """How many requests may be open; shards know nothing of each other, so each has its part."""
        return -(-rules.max_open // self.shard[1]) if self.shard else rules.max_open


def chosen(rows: Sequence[Row], fleet: Fleet, wish: Wish, planned: Collection[str] | None = None) -> list[Row]:
    """The engagements that a wish is about, before rings are looked at.

    Raises:
        BadInput: A name or a ring that is not in the fleet.
    """
    known = {row.name for row in rows}
    faults = [Fault(name, "is not in the fleet.") for name in (*wish.names, *(planned or ())) if name not in known]
    if wish.ring and wish.ring not in fleet.ring_names:
        faults.append(Fault("--ring", f"{wish.ring!r} is not one of {', '.join(fleet.ring_names)}."))
    if faults:
        raise BadInput("There is no such thing in the fleet.", faults)
    kept = [row for row in rows if not wish.names or row.name in wish.names]
    kept = kept if planned is None else [row for row in kept if row.name in planned]
    return [row for row in kept if wish.shard is None or in_shard(row, wish.shard)]


def update(
    rows: Sequence[Row],
    fleet: Fleet,
    state: State,
    reach: Reach,
    offers: Offers,
    wish: Wish,
    *,
    request: Open,
    look: Look,
    told: Callable[[Outcome, int], None],
    planned: Collection[str] | None = None,
) -> Result:
    """Update the engagements of a fleet.

    Args:
        rows: All of its engagements.
        fleet: What it declares.
        state: What it remembers.
        reach: How repositories are reached.
        offers: Makes the update of one engagement.
        wish: What is asked for.
        request: Opens or refreshes a request.
        look: Gives the request of a row's branch.
        told: Is told of each outcome at once, and how many there will be.
        planned: Names in a plan that was written before; only these are updated.

    Raises:
        BadInput: A name, ring or version that is not there.
        Refused: The fleet is paused, or the last run stopped.
    """
    mine = chosen(rows, fleet, wish, planned)
    offers.refuse_unknown()
    if not wish.dry:
        _may_begin(state, wish)
    if wish.retry:
        mine = _stuck(mine, fleet, state, wish)
    run = None if wish.dry else state.begin(wish.by, wish.to, wish.options())
    done = {} if run is None else {each["name"]: each for each in state.outcomes(run=run)}
    todo = [row for row in mine if row.name not in done]

    def ended(outcome: Outcome) -> None:
        if run is not None:
            _remember(state, run, outcome, wish)
        told(outcome, len(todo))

    asked = _asked_now(mine if wish.shard else rows, wish.room(fleet.rollout), state, look, wish)
    runner = Runner(
        reach,
        offers,
        request,
        fleet.rollout,
        jobs=wish.jobs,
        dry=wish.dry,
        ended=ended,
        paused=lambda: "" if wish.dry else _paused(state),
        room=wish.room(fleet.rollout) - len(asked),
        asked=asked,
    )
    runner.result.outcomes += [_again(row, done[row.name]) for row in mine if row.name in done]

    healthy = partial(health, rows=rows, reach=reach, offers=offers, state=state, look=look)
    _ring_by_ring(runner, todo, fleet, wish, healthy)
    if run is not None:
        state.end(run, runner.result.stopped)
        if "failed" in runner.result.stopped:
            state.set(STOPPED, f"{runner.result.stopped} in the update to {wish.to or 'the newest version'}")
    return runner.result


def _remember(state: State, run: int, outcome: Outcome, wish: Wish) -> None:
    """Keep how one repository ended, and the requests that this closed."""
    value = {**outcome.to_value(), "ring": outcome.row.ring, "by": wish.by}
    value |= {} if wish.reset is None else {"reset": True}
    value |= {"declined": True} if outcome.declined else {}
    state.add_outcome(run, outcome.row.name, value, outcome.request)
    state.remember_requests((outcome.row.name, *each) for each in outcome.closed.items())


def _asked_now(rows: Sequence[Row], most: int, state: State, look: Look, wish: Wish) -> set[str]:
    """Names with an open request. Where there seem to be too many, the forge is asked which are open still."""
    by_name = {row.name: row for row in rows}
    known = state.requests().items()
    found = {key: each for key, each in known if key[0] in by_name and each.state == "open" and each.url}
    if len(found) >= most and not wish.dry:
        for name, branch in list(found):
            seen = look(by_name[name], branch)
            if seen is not None:
                state.remember_requests([(name, branch, seen)])
                if seen.state != "open":
                    del found[name, branch]
    return {name for name, _ in found}


def _ring_by_ring(
    runner: Runner, rows: Sequence[Row], fleet: Fleet, wish: Wish, health_of: Callable[[Ring], str]
) -> None:
    """Update one ring after the other, as long as the one before is healthy."""
    why = ""
    for ring, of_ring in ring_by_ring(rows, fleet.rings):
        if wish.ring in ("", ring.name):
            if why:
                runner.result.held += [Held(row, why) for row in of_ring]
                continue
            runner.run(of_ring)
        is_last = not fleet.rings or ring.name in (wish.ring, fleet.rings[-1].name)
        why = why or runner.result.stopped
        if not (why or wish.dry or wish.retry or wish.names or wish.reset is not None or is_last):
            why = health_of(ring)


def _may_begin(state: State, wish: Wish) -> None:
    if paused := state.setting(PAUSED):
        raise Refused(f"The fleet is paused: {paused}.", fix="Go on with `vendorkit fleet update --resume`.")
    stopped = state.setting(STOPPED)
    if stopped and not wish.retry:
        fix = "See `vendorkit fleet status`; then `vendorkit fleet update --retry`, or go on with `--resume`."
        raise Refused(f"The last run stopped: {stopped}.", fix=fix)
    if stopped:
        state.set(STOPPED, "")


def _paused(state: State) -> str:
    paused = state.setting(PAUSED)
    return f"the fleet is paused: {paused}" if paused else ""


def _stuck(rows: Sequence[Row], fleet: Fleet, state: State, wish: Wish) -> list[Row]:
    """Those of them whose last update does not go on by itself."""
    lasts, requests = state.last_outcomes(), state.requests()
    kept = []
    for row in rows:
        last = lasts.get(row.name)
        if last is None:
            continue
        request = requests.get((row.name, str(last["branch"] or "")))
        if request is not None and request.state == "merged":
            continue
        overdue = request is not None and is_stuck(request, fleet.rollout.deadline, wish.today)
        if last["status"] in RETRIED or overdue:
            kept.append(row)
    return kept


def _again(row: Row, held: Mapping[str, Any]) -> Outcome:
    """The outcome of a repository that was done before the run was cut off."""
    outcome = Outcome(row, held["status"], held["from"], held["to"], held["branch"] or "", held["commit"] or "")
    return replace(outcome, why=held["why"], known=dict(held), declined="declined" in held)
