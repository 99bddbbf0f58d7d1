"""Kick off an engagement: one repository from the template, with a locked environment and its first commit.

On a terminal it asks what is still open; with --defaults, --json or without a terminal it takes the defaults.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit new credit --defaults",
    "vendorkit new pd-2026 --template ../vendorkit --data vendor='Acme Analytics' --data starter=blank",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `vendorkit new` takes."""
    parser.add_argument("destination", metavar="DEST", help="folder to make; must be new or empty")
    parser.add_argument("--template", metavar="SRC", help="folder or git URL (default: where vendorkit came from)")
    parser.add_argument("--ref", metavar="TAG", help="tag, branch or commit of the template")
    parser.add_argument("--data", metavar="KEY=VALUE", action="append", default=[], help="answer a question")
    parser.add_argument("--answers", metavar="FILE", help="YAML file of answers; --data wins over it")
    parser.add_argument(
        "--platform",
        metavar="FILE",
        help="YAML file of the platform's own defaults and fixed answers (default: $VENDORKIT_PLATFORM, if set)",
    )
    parser.add_argument("--defaults", action="store_true", help="ask nothing, take the defaults")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Make the repository and tell where it is."""
    from vendorkit.steps.new import (  # noqa: PLC0415
        chosen_source,
        default_source,
        kick_off,
        read_answers,
        read_platform,
    )

    answers = read_answers(Path(args.answers) if args.answers else None, args.data)
    if args.template:
        source = chosen_source(args.template, args.ref, console.progress)
    else:
        source = default_source(args.ref, console.progress)
    named = args.platform or os.environ.get("VENDORKIT_PLATFORM")
    platform = read_platform(Path(named)) if named else None
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not (args.defaults or args.json)
    made = kick_off(
        Path(args.destination), source, answers, platform=platform, interactive=asks, progress=console.progress
    )
    result = {
        "path": str(made.path),
        "template": made.template,
        "ref": made.ref,
        "commit": made.commit,
        "answers": made.answers,
    }
    text = f"Made {made.path} (commit {made.commit[:12]}) from {made.template} {made.ref}".rstrip()
    if (made.path / "engagement.yaml").is_file():
        text += f"\nNext: cd {shlex.quote(args.destination)} && uv run vendorkit check"
    return Outcome(result, text)
