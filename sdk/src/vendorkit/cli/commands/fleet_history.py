"""Every update of a repository: version, people, changed answers and outcome, also of updates made by hand.

What arrived is read from the history of its answers file; what was refused, failed or is in conflict from what the
fleet remembers.
"""

from __future__ import annotations

import argparse

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit fleet history credit", "vendorkit fleet history credit --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories (default: all)")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import brought, opened  # noqa: PLC0415
    from vendorkit.documents.plain import clean  # noqa: PLC0415
    from vendorkit.fleet.history import history  # noqa: PLC0415

    repos, lines = [], []
    with opened(args, console) as fleet:
        requests = fleet.state.requests()
        for row, repository, commit in brought(fleet, args.names):
            events = history(row, repository, commit, fleet.state.outcomes(name=row.name), requests)
            repos.append({"name": row.name, "path": row.path, "events": [event.to_value() for event in events]})
            lines.append(row.name)
            for event in events:
                moved = f"{event.before or '-'} -> {event.after or '-'}"
                people = f"by {event.by}{f', merged by {event.merged_by}' if event.merged_by else ''}"
                lines.append(clean(f"{event.at[:16]}Z {event.what} {moved} {people}: {event.says}"))
                if event.outcome:
                    lines.append(clean(f"request {event.outcome} {event.request}".rstrip()))
                lines += [clean(f"{name}: {old} became {new}") for name, (old, new) in event.answers.items()]
    return Outcome({"repos": repos}, "\n".join(lines))
