"""Bring repositories to a version of their template: each gets one branch with the change, and one request.

Managed files that were deleted or weakened are restored in a commit of their own. A branch on which people committed
is left alone. A run that was cut off is gone on with by the same command. Ends with 1 when a repository is in
conflict, drifted, refused, or needs tasks; with 3 when one could not be reached.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome
from vendorkit.cli.updating import following, told

if TYPE_CHECKING:
    from vendorkit.cli.fleet import Opened
    from vendorkit.fleet.plan_file import PlanFile
    from vendorkit.fleet.updates import Wish

EXAMPLES = (
    "vendorkit fleet update --to v1.3.0 --dry-run",
    "vendorkit fleet update --to v1.3.0 --ring canary --jobs 16",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these repositories (default: all)")
    parser.add_argument("--to", default="", metavar="VERSION", help="the template's version (default: its newest)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; show what would change")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="write nothing but this plan")
    parser.add_argument("--apply", type=Path, metavar="FILE", help="do exactly what a plan says")
    parser.add_argument("--ring", default="", metavar="RING", help="only this ring")
    parser.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts, beside the others")
    parser.add_argument("--retry", action="store_true", help="only what is stuck: failed, refused, conflict, overdue")
    parser.add_argument(
        "--conflicts", choices=("markers", "aside"), help="how conflicts are left (default: fleet.yaml)"
    )
    parser.add_argument("--pause", metavar="WHY", help="let no update begin or go on until --resume")
    parser.add_argument("--resume", action="store_true", help="go on after --pause, or after too many failures")
    add_jobs(parser)


def _shard(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    if not (first.isdigit() and last.isdigit() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"expected I/N as 2/8, not {text!r}")
    return int(first), int(last)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import opened  # noqa: PLC0415
    from vendorkit.errors import BadInput, Fault  # noqa: PLC0415

    both = [name for name in ("plan", "apply") if getattr(args, name)]
    if len(both) == 2 or (args.apply and (args.to or args.conflicts or args.dry_run)):
        says = "goes without `--plan`, `--to`, `--conflicts` and `--dry-run`: the plan says it all."
        raise BadInput("These do not go together.", [Fault("--apply", says)])
    with opened(args, console) as fleet:
        if args.pause is not None:
            fleet.state.set("paused", args.pause or "no reason given")
            return Outcome({"paused": args.pause, "repos": []}, "The fleet is paused.")
        if args.resume and not (args.dry_run or args.plan):
            for name in ("paused", "stopped"):
                fleet.state.set(name, "")
        return _update(args, console, fleet)


def _update(args: argparse.Namespace, console: Console, fleet: Opened) -> Outcome:
    from contextlib import nullcontext  # noqa: PLC0415

    from vendorkit.fleet.plan_file import read_plan, write_plan  # noqa: PLC0415
    from vendorkit.fleet.state import one_at_a_time  # noqa: PLC0415
    from vendorkit.fleet.updates import update  # noqa: PLC0415

    planned = read_plan(args.apply) if args.apply else None
    wish = _wish(args, fleet, planned)
    style = planned.conflicts if planned else args.conflicts or fleet.fleet.rollout.conflicts
    shard = "/".join(map(str, wish.shard)) if wish.shard else ""
    what = f"fleet update to {wish.to or 'the newest version'}"
    with nullcontext() if wish.dry else one_at_a_time(fleet.folder, what, shard=shard):
        result = update(
            fleet.rows,
            fleet.fleet,
            fleet.state,
            fleet.reach,
            fleet.offers(wish.to, style, wish.today, planned, again=wish.retry),
            wish,
            request=fleet.desks.open,
            look=fleet.desks.look,
            told=following(console),
            planned=[each.name for each in planned.repositories] if planned else None,
        )
    if args.plan:
        from vendorkit.fleet.offer import plan_value  # noqa: PLC0415

        values = [plan_value(outcome) for outcome in result.outcomes]
        write_plan(args.plan, values, to=wish.to, conflicts=style, day=wish.today.isoformat())
    return told(result, wish, args.plan)


def _wish(args: argparse.Namespace, fleet: Opened, planned: PlanFile | None) -> Wish:
    from datetime import date  # noqa: PLC0415

    from vendorkit.fleet.updates import Wish  # noqa: PLC0415

    to = planned.to if planned else args.to
    if args.retry and not to:
        to = fleet.state.last_target()
    return Wish(
        to=to,
        by=fleet.author.email,
        names=tuple(args.names),
        ring=args.ring,
        shard=args.shard,
        retry=args.retry,
        dry=bool(args.dry_run or args.plan),
        jobs=max(1, args.jobs),
        today=date.fromisoformat(planned.day) if planned else datetime.now(UTC).date(),
    )
