"""Rebuild a release in a clean checkout with its locked environment, and compare it with its record.

This runs the vendor's code, with the locked packages of the vendor: run it where that is allowed to fail.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import model_version, repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit reproduce", "vendorkit reproduce credit/3 --record --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = "a version number, or MODEL/VERSION (default: the live release, else the newest candidate)"
    parser.add_argument("version", nargs="?", metavar="VERSION", help=which)
    parser.add_argument("--record", action="store_true", help="keep the answer in records/, to be committed")
    here = "retrain in the environment that runs vendorkit; the record says so"
    parser.add_argument("--no-sync", action="store_true", help=here)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.documents.reproduction import reproduction_text  # noqa: PLC0415
    from vendorkit.steps.reproduce import keep, reproduce  # noqa: PLC0415

    repo = repo_of(args)
    model, version = _which(args.version)
    record = reproduce(repo, model, version, locked=not args.no_sync, progress=console.progress)
    path = keep(repo, record) if args.record else None
    metrics = {metric.name: metric.model_dump(mode="json", exclude={"name"}) for metric in record.metrics}
    result = {
        "model": record.model,
        "version": record.version,
        "candidate": record.candidate,
        "commit": record.commit,
        "reproduced": record.reproduced,
        "differs_first": record.differs_first,
        "differences": [difference.model_dump(mode="json") for difference in record.differences],
        "metrics": metrics,
        "same_model": record.same_model,
        "record": record.digest,
        "path": str(path) if path else None,
    }
    text = reproduction_text(record) + (f"\nCommit {path.relative_to(repo)}." if path else "")
    return Outcome(result, text, exit_code=0 if record.reproduced else 1)


def _which(text: str | None) -> tuple[str | None, int | None]:
    """Model and version; either may be left to be found."""
    if text is None:
        return None, None
    return (None, int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else model_version(text)
