"""Releases: the list of what is registered, and what of it is suspect."""

from __future__ import annotations

import pytest

from tests.support.registry import registry_of, rewrite_decision
from tests.support.world import World

KEYS = {"model", "version", "release", "author", "approvals", "aliases", "status", "created_at"}


def statuses(world: World, *arguments: str) -> list[str]:
    return [line["status"] for line in world.ok("releases", *arguments)["releases"]]


def test_nothing_is_registered_yet(world: World) -> None:
    assert world.ok("releases") == {"releases": []}
    assert world.run("releases", as_json=False).out == "Nothing is registered yet.\n"


def test_from_registered_to_live(world: World) -> None:
    world.ok("publish")
    assert statuses(world) == ["registered"]
    world.decide("approve", "credit/1", "model-risk")
    assert statuses(world) == ["approved"]
    world.decide("promote", "credit/1", "ml-sre")
    (line,) = world.ok("releases", "credit")["releases"]
    assert set(line) >= KEYS
    assert (line["status"], line["aliases"], line["approvals"]) == ("live", ["champion"], ["model-risk"])
    assert line["author"] == "ml@acme.example"
    assert line["release"].startswith("sha256:")
    assert line["created_at"].endswith("Z")


def test_people_read_a_table(live: World) -> None:
    head, line = live.run("releases", as_json=False).out.splitlines()
    assert head.split() == ["RELEASE", "STATUS", "ALIASES", "APPROVED", "BY", "TRAINED", "BY", "REGISTERED"]
    assert line.split()[:4] == ["credit/1", "live", "champion", "model-risk"]


def test_a_no_is_shown_even_while_it_is_live(live: World) -> None:
    live.decide("refuse", "credit/1", "model-ops-lead", "--reason", "leak")
    assert statuses(live) == ["refused"]


def test_an_alias_moved_by_hand_is_suspect(live: World) -> None:
    registry_of(live).set_alias("credit", "staging", 1)
    assert statuses(live) == ["suspect"]


def test_an_alias_taken_away_by_hand_is_suspect(live: World) -> None:
    registry_of(live)._client.delete_registered_model_alias("credit", "champion")
    assert statuses(live) == ["suspect"]


@pytest.mark.parametrize("place", [1, 2])
def test_a_changed_decision_is_suspect(live: World, place: int) -> None:
    rewrite_decision(live, place, reason="another")
    assert statuses(live) == ["suspect"]


def test_a_version_made_by_hand_is_suspect(live: World) -> None:
    registry_of(live)._client.create_model_version("credit", "file:///nowhere/model")
    assert statuses(live) == ["live", "suspect"]


def test_models_of_others_on_the_same_registry_are_not_listed(live: World) -> None:
    registry_of(live)._client.create_registered_model("theirs")
    assert statuses(live) == ["live"]
    assert statuses(live, "theirs") == []
