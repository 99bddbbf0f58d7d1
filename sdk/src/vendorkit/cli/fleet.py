"""What the commands of the fleet share: its folder, its state, and how its repositories are reached."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.errors import BadInput

if TYPE_CHECKING:
    from vendorkit.adapters.git_objects import Signature
    from vendorkit.fleet.inventory import Row
    from vendorkit.fleet.merge import ConflictStyle
    from vendorkit.fleet.offer import Offers
    from vendorkit.fleet.plan_file import PlanFile
    from vendorkit.fleet.reach import Reach
    from vendorkit.fleet.state import State
    from vendorkit.fleet.templates import Templates
    from vendorkit.records.fleet import Fleet


@dataclass
class Opened:
    """A fleet, ready to be worked on.

    Args:
        folder: Where `fleet.yaml` lies.
        fleet: What it declares.
        rows: Its engagements.
        state: What it remembers.
        reach: How its repositories are reached.
    """

    folder: Path
    fleet: Fleet
    rows: list[Row]
    state: State
    reach: Reach

    @cached_property
    def templates(self) -> Templates:
        """The versions of the templates that the fleet lists."""
        from vendorkit.fleet.state import home_of  # noqa: PLC0415
        from vendorkit.fleet.templates import Templates  # noqa: PLC0415

        listed = self.fleet.templates
        return Templates(
            home_of(self.folder) / "templates",
            [template.url for template in listed],
            moved={old: template.url for template in listed for old in template.moved_from},
            trusted=[template.url for template in listed if template.tasks == "sandbox"],
        )

    @cached_property
    def author(self) -> Signature:
        """Who commits and runs updates: as git knows them, else nobody in particular, as in many a CI."""
        from vendorkit.adapters.git_objects import Signature  # noqa: PLC0415
        from vendorkit.adapters.repository import identity  # noqa: PLC0415

        try:
            return Signature(*identity(self.folder))
        except BadInput:
            return Signature("vendorkit fleet", "fleet@vendorkit.invalid")

    def offers(self, to: str, style: ConflictStyle, today: date, planned: PlanFile | None) -> Offers:
        """What makes the updates to a version."""
        from vendorkit.fleet.offer import Offers  # noqa: PLC0415

        lasts = self.state.last_outcomes()
        recorded = {
            (name, last["to"]): last["template_commit"] for name, last in lasts.items() if last.get("template_commit")
        }
        return Offers(
            self.templates,
            {template.url: template for template in self.fleet.templates},
            self.reach,
            author=self.author,
            wanted=to,
            style=style,
            today=today,
            recorded=recorded,
            expected={each.name: each for each in planned.repositories} if planned else None,
        )


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """How many repositories are reached at a time."""
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help="remotes asked at a time (default: 8)")


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Opened]:
    """The fleet that a command is about.

    Raises:
        BadInput: There is none, it is not valid, or what the commands of the fleet need is not installed.
    """
    need_fleet_extra()
    from vendorkit.fleet.inventory import find_fleet, read_fleet, rows_of  # noqa: PLC0415
    from vendorkit.fleet.state import open_state  # noqa: PLC0415

    folder = find_fleet(Path(args.repo) if args.repo else None)
    fleet = read_fleet(folder)
    with open_state(folder) as state:
        yield Opened(folder, fleet, rows_of(fleet, folder), state, reach_of(folder, args.jobs))


def reach_of(folder: Path, jobs: int) -> Reach:
    """How the repositories of the fleet in a folder are reached."""
    from vendorkit.adapters.remotes import Remotes  # noqa: PLC0415
    from vendorkit.fleet.reach import Reach  # noqa: PLC0415
    from vendorkit.fleet.state import home_of  # noqa: PLC0415

    return Reach(home_of(folder), Remotes(), jobs=max(1, jobs))


def need_fleet_extra() -> None:
    """Say what to install where the libraries of the fleet are missing: engagements do without them.

    Raises:
        BadInput: They are not installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec("pygit2") is None:
        raise BadInput("The commands of the fleet need more libraries.", fix="Install `vendorkit[fleet]`.")
