"""What repositories changed of the files that their template owns: each file, how, and whether a waiver excuses it.

Compared with the version that each repository records. Ends with 1 when a file differs without a waiver.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit fleet diff credit", "vendorkit fleet diff --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories (default: all)")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import brought, drifts_of, opened  # noqa: PLC0415
    from vendorkit.documents.plain import clean  # noqa: PLC0415

    repos: list[dict[str, Any]] = []
    lines = []
    with opened(args, console) as fleet:
        look = drifts_of(fleet, datetime.now(UTC).date())
        for row, repository, commit in brought(fleet, args.names):
            found = look(repository, row, commit)
            files = [{"path": each.path, "change": each.change, "waived": each.waived} for each in found]
            repos.append({"name": row.name, "path": row.path, "commit": commit, "files": files})
            for each in found:
                lines.append(clean(f"{row.name}  {each.change:<9} {each.path}{' (waived)' if each.waived else ''}"))
    differs = any(not file["waived"] for repo in repos for file in repo["files"])
    text = "\n".join(lines) or "Every managed file is as its template gives it."
    return Outcome({"repos": repos}, text, exit_code=1 if differs else 0)
