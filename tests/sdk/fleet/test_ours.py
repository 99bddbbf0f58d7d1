"""Which requests an update takes the place of; commits of people are tried in the journeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vendorkit.adapters.commits import Commit
from vendorkit.errors import Unavailable
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.ours import Withdraw, overtake
from vendorkit.fleet.reach import Stand
from vendorkit.fleet.state import Known

TOP = Row("r", "/r", "", "", "", ".copier-answers.yml", "", "", "all")
CLOSED = Known("https://git.example/1", "closed", "none", False, None, "", "", "")
UPDATES = {
    "vendorkit/update-v1.9.0": "v1.9.0",
    "vendorkit/update-v1.10.0": "v1.10.0",
    "vendorkit/update-v1.0.0-a": "v1.0.0",
    "vendorkit/update-main": "main",
    "vendorkit/reset": "v1.0.0",
    "vendorkit/merged": "",
}
"""Branch to the version that its commit brings; `v1.0.0-a` would be a version, too."""


class History:
    """A repository in which each branch has the one commit that brings its version."""

    def only_on(self, tip: str, base: str) -> list[Commit]:
        message = f"Update\n\nVendorkit-Update: v0..{tip}\nVendorkit-Tree: tree"
        return [Commit(tip, "tree", ("base",), message, "", "", "")] if tip else []


def overtaken(
    row: Row,
    version: str,
    withdraw: Withdraw = lambda branch, why: CLOSED,
    dropped: Callable[[str], None] | None = None,
) -> tuple[list[str], list[str]]:
    stand = Stand("main", "base", UPDATES)
    history: Any = History()
    drop = dropped or (lambda branch: None)
    closed, notes = overtake(row, history, stand, version, "https://git.example/2", withdraw=withdraw, drop=drop)
    return list(closed), notes


def test_only_older_updates_of_the_same_engagement_are_closed() -> None:
    assert overtaken(TOP, "v1.10.0") == (["vendorkit/update-v1.9.0"], [])
    assert overtaken(TOP, "v2") == (["vendorkit/update-v1.10.0", "vendorkit/update-v1.9.0"], [])
    assert overtaken(replace(TOP, folder="a"), "v2") == (["vendorkit/update-v1.0.0-a"], [])
    assert overtaken(TOP, "v1.9.0") == ([], [])
    assert overtaken(TOP, "main") == ([], []), "nothing is known to be older than a branch"


def test_what_cannot_be_closed_or_taken_away_does_not_undo_the_newer_one() -> None:
    def fails(*given: str) -> Known | None:
        raise Unavailable("The forge sleeps.", fix="Run it again.")

    says = ["vendorkit/update-v1.9.0 is still there: The forge sleeps. Run it again."]
    assert overtaken(TOP, "v1.10.0", fails) == ([], says)
    assert overtaken(TOP, "v1.10.0", dropped=fails) == (["vendorkit/update-v1.9.0"], says)
