"""Show two versions or candidates side by side on the same benchmarks.

Nothing is measured again: the numbers are those of their gate reports. Refuses when the benchmarks differ.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit compare credit/1 credit/2", "vendorkit compare credit@champion 3fa9c2 --format markdown")
FORMATS = ("text", "markdown", "html", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    says = "MODEL/VERSION, MODEL@ALIAS, or a candidate's digest or its beginning"
    parser.add_argument("a", metavar="A", help=f"the first: {says}")
    parser.add_argument("b", metavar="B", help="the second, in the same way")
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to write (default: text)")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.documents import comparison  # noqa: PLC0415
    from vendorkit.steps.compare import compare  # noqa: PLC0415

    found = compare(repo_of(args), args.a, args.b)
    return Outcome(found.to_value(), comparison.FORMATS[args.format](found))
