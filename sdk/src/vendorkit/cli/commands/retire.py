"""Retire a release: warn its callers from a day, block it from a day, and name its replacement.

Without dates it is blocked today. With `--warn-from` alone it is deprecated: callers are warned, nothing is blocked.
A later `retire` changes the days; `--withdraw` takes them back. The person of lifecycle.approver decides."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_deciding, add_release, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import BadInput, Fault

EXAMPLES = (
    "vendorkit retire credit/2 --warn-from 2027-01-01 --block-from 2027-03-31 --replacement credit/3",
    "vendorkit retire credit/2 --withdraw --reason 'credit/3 was rolled back'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    parser.add_argument("--warn-from", metavar="DATE", help="first day (UTC) of warnings (default: today)")
    parser.add_argument("--block-from", metavar="DATE", help="first day on which it is no longer used")
    parser.add_argument("--replacement", metavar="MODEL/VERSION", help="what to use instead")
    parser.add_argument("--force", action="store_true", help="block it today although an alias points to it")
    parser.add_argument("--withdraw", action="store_true", help="take a deprecation or retirement back")
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.retire import retire, withdraw  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    if args.withdraw:
        given = {"--warn-from": args.warn_from, "--block-from": args.block_from, "--replacement": args.replacement}
        faults = [Fault(option, "has no meaning with --withdraw.") for option, value in given.items() if value]
        if faults:
            raise BadInput("Retire or withdraw?", faults)
        done = withdraw(repo, model, version, deciding_of(args, repo))
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
