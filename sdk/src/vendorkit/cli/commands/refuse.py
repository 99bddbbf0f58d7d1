"""Sign a no to a release, as an internal person who did not make it."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import add_deciding, deciding_of, model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit refuse credit/3 --key ~/.ssh/id_ed25519",
    "vendorkit refuse credit/3 --as model-risk --reason 'unfair to young applicants'",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", metavar="MODEL/VERSION", help="the release")
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.decide import decide  # noqa: PLC0415

    model, version = model_version(args.release)
    repo = repo_of(args)
    record = decide(repo, "refusal", model, version, deciding_of(args, repo)).decision
    result = {"model": model, "version": version, "record": record.digest, "actor": record.actor}
    return Outcome(result, f"{record.actor} refused {model}/{version}: {record.digest}")
