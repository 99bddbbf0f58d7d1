"""What an update is asked for; runs over whole fleets are tried in the journeys."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from vendorkit.errors import BadInput
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.rollout import in_shard
from vendorkit.fleet.updates import Wish, chosen
from vendorkit.records.fleet import Fleet, Rollout

WISH = Wish("", "ann@bank.example", (), "", None, retry=False, dry=False, jobs=1, today=date(2026, 9, 1))
ROWS = [Row(f"r{number}", f"/r{number}", "", "", "", ".copier-answers.yml", "", "", "all") for number in range(40)]


@pytest.mark.parametrize(("shard", "room"), [(None, 10), ((1, 1), 10), ((2, 4), 3), ((3, 100), 1)])
def test_shards_share_the_room_for_requests(shard: tuple[int, int] | None, room: int) -> None:
    assert replace(WISH, shard=shard).room(Rollout(max_open=10)) == room


def test_every_engagement_is_in_one_shard_and_those_of_a_repository_together() -> None:
    parts = [chosen(ROWS, Fleet(schema_version=1), replace(WISH, shard=(part, 3))) for part in (1, 2, 3)]
    assert sorted(row.name for part in parts for row in part) == sorted(row.name for row in ROWS)
    assert all(parts)
    inner = [replace(ROWS[0], name=f"r0/{folder}", folder=folder) for folder in "abc"]
    assert len({tuple(in_shard(row, (part, 3)) for part in (1, 2, 3)) for row in inner}) == 1


def test_all_that_is_not_in_the_fleet_is_named_at_once() -> None:
    wish = replace(WISH, names=("r1", "nobody"), ring="canary")
    with pytest.raises(BadInput) as caught:
        chosen(ROWS, Fleet(schema_version=1), wish, ["r1", "gone"])
    assert [fault.where for fault in caught.value.faults] == ["nobody", "gone", "--ring"]
    assert [row.name for row in chosen(ROWS, Fleet(schema_version=1), replace(WISH, names=("r1", "r2")), ["r2"])] == [
        "r2"
    ]
