"""What the forges share: one request whatever gets lost, times, and the member that takes no requests."""

from __future__ import annotations

import pytest
from vendorkit.adapters.forges import FORGES
from vendorkit.adapters.forges.base import Exists, Lost, Request, Search, exactly_one, holding, utc
from vendorkit.adapters.forges.governor import Governor, Pace
from vendorkit.errors import BadInput

REQUEST = Request("vendorkit/update-v2", "main", "Update", "What changed")


class Branch:
    """Requests of one branch, on a forge that loses answers."""

    def __init__(self, *fates: str) -> None:
        self.fates = list(fates)
        self.open: list[int] = []

    def find(self) -> int | None:
        return self.open[0] if self.open else None

    def create(self) -> int:
        fate = self.fates.pop(0) if self.fates else "made"
        if fate in {"made", "lost after"} and not self.open:
            self.open.append(1)
        if fate.startswith("lost"):
            raise Lost("no answer")
        if fate == "exists":
            self.open.append(2)
            raise Exists("there is one")
        return self.open[0]


@pytest.mark.parametrize(
    "fates", [(), ("lost after",), ("lost before",), ("lost before", "lost after"), ("exists",), ("lost before",) * 2]
)
def test_exactly_one_whatever_gets_lost(fates: tuple[str, ...]) -> None:
    branch = Branch(*fates)
    assert exactly_one(branch.find, branch.create) == branch.open[0]
    assert exactly_one(branch.find, branch.create) == branch.open[0]
    assert len(branch.open) == 1


def test_what_stays_lost_is_said() -> None:
    with pytest.raises(Lost):
        exactly_one(Branch().find, Branch("lost before", "lost before", "lost before").create)


def test_those_that_hold_a_file_in_order() -> None:
    assert list(holding(range(100), lambda number: number % 7 == 0)) == list(range(0, 100, 7))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2026-11-22T22:23:15Z", "2026-11-22T22:23:15Z"),
        ("2026-11-22T22:23:15.123Z", "2026-11-22T22:23:15Z"),
        ("2026-11-23T00:23:15+02:00", "2026-11-22T22:23:15Z"),
        ("2026-11-22T22:23:15.1234567Z", "2026-11-22T22:23:15Z"),
        ("", ""),
        (None, ""),
    ],
)
def test_times_are_utc(said: str | None, shown: str) -> None:
    assert utc(said) == shown


def test_a_plain_remote_takes_no_requests_and_says_so() -> None:
    plain = FORGES["null"]("", None, Governor("", Pace()))
    assert not plain.takes_requests
    assert plain.open_or_refresh("", REQUEST) is None
    assert plain.look("", "main") is None
    plain.close("", 1, "no reason")
    with pytest.raises(BadInput, match="cannot be searched"):
        plain.discover(Search())
