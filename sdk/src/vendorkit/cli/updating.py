"""What `fleet update` and `fleet reset` share: telling how each repository ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.fleet.offer import Outcome as Ended
    from vendorkit.fleet.rollout import Result
    from vendorkit.fleet.updates import Wish

NO = ("conflict", "drifted", "refused", "needs-tasks")
"""Endings that make the exit code 1."""


def following(console: Console) -> Callable[[Ended, int], None]:
    """Shows each repository as it ends, and how many did."""
    numbers = count(1)

    def show(ended: Ended, of: int) -> None:
        console.bar("updating repositories", next(numbers), of)
        console.progress(f"{ended.row.name}: {ended.status} {ended.why}".rstrip())

    return show


def told(result: Result, wish: Wish, plan: Path | None = None) -> Outcome:
    """What a run did, for people and programs.

    Args:
        result: It.
        wish: What was asked for.
        plan: The file that a plan was written to; None where none was.
    """
    repos = [outcome.to_value() for outcome in result.outcomes]
    held = [{"name": each.row.name, "ring": each.row.ring, "why": each.why} for each in result.held]
    statuses = {each["status"] for each in repos}
    code = 1 if statuses & set(NO) else 3 if "failed" in statuses else 0
    value: dict[str, Any] = {"to": wish.to or None, "dry_run": wish.dry, "repos": repos, "held": held}
    value |= {"stopped": result.stopped or None, "plan": str(plan) if plan else None}
    lines = _lines(repos, held, result.stopped, diffs=wish.dry and plan is None)
    return Outcome(value, "\n".join([*lines, *_next(result, wish, plan)]), exit_code=code)


def _next(result: Result, wish: Wish, plan: Path | None) -> Iterator[str]:
    """What to do after it; nothing where all is done."""
    statuses = {outcome.status for outcome in result.outcomes}
    command, updates = "vendorkit fleet update", wish.reset is None
    if plan is not None:
        yield f"{plan} has the plan. Next: {command} --apply {quote(str(plan))}"
    elif wish.dry:
        planned = f", or `{command} --plan FILE` for somebody's yes" if updates else ""
        yield f"Nothing was written. Next: the same without `--dry-run`{planned}."
    elif "failed" in result.stopped and updates:
        yield f"Next: mend what failed, then `{command} --retry`; or go on all the same with `{command} --resume`"
    elif "failed" in result.stopped:
        yield f"Next: mend what failed; `{command} --retry` lifts the stop, then the same command again"
    elif statuses & {"conflict", "refused", "failed", "needs-tasks"}:
        yield "Next: vendorkit fleet status --stuck"
    elif result.held:
        yield "Next: the same command once that is so"


def _lines(repos: list[dict[str, Any]], held: list[dict[str, Any]], stopped: str, *, diffs: bool) -> list[str]:
    from vendorkit.documents.plain import clean, lines_of  # noqa: PLC0415

    width = max([len(each["name"]) for each in (*repos, *held)], default=0)
    lines = []
    for each in repos:
        versions = " -> ".join(filter(None, (each["from"], each["to"] if each["to"] != each["from"] else "")))
        where = each["request"] or each["branch"] or ""
        says = "; ".join(filter(None, (versions, each["why"].rstrip("."), where)))
        lines.append(f"{each['name']:<{width}}  {each['status']:<11}  {clean(says, 400)}")
        lines += [f"{'':<{width}}  note: {clean(says)}" for says in each["warnings"]]
        if diffs and each.get("diff"):
            lines += ["", *lines_of(each["diff"]), ""]
    lines += [f"{each['name']:<{width}}  {'held':<11}  {clean(each['why'])}" for each in held]
    if stopped:
        lines.append(clean(f"stopped: {stopped}"))
    counts = {status: sum(each["status"] == status for each in repos) for status in {each["status"] for each in repos}}
    counted = [f"{count} {status}" for status, count in sorted(counts.items())]
    return [*lines, ", ".join([*counted, *([f"{len(held)} held"] if held else [])]) or "nothing to do"]
