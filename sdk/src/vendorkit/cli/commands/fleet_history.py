"""Every update of a repository: version, people, changed answers and outcome, also of updates made by hand.

What arrived is read from the history of its answers file; what was refused, failed or is in conflict from what the
fleet remembers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.fleet.history import Event
    from vendorkit.fleet.inventory import Row

EXAMPLES = ("vendorkit fleet history credit", "vendorkit fleet history credit --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories (default: all)")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import code_of, of_each, opened  # noqa: PLC0415
    from vendorkit.documents.plain import clean  # noqa: PLC0415
    from vendorkit.errors import VendorkitError  # noqa: PLC0415
    from vendorkit.fleet.facts import one_line  # noqa: PLC0415
    from vendorkit.fleet.history import history  # noqa: PLC0415

    repos: list[dict[str, Any]] = []
    lines, errors = [], []
    with opened(args, console) as fleet:
        requests = fleet.state.requests()

        def tell(row: Row, repository: Path, commit: str) -> list[Event]:
            return history(row, repository, commit, fleet.state.outcomes(name=row.name), requests)

        for row, events in of_each(fleet, args.names, tell):
            repos.append({"name": row.name, "path": row.path, "events": []})
            lines.append(clean(row.name))
            if isinstance(events, VendorkitError):
                errors.append(events)
                repos[-1]["error"] = one_line(events)
                lines.append(clean(f"  {one_line(events)}"))
                continue
            repos[-1]["events"] = [event.to_value() for event in events]
            lines += [f"  {clean(line)}" for event in events for line in _told(event)]
    return Outcome({"repos": repos}, "\n".join(lines), exit_code=code_of(errors, no=False))


def _told(event: Event) -> Iterator[str]:
    """One line, and one for each answer that changed."""
    people = f"by {event.by}{f', merged by {event.merged_by}' if event.merged_by else ''}"
    says = f": {event.says}" if event.says else ""
    asked = f"; {event.request or 'its branch'} is {event.outcome}" if event.outcome else ""
    yield f"{event.at[:16]}Z  {event.what} {event.before or '-'} -> {event.after or '-'} {people}{says}{asked}"
    yield from (f"  {name}: {old} became {new}" for name, (old, new) in event.answers.items())
