"""Point an alias to an approved release; everything is verified first.

`--emergency` goes without approvals that are missing, not without anything else: it needs a reason and somebody of
operations.rollback.authority, and `releases` shows it as to be reviewed until the approvals are there."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_alias, add_deciding, add_release, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit promote credit/3 --alias staging --reason 'trial week'",
    "vendorkit promote credit/3 --emergency --reason 'credit/2 answers nonsense since the schema change'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    add_alias(parser)
    parser.add_argument("--emergency", action="store_true", help="go without approvals that are missing")
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.move import promote  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    deciding = deciding_of(args, repo)
    moved = promote(repo, model, version, args.alias, deciding, emergency=args.emergency)
    return Outcome(moved.to_value(), moved.to_text())
