"""Sign a no to a release, as an internal person who did not make it."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_deciding, add_release, decided
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit refuse credit/3 --key ~/.ssh/id_ed25519 --reason 'unfair to young applicants'",
    "vendorkit refuse credit/3 --as model-risk --reason 'unfair to young applicants'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_release(parser)
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    return decided(args, "refusal", "{actor} refused {release}: {record}")
