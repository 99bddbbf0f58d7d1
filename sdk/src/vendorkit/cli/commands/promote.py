"""Point an alias to an approved release; everything is verified first."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_deciding, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit promote credit/3", "vendorkit promote credit/3 --alias staging --reason 'trial week'")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", metavar="MODEL/VERSION", help="the release")
    parser.add_argument("--alias", default="champion", help="the alias to move (default: champion)")
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.move import promote  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    moved = promote(repo, model, version, args.alias, deciding_of(args, repo))
    return Outcome(moved.to_value(), moved.to_text())
