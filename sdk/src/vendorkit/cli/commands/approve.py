"""Sign a yes to a release, as an internal person who did not make it."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_deciding, add_release, decided
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit approve credit/3 --key ~/.ssh/id_ed25519",
    "vendorkit approve credit/3 --as model-risk --reason 'gates and card read'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    return decided(args, "approval", "{actor} approved {release}: {record}")
