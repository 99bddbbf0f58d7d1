"""Point an alias to an approved release; everything is verified first."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_alias, add_deciding, add_release, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit promote credit/3", "vendorkit promote credit/3 --alias staging --reason 'trial week'")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    add_alias(parser)
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.move import promote  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    moved = promote(repo, model, version, args.alias, deciding_of(args, repo))
    return Outcome(moved.to_value(), moved.to_text())
