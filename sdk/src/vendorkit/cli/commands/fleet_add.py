"""Put repositories on the list of the fleet, `fleet.yaml`, which is made where there is none.

A folder is added as it is named; where it has a remote `origin`, that is where its updates go. In a repository that
holds engagements in folders each of them becomes an entry. Comments in the file stay.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.fleet.adding import Added

EXAMPLES = (
    "vendorkit fleet add ../credit ../churn",
    "vendorkit fleet add git@github.com:bank/credit.git --ring canary --owner @bank/credit-team",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("places", nargs="*", metavar="PATH-OR-URL", help="a folder, or the address of a git repository")
    parser.add_argument(
        "--owner", default="", metavar="WHO", help="who answers for them (default: their manifests say)"
    )
    parser.add_argument("--ring", default="", metavar="RING", help="their ring (default: the last one)")
    parser.add_argument(
        "--template", action="append", default=[], metavar="SRC", help="a template that repositories may come from"
    )


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import reach_of  # noqa: PLC0415
    from vendorkit.errors import BadInput, Fault  # noqa: PLC0415
    from vendorkit.fleet.adding import add  # noqa: PLC0415
    from vendorkit.fleet.inventory import find_fleet  # noqa: PLC0415
    from vendorkit.fleet.state import one_at_a_time  # noqa: PLC0415

    if not args.places and not args.template:
        raise BadInput("Nothing was named.", [Fault("PATH-OR-URL", "expected at least one, or `--template SRC`.")])
    start = Path(args.repo) if args.repo else Path.cwd()
    try:
        folder = find_fleet(start)
    except BadInput:
        folder = start.resolve()
        if not folder.is_dir():
            raise
    with one_at_a_time(folder, "fleet add"):
        reach = reach_of(folder, 4)
        given = {"owner": args.owner, "ring": args.ring, "templates": args.template}
        added = add(folder, list(dict.fromkeys(args.places)), reach, **given)
    result = {
        "fleet": str(folder / "fleet.yaml"),
        "added": [
            {"name": name, "path": entry.url or entry.path, "folder": entry.folder, "remote": entry.url or entry.remote}
            for name, entry in added.entries.items()
        ],
        "known": added.known,
        "templates": added.templates,
        "unlisted": added.unlisted,
    }
    return Outcome(result, _text(folder, added))


def _text(folder: Path, added: Added) -> str:
    from vendorkit.documents.plain import clean  # noqa: PLC0415

    lines = []
    for name, entry in added.entries.items():
        pushed = entry.url or entry.remote
        where = f"updates are pushed to {pushed}" if pushed else "has no remote: updates stay there, on a branch"
        lines.append(f"added {name}: {where}")
    lines += [f"{name} was there already" for name in added.known]
    lines += [f"listed template {source}" for source in added.templates]
    lines += [
        f"{name} comes from {source or 'nowhere'}, which is not listed: it is not updated. List it: "
        f"`vendorkit fleet add --template {source}`"
        for name, source in added.unlisted.items()
    ]
    return "\n".join(
        [*(clean(line) for line in lines), f"{folder / 'fleet.yaml'} has them. Next: vendorkit fleet status"]
    )
