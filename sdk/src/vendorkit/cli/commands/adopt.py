"""Bring an existing repository under the template: made by hand, by Cookiecutter or cruft, or by another template.

Answers are inferred from what is there and shown with where each comes from. The result is one commit on branch
`vendorkit/adopt`; the work tree is not touched. Nothing is lost: where a file of the template takes the place of one
of theirs, theirs is put aside in `before-adoption/` and named. Of an address the branch is pushed, and a request opened
where it lies on a forge.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.adopting import add_adopting_arguments, adopted
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit adopt ../churn-model",
    "vendorkit adopt ../churn-model --data vendor='Acme Analytics' --data tier=medium --yes",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `vendorkit adopt` takes."""
    parser.add_argument("repository", metavar="REPO", help="top folder of the repository, or its address")
    add_adopting_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Adopt one repository."""
    result, text = adopted(args, args.repository, console)
    return Outcome(result, text)
