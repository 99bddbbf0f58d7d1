"""Which requests an update takes the place of; commits of people are tried in the journeys."""

from __future__ import annotations

from dataclasses import replace

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


def overtaken(row: Row, version: str, withdraw: Withdraw = lambda branch, why: CLOSED) -> tuple[list[str], list[str]]:
    stand = Stand("main", "base", UPDATES)
    closed, notes = overtake(row, History(), stand, version, "https://git.example/2", withdraw)  # type: ignore[arg-type]
    return list(closed), notes


def test_only_older_updates_of_the_same_engagement_are_closed() -> None:
    assert overtaken(TOP, "v1.10.0") == (["vendorkit/update-v1.9.0"], [])
    assert overtaken(TOP, "v2") == (["vendorkit/update-v1.10.0", "vendorkit/update-v1.9.0"], [])
    assert overtaken(replace(TOP, folder="a"), "v2") == (["vendorkit/update-v1.0.0-a"], [])
    assert overtaken(TOP, "v1.9.0") == ([], [])
    assert overtaken(TOP, "main") == ([], []), "nothing is known to be older than a branch"


def test_a_request_that_cannot_be_closed_does_not_undo_the_newer_one() -> None:
    def fails(branch: str, why: str) -> Known | None:
        raise Unavailable("The forge sleeps.", fix="Run it again.")

    says = "vendorkit/update-v1.9.0 could not be closed: The forge sleeps. Run it again."
    assert overtaken(TOP, "v1.10.0", fails) == ([], [says])
