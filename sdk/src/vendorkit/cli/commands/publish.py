"""Register a candidate with everything needed to rebuild, judge and trace it; refuse what is not fit."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit publish", "vendorkit publish --model credit --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", nargs="?", metavar="CANDIDATE", help="digest or its beginning (default: newest)")
    parser.add_argument("--model", help="only candidates of this model (default: any)")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.adapters.store import Store  # noqa: PLC0415

    repo = repo_of(args)
    candidate = Store(repo).candidate(args.candidate, args.model)
    console.progress("publishing ...")
    from vendorkit.steps.publish import publish  # noqa: PLC0415

    done = publish(repo, candidate)
    version = done.version
    result = {
        "model": version.model,
        "version": version.number,
        "release": done.release,
        "run_id": version.run_id,
        "created": done.created,
    }
    name = f"{version.model}/{version.number}"
    was = "Registered" if done.created else "Was registered before:"
    text = f"{was} {name}, release {done.release}.\nNext: an internal person runs `vendorkit approve {name}`."
    return Outcome(result, text)
