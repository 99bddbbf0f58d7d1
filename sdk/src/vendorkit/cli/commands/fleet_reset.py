"""Bring files of repositories back to what their template gives at the version that each records, by a request.

All managed files that differ and have no waiver, or with `--file` exactly those that are named, seeded ones among them.
One branch `vendorkit/reset` and one request each; a branch on which people committed is left alone. Ends with 1 when a
repository is in conflict or refused, with 3 when one could not be reached.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome
from vendorkit.cli.updating import following, told

EXAMPLES = (
    "vendorkit fleet reset credit --dry-run",
    "vendorkit fleet reset credit --file docs/runbook.md --file CODEOWNERS",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these repositories (default: all)")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="PATTERN",
        help="these files, whoever owns them, as in .gitignore",
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing; show what would change")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from contextlib import nullcontext  # noqa: PLC0415

    from vendorkit.cli.fleet import opened  # noqa: PLC0415
    from vendorkit.fleet.state import one_at_a_time  # noqa: PLC0415
    from vendorkit.fleet.updates import Wish, update  # noqa: PLC0415

    with opened(args, console) as fleet:
        wish = Wish(
            to="",
            by=fleet.author.email,
            names=tuple(args.names),
            ring="",
            shard=None,
            retry=False,
            dry=args.dry_run,
            jobs=max(1, args.jobs),
            today=datetime.now(UTC).date(),
            reset=tuple(args.file),
        )
        with nullcontext() if wish.dry else one_at_a_time(fleet.folder, "fleet reset"):
            result = update(
                fleet.rows,
                fleet.fleet,
                fleet.state,
                fleet.reach,
                fleet.resets(args.file, wish.today),
                wish,
                request=fleet.desks.open,
                look=fleet.desks.look,
                told=following(console),
            )
    return told(result, wish)
