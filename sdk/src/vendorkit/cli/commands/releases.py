"""List what is registered, approved and live."""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit releases", "vendorkit releases credit --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL", help="only this model")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from dataclasses import asdict  # noqa: PLC0415

    from vendorkit.steps.releases import releases  # noqa: PLC0415

    lines = releases(repo_of(args), args.model)
    rows = [("RELEASE", "STATUS", "ALIASES", "APPROVED BY", "TRAINED BY", "REGISTERED")]
    rows += [
        (f"{line.model}/{line.version}", line.status, ", ".join(line.aliases) or "-",
         ", ".join(line.approvals) or "-", line.author, line.created_at)
        for line in lines
    ]  # fmt: skip
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    return Outcome({"releases": [asdict(line) for line in lines]}, text if lines else "Nothing is registered yet.")
