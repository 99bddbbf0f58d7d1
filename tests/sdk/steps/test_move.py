"""Promote and roll back: only what is approved, by whom it is allowed, and the log first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from vendorkit.errors import Refused
from vendorkit.steps import move
from vendorkit.steps.deploy import deploy

from tests.support.registry import files_of, flip, log, registry_of, rewrite_decision
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


def meanwhile(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody else act once, between what a promotion reads of the log and what it adds."""
    real, acted = move._refuse_unfit, []

    def unfit(*given: Any) -> None:
        real(*given)
        if not acted:
            acted.append(True)
            act()

    patch.setattr(move, "_refuse_unfit", unfit)


def test_a_promotion_stands_beside_one_of_another_alias(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: live.decide("promote", "credit/1", "model-risk", "--alias", "other"))
    assert live.decide("promote", "credit/1", "ml-sre", "--alias", "staging").code == 0
    assert registry_of(live).aliases("credit") == {"champion": 1, "other": 1, "staging": 1}
    assert [signed.decision.alias for signed in log(live).accepted[2:]] == ["other", "staging"]
    assert len(registry_of(live).decisions("credit")) == 4  # no entry is without effect


@pytest.mark.parametrize(
    ("command", "who", "error"),
    [
        (("promote", "credit/1", "--alias", "staging"), "model-risk", "Somebody else decided meanwhile"),
        (("refuse", "credit/2", "--reason", "a leak"), "model-risk", "credit/2 is not approved."),
    ],
)
def test_a_promotion_gives_way_to_what_contradicts_it(
    two: World, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], who: str, error: str
) -> None:
    meanwhile(monkeypatch, lambda: two.run(*command, "--key", str(two.key(who)), who=who))
    before = len(log(two).accepted)
    answer = two.decide("promote", "credit/2", "ml-sre", "--alias", "staging")
    assert (answer.code, error in answer.result["error"]) == (1, True), answer.out
    assert [signed.decision.actor for signed in log(two).accepted[before:]] == [who]


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
    assert "or was rolled back to it" in again.result["faults"][0]["says"]
    never = two.decide("rollback", "credit", "ml-sre", "--alias", "staging")
    assert (never.code, "was never promoted to" in never.result["faults"][0]["says"]) == (2, True)
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
    two.declare(operations=True)
    refused = two.decide("rollback", "credit", "model-risk")
    assert refused.code == 1, refused.out
    assert "is not in operations.rollback.authority: ml-sre" in refused.result["faults"][0]["says"]
    assert two.decide("rollback", "credit", "ml-sre").code == 0


@pytest.fixture(scope="module")
def fickle(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """credit/2 is live; what credit/1 answers, and whether it loads, hangs on files of a folder of its surroundings."""
    folder = tmp_path_factory.mktemp("surroundings")
    world = frozen.copy(tmp_path_factory.mktemp("fickle") / "repo")
    head = f"""from pathlib import Path

import pandas as pd
PLACE = Path({str(folder)!r})
if (PLACE / "broken").exists():
    raise ImportError("libgomp.so.1: cannot open shared object file")
"""
    world.edit("models/credit/pipeline.py", "import pandas as pd\n", head)
    odd = "predict_proba(frame)[:, 1] * (0.5 if (PLACE / 'other').exists() else 1)"
    world.train_and_gate(("predict_proba(frame)[:, 1]", odd))
    world.live()
    world.train_and_gate(OTHER)
    world.live()
    return world, folder


@pytest.fixture
def surroundings(fickle: tuple[World, Path], tmp_path: Path) -> Iterator[tuple[World, Path]]:
    world, folder = fickle
    yield world.copy(tmp_path / "repo"), folder
    for path in folder.iterdir():
        path.unlink()


def test_a_rollback_asks_the_golden_rows_first(surroundings: tuple[World, Path]) -> None:
    world, _ = surroundings
    answer = world.run("rollback", "credit", "--key", str(world.key("ml-sre")), who="ml-sre", as_json=False)
    assert "It loads, and answers 5 golden rows as when it was stored.\n" in answer.out
    assert alias(world) == 1


@pytest.mark.parametrize(
    ("file", "where", "says"),
    [
        ("other", "golden row 1", "when the model was stored; it is {'credit_amount': 250, "),
        ("broken", "model, stored as skops", "libgomp.so.1: cannot open shared object file"),
    ],
    ids=["other answers", "does not load"],
)
def test_nobody_goes_back_to_what_answers_otherwise_or_does_not_load(
    surroundings: tuple[World, Path], file: str, where: str, says: str
) -> None:
    world, folder = surroundings
    before = registry_of(world).decisions("credit")
    (folder / file).touch()
    answer = world.decide("rollback", "credit", "ml-sre")
    assert (answer.code, answer.result["error"]) == (1, "credit/1 does not answer as it did.")
    assert answer.result["faults"][0]["where"] == where
    assert says in answer.result["faults"][0]["says"]
    assert (alias(world), registry_of(world).decisions("credit")) == (2, before)


def test_a_release_without_golden_rows_goes_by_loading_alone(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendorkit.tracking.recorder.golden_rows", lambda *_: ())
    live.train_and_gate(OTHER)
    monkeypatch.undo()
    live.live()
    live.train_and_gate(("FREEDOM = 0.9", "FREEDOM = 0.8"))
    live.live()
    done = live.decide("rollback", "credit", "ml-sre")
    assert (done.code, done.result["to"], done.result["golden_rows"]) == (0, 2, 0), done.out
    text = live.run("rollback", "credit", "--key", str(live.key("ml-sre")), who="ml-sre", as_json=False).out
    assert "5 golden rows" in text


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


@pytest.fixture
def urgent(both: World, tmp_path: Path) -> World:
    """credit/2 is live; credit/3 is published and not approved; ml-sre has the authority to roll back."""
    world = both.copy(tmp_path / "urgent")
    world.train_and_gate(("FREEDOM = 0.9", "FREEDOM = 0.7"))
    world.ok("publish")
    world.declare(operations=True)
    return world


def emergency(world: World, who: str, *more: str) -> Any:
    return world.decide("promote", "credit/3", who, "--emergency", *more)


def test_an_emergency_goes_without_approval_and_is_shown_until_it_is_there(urgent: World) -> None:
    done = emergency(urgent, "ml-sre", "--reason", "credit/2 answers nonsense")
    assert (done.code, alias(urgent)) == (0, 3), done.out
    assert done.result["to_review"] == ["credit/3: has no approval by an internal person who did not make it."]
    assert log(urgent).moves("champion")[-1].decision.kind == "emergency"
    line = urgent.ok("releases")["releases"][2]
    assert (line["status"], line["aliases"]) == ("emergency", ["champion"])
    assert "emergency promotion by ml-sre" in line["to_review"][0]
    assert "credit/2 answers nonsense" in line["to_review"][0]
    told = urgent.run("releases", as_json=False).out
    assert "To be reviewed, credit/3: emergency promotion" in told
    assert "To be reviewed, credit/3: has no approval" in told
    urgent.declare(lifecycle=True)
    review = next(each for each in urgent.ok("releases", "--due")["due"] if each["what"] == "review")
    assert review["says"].startswith("never approved, live since ")
    traced = urgent.run("trace", "credit/3")
    assert traced.code == 1
    assert "has no approval" in traced.result["missing"][0]
    deploy(urgent.repo, "credit", "champion", None).folder.cleanup()
    with pytest.raises(Refused, match="is not approved"):
        deploy(urgent.repo, "credit", None, 3)
    assert urgent.decide("promote", "credit/3", "ml-sre", "--alias", "staging").code == 1
    assert urgent.decide("approve", "credit/3", "model-risk").code == 0
    line = urgent.ok("releases")["releases"][2]
    assert (line["status"], line["to_review"]) == ("live", [])
    assert urgent.ok("trace", "credit/3")["complete"] is True


@pytest.mark.parametrize(
    ("who", "more", "code", "says"),
    [
        ("ml-sre", (), 2, "is missing"),
        ("ml-sre", ("--reason", " "), 2, "is missing"),
        ("model-risk", ("--reason", "now"), 1, "is not in operations.rollback.authority: ml-sre"),
        ("vendor-ml", ("--reason", "now"), 1, "only the client's own people"),
    ],
)
def test_who_may_not_promote_in_an_emergency(
    urgent: World, who: str, more: tuple[str, ...], code: int, says: str
) -> None:
    answer = emergency(urgent, who, *more)
    assert answer.code == code
    assert says in answer.result["faults"][0]["says"]
    assert alias(urgent) == 2


def test_an_emergency_overrules_no_refusal_and_no_check_of_files(urgent: World) -> None:
    urgent.decide("refuse", "credit/3", "model-ops-lead", "--reason", "leak")
    refused = emergency(urgent, "ml-sre", "--reason", "now")
    assert (refused.code, refused.result["faults"][0]["says"]) == (1, "stands: leak")
    assert urgent.decide("approve", "credit/3", "model-ops-lead").code == 0
    flip(files_of(urgent, 3) / "model/model.skops")
    broken = emergency(urgent, "ml-sre", "--reason", "now")
    assert (broken.code, alias(urgent)) == (1, 2)
    assert "is not what was published" in broken.result["error"]


def test_an_emergency_counts_while_its_actor_has_the_authority(urgent: World) -> None:
    emergency(urgent, "ml-sre", "--reason", "now")
    manifest = urgent.repo / "engagement.yaml"
    manifest.write_text(manifest.read_text().replace("authority: [ml-sre]", "authority: [model-ops-lead]"))
    with pytest.raises(Refused, match="is not approved"):
        deploy(urgent.repo, "credit", "champion", None)
    assert emergency(urgent, "model-ops-lead", "--reason", "still").result["changed"] is True
    deploy(urgent.repo, "credit", "champion", None).folder.cleanup()
