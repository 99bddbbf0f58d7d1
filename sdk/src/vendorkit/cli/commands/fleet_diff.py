"""What repositories changed of the files that their template owns: each file, how, and whether a waiver excuses it.

Compared with the version that each repository records. For repositories that are named, the difference itself is shown
too. `--all` adds the files that a template only begins, which are the repository's own. Ends with 1 when a managed file
differs without a waiver.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.fleet.drift import Drift
    from vendorkit.fleet.inventory import Row

EXAMPLES = ("vendorkit fleet diff credit", "vendorkit fleet diff credit --all --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories, in full (default: all, in short)")
    parser.add_argument("--all", action="store_true", help="files that the template only begins, too")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import code_of, drifts_of, of_each, opened  # noqa: PLC0415
    from vendorkit.documents.plain import clean, lines_of  # noqa: PLC0415
    from vendorkit.errors import VendorkitError  # noqa: PLC0415
    from vendorkit.fleet.facts import one_line  # noqa: PLC0415

    repos: list[dict[str, Any]] = []
    lines, errors = [], []
    with opened(args, console) as fleet:
        today = datetime.now(UTC).date()
        look = drifts_of(fleet, today, everything=args.all, with_diff=bool(args.names))

        def differences(row: Row, repository: Path, commit: str) -> tuple[str, list[Drift]]:
            return commit, look(repository, row, commit)

        for row, told in of_each(fleet, args.names, differences):
            repos.append({"name": row.name, "path": row.path, "commit": None, "files": []})
            if isinstance(told, VendorkitError):
                errors.append(told)
                repos[-1]["error"] = one_line(told)
                lines.append(clean(f"{row.name}: {one_line(told)}"))
                continue
            commit, found = told
            repos[-1] |= {"commit": commit, "files": [asdict(each) for each in found]}
            for each in found:
                lines.append(clean(f"{row.name}: {each.path} {_how(each)}"))
                lines += lines_of(each.diff)
    differs = any(file["managed"] and not file["waived"] for repo in repos for file in repo["files"])
    text = "\n".join(lines) or f"Every {'' if args.all else 'managed '}file is as its template gives it."
    return Outcome({"repos": repos}, text, exit_code=code_of(errors, no=differs))


def _how(found: Drift) -> str:
    if not found.managed:
        return f"was {'changed' if found.change in ('edited', 'weakened') else found.change} (the repository's own)"
    said = "was edited: lines were added" if found.change == "edited" else f"was {found.change}"
    return f"{said} (waived)" if found.waived else said
