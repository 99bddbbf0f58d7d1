"""Promote and roll back: only what is approved, by whom it is allowed, and the log first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.registry import log, registry_of, rewrite_decision
from tests.support.world import OTHER, World

MOVE = {"model", "version", "record", "actor", "alias", "from", "to"}


@pytest.fixture(scope="module")
def both(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = promoted.copy(tmp_path_factory.mktemp("both") / "repo")
    world.train_and_gate(OTHER)
    world.live()
    return world


@pytest.fixture
def two(both: World, tmp_path: Path) -> World:
    """credit/2 is live, credit/1 was before it."""
    return both.copy(tmp_path / "repo")


def alias(world: World, name: str = "champion") -> int | None:
    return registry_of(world).alias("credit", name)


def test_a_promotion_is_a_record_and_then_an_alias(live: World) -> None:
    answer = live.decide("promote", "credit/1", "ml-sre", "--alias", "staging", "--reason", "trial week")
    assert set(answer.result) >= MOVE
    assert (answer.result["from"], answer.result["to"], answer.result["changed"]) == (None, 1, True)
    decision = log(live).moves("staging")[-1].decision
    assert (decision.digest, decision.reason) == (answer.result["record"], "trial week")
    assert alias(live, "staging") == 1


def test_what_is_not_approved_is_not_promoted(world: World) -> None:
    world.ok("publish")
    answer = world.decide("promote", "credit/1", "ml-sre")
    assert answer.code == 1
    assert "has no approval" in answer.result["faults"][0]["says"]
    assert "vendorkit approve credit/1" in answer.result["fix"]
    assert (alias(world), registry_of(world).decisions("credit")) == (None, [])


def test_the_vendor_moves_nothing(two: World) -> None:
    for command in (("promote", "credit/1"), ("rollback", "credit")):
        answer = two.decide(*command, "vendor-ml")
        assert answer.code == 1
        assert "only the client's own people move an alias" in answer.result["faults"][0]["says"]
    assert alias(two) == 2


@pytest.mark.parametrize("release", ["credit/9", "other/1"])
def test_an_unknown_version_is_bad_input(live: World, release: str) -> None:
    assert live.decide("promote", release, "ml-sre").code == 2


@pytest.mark.parametrize("name", ["latest", "v1", "V2", "a b", "é", "", "-x", "a" * 64, "champion\n", "a/b"])
def test_what_is_no_alias_is_bad_input_and_leaves_no_record(live: World, name: str) -> None:
    before = registry_of(live).decisions("credit")
    answer = live.decide("promote", "credit/1", "ml-sre", f"--alias={name}")
    assert answer.code == 2
    assert answer.result["faults"][0]["where"] == "--alias"
    assert registry_of(live).decisions("credit") == before


def test_doing_it_again_changes_nothing(live: World) -> None:
    before = registry_of(live).decisions("credit")
    answer = live.decide("promote", "credit/1", "model-ops-lead")
    assert answer.code == 0
    assert (answer.result["changed"], answer.result["actor"]) == (False, "ml-sre")
    assert registry_of(live).decisions("credit") == before
    text = live.run("promote", "credit/1", "--key", str(live.key("ml-sre")), who="ml-sre", as_json=False).out
    assert text.startswith("credit@champion already points to version 1, moved by ml-sre")


def test_back_to_the_version_before_and_forward_again(two: World) -> None:
    back = two.decide("rollback", "credit", "ml-sre", "--reason", "complaints")
    assert set(back.result) >= MOVE
    assert (back.result["from"], back.result["to"], alias(two)) == (2, 1, 1)
    again = two.decide("rollback", "credit", "ml-sre")
    assert again.code == 2
    assert "has pointed to one version only" in again.result["faults"][0]["says"]
    assert two.decide("promote", "credit/2", "ml-sre").code == 0
    assert alias(two) == 2


def test_twice_back_is_two_back(two: World) -> None:
    two.train_and_gate(("FREEDOM = 0.9", "FREEDOM = 0.8"))
    two.live()
    steps = [two.decide("rollback", "credit", "ml-sre").result["to"] for _ in range(2)]
    assert (steps, alias(two)) == ([2, 1], 1)


@pytest.mark.parametrize("model", ["credit", "other", "cre'dit", ""])
def test_there_is_nothing_to_go_back_to(live: World, model: str) -> None:
    answer = live.decide("rollback", model, "ml-sre")
    assert answer.code == 2
    assert answer.result["error"] == "There is nothing to go back to."


def test_only_who_has_the_authority_rolls_back(two: World) -> None:
    manifest = two.repo / "engagement.yaml"
    manifest.write_text(manifest.read_text() + OPERATIONS)
    refused = two.decide("rollback", "credit", "model-risk")
    assert refused.code == 1, refused.out
    assert "is not in operations.rollback.authority: ml-sre" in refused.result["faults"][0]["says"]
    assert two.decide("rollback", "credit", "ml-sre").code == 0


OPERATIONS = """
operations:
  objectives: [{id: avail, sli: availability, target: 99.9, window: P28D}]
  alerts: [{signal: error_rate, over: 0.01, to: ml-sre, runbook: "docs/RUNBOOK.md#errors"}]
  failure_modes: {missing: reject-422, stale: flag, invalid: reject-422, out_of_distribution: flag}
  rollback: {authority: [ml-sre], command: vendorkit rollback credit, target_minutes: 15}
  escalation: [ml-sre, vendor-ml, model-ops-lead]
  retrain: {every: P3M, or_when: "psi_score > 0.2 for 7d", owner: ml-sre}
"""


def test_nobody_goes_back_to_what_was_refused_since(two: World) -> None:
    two.decide("refuse", "credit/1", "model-risk", "--reason", "found a leak")
    answer = two.decide("rollback", "credit", "ml-sre")
    assert answer.code == 1
    assert answer.result["faults"][-1]["says"] == "stands: found a leak"
    assert alias(two) == 2


def test_an_alias_that_was_moved_by_hand_is_mended(two: World) -> None:
    registry_of(two).set_alias("credit", "champion", 1)
    answer = two.decide("promote", "credit/2", "ml-sre")
    assert (answer.code, answer.result["changed"], alias(two)) == (0, True, 2)
    assert len(log(two).moves("champion")) == 2


def test_a_rollback_that_was_killed_before_the_alias_followed_is_completed(two: World) -> None:
    two.decide("rollback", "credit", "ml-sre")
    registry_of(two).set_alias("credit", "champion", 2)
    answer = two.decide("rollback", "credit", "ml-sre")
    assert (answer.code, answer.result["to"], alias(two)) == (0, 1, 1)
    assert len(log(two).moves("champion")) == 3


def test_a_log_that_was_tampered_with_moves_nothing(two: World) -> None:
    rewrite_decision(two, 1, reason="another")
    for command in (("promote", "credit/1"), ("rollback", "credit")):
        answer = two.decide(*command, "ml-sre")
        assert answer.code == 1
        assert "tampered with" in answer.result["error"]
    assert alias(two) == 2


def test_a_move_whose_signature_does_not_count_is_made_anew(live: World) -> None:
    rewrite_decision(live, 2, reason="another")
    answer = live.decide("promote", "credit/1", "ml-sre")
    assert (answer.code, answer.result["changed"]) == (0, True)
    assert len(log(live).moves("champion")) == 2
