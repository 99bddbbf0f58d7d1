"""Retire a release: warn its callers from a day, block it from a day, and name its replacement.

Without dates it is blocked today. With `--warn-from` alone it is deprecated: callers are warned, nothing is blocked.
A later `retire` changes the days; `--withdraw` takes them back. Once it is blocked, `--archive` moves its model into a
bundle; what is left in the registry still answers `trace`. The person of lifecycle.approver decides."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import add_deciding, add_release, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import BadInput, Fault

EXAMPLES = (
    "vendorkit retire credit/2 --warn-from 2027-01-01 --block-from 2027-03-31 --replacement credit/3",
    "vendorkit retire credit/2 --archive /archive/credit-2",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    parser.add_argument("--warn-from", metavar="DATE", help="first day (UTC) of warnings (default: today)")
    parser.add_argument("--block-from", metavar="DATE", help="first day on which it is no longer used")
    parser.add_argument("--replacement", metavar="MODEL/VERSION", help="what to use instead")
    parser.add_argument("--force", action="store_true", help="block it today although an alias points to it")
    parser.add_argument("--withdraw", action="store_true", help="take a deprecation or retirement back")
    parser.add_argument("--archive", type=Path, metavar="DIR", help="move the model of a retired release there")
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.export import export  # noqa: PLC0415
    from vendorkit.steps.retire import Archived, Retired, archive, retire, withdraw  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    done: Archived | Retired
    _refuse_both(args)
    if args.withdraw:
        done = withdraw(repo, model, version, deciding_of(args, repo))
    elif args.archive:
        console.progress("archiving ...")
        who = deciding_of(args, repo)
        done = archive(repo, model, version, who, args.archive, lambda folder: export(repo, model, version, folder))
    else:
        done = retire(
            repo,
            model,
            version,
            deciding_of(args, repo),
            warn_from=args.warn_from,
            block_from=args.block_from,
            replacement=model_version(args.replacement) if args.replacement else None,
            force=args.force,
        )
    return Outcome(done.to_value(), done.to_text())


def _refuse_both(args: argparse.Namespace) -> None:
    """Retire, withdraw or archive: one of them at a time."""
    chosen = "--withdraw" if args.withdraw else "--archive" if args.archive else None
    given = {"--warn-from": args.warn_from, "--block-from": args.block_from, "--replacement": args.replacement,
             "--force": args.force, "--archive": args.archive if args.withdraw else None}  # fmt: skip
    faults = [Fault(option, f"has no meaning with {chosen}.") for option, value in given.items() if value]
    if chosen and faults:
        raise BadInput("Retire, withdraw or archive?", faults)
