"""Releases: the list of what is registered, and what of it is suspect."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from vendorkit.records.duration import later

from tests.support.registry import log, registry_of, rewrite_decision
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


def test_people_are_told_why_something_is_suspect(live: World) -> None:
    registry_of(live).set_alias("credit", "staging", 1)
    (line,) = live.ok("releases")["releases"]
    assert line["doubts"] == ["alias staging points to version 1, by the signed decisions it should point to nothing"]
    says = live.run("releases", as_json=False).out
    assert "Suspect, credit/1: alias staging points to version 1, by the signed decisions it should" in says
    rewrite_decision(live, 1, reason="another")
    assert "names a decision before it that is not in the log" in live.run("releases", as_json=False).out


def test_a_live_release_whose_approver_is_trusted_no_more_says_so(live: World) -> None:
    lines = (live.repo / "allowed_signers").read_text().splitlines(keepends=True)
    (live.repo / "allowed_signers").write_text("".join(line for line in lines if "model-risk@" not in line))
    (line,) = live.ok("releases")["releases"]
    assert line["status"] == "suspect"
    assert line["doubts"] == [
        "credit/1: has no approval by an internal person who did not make it.",
        "approval by model-risk: does not count: no key of model-risk@bank.example that was valid then has made it.",
    ]


def test_a_version_made_by_hand_is_suspect(live: World) -> None:
    registry_of(live)._client.create_model_version("credit", "file:///nowhere/model")
    assert statuses(live) == ["live", "suspect"]


def test_models_of_others_on_the_same_registry_are_not_listed(live: World) -> None:
    registry_of(live)._client.create_registered_model("theirs")
    assert statuses(live) == ["live"]
    assert live.run("releases", "theirs").code == 2  # it is not ours, and has no version


def test_what_was_in_production_at_a_moment(live: World) -> None:
    """Two stays of one alias, read from the signed history alone."""
    assert live.decide("promote", "credit/1", "ml-sre", "--alias", "staging", "--reason", "trial").code == 0
    first, staged = (signed.decision for signed in (log(live).moves("champion")[0], log(live).moves("staging")[0]))
    assert first.at < staged.at
    before = live.ok("releases", "--as-of", "2026-01-01")
    assert (before["releases"], before["production"]) == ([], [])
    then = live.ok("releases", "credit", "--as-of", first.at)
    (stay,) = then["production"]
    assert (stay["version"], stay["alias"], stay["since"], stay["until"]) == (1, "champion", first.at, None)
    assert (stay["actor"], stay["kind"], stay["record"]) == ("ml-sre", "promotion", first.digest)
    assert [(line["status"], line["aliases"]) for line in then["releases"]] == [("live", ["champion"])]
    day = live.ok("releases", "--as-of", staged.at[:10])
    assert {(stay["alias"], stay["reason"]) for stay in day["production"]} == {("champion", ""), ("staging", "trial")}
    text = live.run("releases", "--as-of", staged.at, as_json=False).out
    assert text.splitlines()[0].split() == ["RELEASE", "ALIAS", "SINCE", "UNTIL", "BY", "HOW", "WHY"]


def test_an_approval_that_came_later_was_not_there_yet(live: World) -> None:
    promoted = log(live).moves("champion")[0].decision
    early = live.ok("releases", "--as-of", promoted.at)["releases"][0]
    live.decide("refuse", "credit/1", "ml-sre", "--reason", "leak")
    assert statuses(live) == ["refused"]
    assert live.ok("releases", "--as-of", promoted.at)["releases"][0] == early


def test_one_stay_ends_where_the_next_begins(live: World) -> None:
    world, registry = live, registry_of(live)
    first = log(world).moves("champion")[0].decision
    world.train_and_gate()
    world.live()
    second = log(world).moves("champion")[1].decision
    registry.set_alias("credit", "champion", 1)  # by hand: the history knows better
    stays = world.ok("releases", "--as-of", second.at[:10])["production"]
    assert [(stay["version"], stay["since"], stay["until"]) for stay in stays] == [
        (1, first.at, second.at),
        (2, second.at, None),
    ]
    at = world.ok("releases", "--as-of", second.at)["production"]
    assert [stay["version"] for stay in at] == [2]


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "22.11.2026", "0001-01-01T00:00+14:00", ""])
def test_what_is_no_moment_is_bad_input(live: World, moment: str) -> None:
    answer = live.run("releases", f"--as-of={moment}")
    assert answer.code == (0 if not moment else 2)


@pytest.mark.parametrize("more", [(), ("--due",), ("--as-of", "2026-01-01")])
def test_of_a_misspelt_model_nothing_is_said(live: World, more: tuple[str, ...]) -> None:
    answer = live.run("releases", "creditt", *more)
    assert answer.code == 2
    assert "creditt" in str(answer.result["faults"])


DUE = {"what", "subject", "on", "state", "owner", "approver", "says"}


def test_what_is_due(live: World) -> None:
    live.declare(operations=True, lifecycle=True)
    found = live.ok("releases", "--due")["due"]
    assert all(set(entry) == DUE for entry in found)
    assert [(entry["what"], entry["subject"], entry["state"]) for entry in found] == [
        ("review", "credit/1", "later"),
        ("idle", "credit/1", "later"),
    ]
    assert {(entry["owner"], entry["approver"]) for entry in found} == {("model-risk", "model-risk")}
    approved = datetime.fromisoformat(log(live).accepted[0].decision.at).date()
    half_a_year = later(approved, "P6M")
    assert found[0]["on"] == half_a_year.isoformat()
    on = live.ok("releases", "credit", "--due", "--as-of", half_a_year.isoformat())["due"]
    assert [entry["state"] for entry in on] == ["overdue", "later"]
    soon = live.ok("releases", "--due", "--as-of", (half_a_year - timedelta(days=30)).isoformat())["due"]
    assert soon[0]["state"] == "soon"
    assert "reviewed every P6M" in live.run("releases", "--due", as_json=False).out


def test_use_puts_idleness_off(live: World, tmp_path: Path) -> None:
    live.declare(lifecycle=True)
    (tmp_path / "credit/date=2099-01-31").mkdir(parents=True)
    (entry,) = [
        entry
        for entry in live.ok("releases", "--due", "--predictions", str(tmp_path))["due"]
        if entry["what"] == "idle"
    ]
    assert entry["on"] == "2100-01-31"
    assert "last prediction here on 2099-01-31" in entry["says"]


def test_ends_and_waivers_are_due(live: World) -> None:
    live.declare(lifecycle=True)
    manifest = live.repo / "engagement.yaml"
    waiver = "{check: REP-07, why: GPU kernel, approved_by: ml-sre, ticket: T-1, expires: 2026-12-24}"
    manifest.write_text(manifest.read_text().replace("waivers: []", f"waivers: [{waiver}]"))
    retired = live.decide("retire", "credit/1", "model-risk", "--block-from", "2099-05-01")
    assert retired.code == 0, retired.out
    found = {entry["what"]: entry for entry in live.ok("releases", "--due", "--as-of", "2026-12-24")["due"]}
    assert (found["waiver"]["subject"], found["waiver"]["on"], found["waiver"]["state"]) == (
        "REP-07",
        "2026-12-24",
        "overdue",
    )
    assert (found["end"]["on"], found["end"]["state"]) == ("2099-05-01", "later")
    assert "champion still points to it" in found["end"]["says"]


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2026-11-22", "P6M", "2027-05-22"),
        ("2026-11-22", "P1Y2M3W4D", "2028-02-16"),
        ("2026-11-22", "PT36H", "2026-11-22"),
        ("2026-12-31", "P9999Y", "9999-12-31"),
        ("9999-12-01", "P99W", "9999-12-31"),
    ],
)
def test_days_so_much_later(start: str, duration: str, end: str) -> None:
    assert later(date.fromisoformat(start), duration).isoformat() == end
