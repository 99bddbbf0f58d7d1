"""Point an alias back to the release that it pointed to before."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_alias, add_deciding, deciding_of, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit rollback credit --reason 'complaints since noon'",
    "vendorkit rollback credit --alias staging",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="id of the model")
    add_alias(parser)
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.move import rollback  # noqa: PLC0415

    repo = repo_of(args)
    moved = rollback(repo, args.model, args.alias, deciding_of(args, repo))
    return Outcome(moved.to_value(), moved.to_text())
