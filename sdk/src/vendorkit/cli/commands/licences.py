"""List the licences of everything that the lock installs, and what the platform makes of each.

Read from what is installed, so run it in the locked environment. `vendorkit check LIC` is the verdict.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit licences                   every package, with its licence and the platform's verdict",
    "vendorkit licences --json            the same for other programs",
)
UNKNOWN = "not installed here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`licences` has no arguments of its own."""


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """List."""
    from vendorkit.steps.licences import licences  # noqa: PLC0415

    found = licences(repo_of(args))
    packages = [
        {"package": each.name, "version": each.version, "licence": each.licence, "verdict": verdict}
        for each, verdict in found
    ]
    width = max((len(each.name) + len(each.version) + 1 for each, _ in found), default=0)
    lines = [
        f"{f'{each.name} {each.version}':<{width}}  {verdict or UNKNOWN:<18}  {each.licence or ''}".rstrip()
        for each, verdict in found
    ]
    return Outcome({"packages": packages}, "\n".join(lines) or "uv.lock locks no packages.")
