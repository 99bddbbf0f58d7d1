"""Tell what a check, gate, metric, error or word means and how to mend it.

Without ID: the engagement on one page.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit explain roc_auc                       a metric: formula and source",
    "vendorkit explain --format markdown             the engagement on one page",
)
FORMATS = ("text", "markdown", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    says = "check, gate, kind of gate, metric, exit code, error, verdict or word"
    parser.add_argument("name", nargs="?", metavar="ID", help=says)
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to write (default: text)")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.arguments import repo_of  # noqa: PLC0415
    from vendorkit.documents import explanation  # noqa: PLC0415
    from vendorkit.errors import BadInput  # noqa: PLC0415
    from vendorkit.steps.explain import explain  # noqa: PLC0415

    try:
        repo = repo_of(args)
    except BadInput:
        if args.repo or args.name is None:
            raise
        repo = None  # words and metrics mean the same everywhere
    sections = explain(args.name, repo)
    return Outcome(explanation.to_value(sections), explanation.FORMATS[args.format](sections))
