"""What the commands of the fleet share: its folder, its state, and how its repositories are reached."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.errors import BadInput

if TYPE_CHECKING:
    from vendorkit.fleet.inventory import Row
    from vendorkit.fleet.reach import Reach
    from vendorkit.fleet.state import State
    from vendorkit.records.fleet import Fleet


@dataclass(frozen=True)
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
