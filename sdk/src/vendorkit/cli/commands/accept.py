"""Verify a milestone's package and sign that it is accepted; only the person whom the milestone names may."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import add_deciding, deciding_of, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit accept m1 --key ~/.ssh/id_ed25519", "vendorkit accept m1 --pack m1.tar --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("milestone", metavar="MILESTONE", help="id of the milestone in engagement.yaml")
    which = "the package (default: the one that was packed here from this commit)"
    parser.add_argument("--pack", type=Path, metavar="FILE", help=which)
    add_deciding(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    repo = repo_of(args)
    deciding = deciding_of(args, repo)
    console.progress("verifying the package ...")
    from vendorkit.steps.accept import accept  # noqa: PLC0415

    done = accept(repo, args.milestone, deciding, args.pack)
    record = done.signed.acceptance
    result = {
        "milestone": record.milestone,
        "record": record.digest,
        "path": str(done.path),
        "pack": record.pack,
        "archive": record.archive,
        "commit": record.commit,
        "actor": record.actor,
        "created": done.created,
    }
    was = "accepted" if done.created else "had accepted"
    text = (
        f"{record.actor} {was} {record.milestone} as packed: {record.archive}.\nCommit {done.path.relative_to(repo)}."
    )
    return Outcome(result, text)
