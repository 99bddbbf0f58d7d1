"""Bring repositories that were made otherwise under the template, each by one commit on branch `vendorkit/adopt`.

As `vendorkit adopt`, for several. One that cannot be adopted is told with the reason, and the others go on. When the
commits are merged, `vendorkit fleet add` puts the repositories on the list.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.adopting import add_adopting_arguments, adopted
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit fleet adopt ../churn ../fraud",
    "vendorkit fleet adopt ../churn ../fraud --data client='Example Bank' --yes --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `vendorkit fleet adopt` takes."""
    parser.add_argument("repositories", metavar="REPO", nargs="+", help="top folder of a repository, or its address")
    add_adopting_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Adopt each of them."""
    from vendorkit.errors import VendorkitError  # noqa: PLC0415

    rows, texts, code = [], [], 0
    for place in dict.fromkeys(args.repositories):
        console.progress(f"adopting {place}")
        try:
            row, text = adopted(args, place, console)
        except VendorkitError as error:
            name = place.rstrip("/").rpartition("/")[2].removesuffix(".git")
            row = {"name": name, "path": place, "status": "refused", "why": str(error)}
            text, code = f"{place}\n  refused: {error}", max(code, error.exit_code)
        rows.append(row)
        texts.append(text)
    return Outcome({"repos": rows}, "\n\n".join(texts), exit_code=code)
