"""Register what `vendorkit export` wrote, as a folder or an OCI image layout. Every digest is verified first."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit import handover/credit-3", "vendorkit import handover/credit-3 --without-decisions --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="what was exported")
    parser.add_argument(
        "--without-decisions", action="store_true", help="leave approvals behind and take the next free number"
    )


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.steps.import_ import import_bundle  # noqa: PLC0415

    console.progress("verifying ...")
    done = import_bundle(repo_of(args), args.folder, with_decisions=not args.without_decisions)
    version = done.version
    result = {
        "model": version.model,
        "version": version.number,
        "release": done.release,
        "bundle": done.bundle,
        "run_id": version.run_id,
        "created": done.created,
        "decisions": done.decisions,
        "aliases": list(done.aliases),
    }
    was = "Registered" if done.created else "Was registered before:"
    lines = [f"{was} {version.name}, release {done.release}. {done.decisions} decisions were added to its log."]
    lines += [f"{version.model}@{alias} follows them." for alias in done.aliases]
    return Outcome(result, "\n".join(lines))
