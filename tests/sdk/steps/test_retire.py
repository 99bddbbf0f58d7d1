"""Retire: who may, from when callers are warned, from when nothing works any more, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from vendorkit.errors import Refused
from vendorkit.steps import retire as step
from vendorkit.steps.deploy import deploy

from tests.support.registry import log, registry_of, rewrite_decision
from tests.support.world import OTHER, World

TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=30)).isoformat()


@pytest.fixture(scope="module")
def lasting(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = promoted.copy(tmp_path_factory.mktemp("lasting") / "repo")
    world.train_and_gate(OTHER)
    world.live()
    world.declare(operations=True, lifecycle=True)
    return world


@pytest.fixture
def two(lasting: World, tmp_path: Path) -> World:
    """credit/2 is live, credit/1 was before it; model-risk retires."""
    return lasting.copy(tmp_path / "repo")


def retire(world: World, release: str, *more: str, who: str = "model-risk") -> Any:
    return world.decide("retire", release, who, *more)


def status(world: World, version: int) -> str:
    return str(world.ok("releases")["releases"][version - 1]["status"])


def test_callers_are_warned_and_later_refused(two: World) -> None:
    done = retire(two, "credit/1", "--block-from", SOON, "--replacement", "credit/2", "--reason", "superseded")
    assert done.code == 0, done.out
    assert (done.result["kind"], done.result["block_from"]) == ("retirement", SOON)
    decision, version = log(two).accepted[-1].decision, registry_of(two).versions("credit")[0]
    assert (done.result["warn_from"], done.result["replacement"]) == (decision.at[:10], "credit/2")
    named = (decision.release, decision.candidate, decision.gate_report)
    assert named == tuple(version.tags[name] for name in ("release", "candidate", "gate_report"))
    assert status(two, 1) == "deprecated"
    assert "is blocked from" in two.run("releases", as_json=False).out
    deployed = deploy(two.repo, "credit", None, 1)
    deployed.folder.cleanup()
    assert deployed.leave.ending
    assert deployed.leave.ending.block_from == SOON
    again = two.decide("promote", "credit/1", "ml-sre")
    assert (again.code, again.result["fix"]) == (1, "Use credit/2.")
    assert two.decide("rollback", "credit", "ml-sre").code == 0


def test_what_is_retired_today_is_neither_served_nor_rolled_back_to(two: World) -> None:
    assert retire(two, "credit/1", "--replacement", "credit/2").code == 0
    assert status(two, 1) == "retired"
    with pytest.raises(Refused, match=r"Use credit/2\."):
        deploy(two.repo, "credit", None, 1)
    assert two.decide("rollback", "credit", "ml-sre").code == 1
    assert two.decide("promote", "credit/1", "ml-sre", "--alias", "staging").code == 1


def test_only_deprecated(two: World) -> None:
    assert retire(two, "credit/2", "--warn-from", TODAY.isoformat()).result["kind"] == "deprecation"
    assert status(two, 2) == "deprecated"
    assert two.decide("promote", "credit/2", "ml-sre", "--alias", "staging").code == 0


def test_taken_back(two: World) -> None:
    assert retire(two, "credit/1", "--withdraw").code == 2
    retire(two, "credit/1")
    assert retire(two, "credit/1", "--withdraw", "--reason", "credit/2 disappoints").code == 0
    assert status(two, 1) == "approved"
    assert two.decide("rollback", "credit", "ml-sre").code == 0


def test_the_live_version_does_not_go_dark_by_mistake(two: World) -> None:
    refused = retire(two, "credit/2")
    assert refused.code == 1
    assert refused.result["faults"][0]["where"] == "credit@champion"
    assert "--force" in refused.result["fix"]
    assert retire(two, "credit/2", "--block-from", SOON).code == 0
    assert status(two, 2) == "deprecated"
    assert retire(two, "credit/2", "--force").code == 0
    with pytest.raises(Refused, match="is retired"):
        deploy(two.repo, "credit", "champion", None)


@pytest.mark.parametrize("who", ["ml-sre", "vendor-ml"])
def test_only_the_approver_of_the_manifest_retires(two: World, who: str) -> None:
    answer = retire(two, "credit/1", who=who)
    assert answer.code == 1
    assert answer.result["faults"][0]["says"] == "is not lifecycle.approver, who is model-risk."
    assert retire(two, "credit/1", "--withdraw", who=who).code == 1


@pytest.mark.parametrize(
    ("more", "where"),
    [
        (("--warn-from", "soon", "--block-from", "2026-02-30"), ["--warn-from", "--block-from"]),
        (("--block-from", "2026-01-01"), ["--block-from"]),
        (("--warn-from", "2999-01-01", "--block-from", "2998-01-01"), ["--warn-from"]),
        (("--replacement", "credit/9"), ["--replacement"]),
        (("--replacement", "credit/1"), ["--replacement"]),
        (("--withdraw", "--block-from", SOON), ["--block-from"]),
    ],
)
def test_days_and_replacements_that_make_no_sense(two: World, more: tuple[str, ...], where: list[str]) -> None:
    answer = retire(two, "credit/1", *more)
    assert answer.code == 2
    assert [fault["where"] for fault in answer.result["faults"]] == where


def test_a_replacement_stays_itself(two: World) -> None:
    retire(two, "credit/1", "--block-from", SOON)
    answer = retire(two, "credit/2", "--block-from", SOON, "--replacement", "credit/1")
    assert "is to be retired itself" in answer.result["faults"][0]["says"]


def test_nobody_gets_rid_of_a_retirement_by_spoiling_it(two: World) -> None:
    retire(two, "credit/1", "--reason", "unfair")
    rewrite_decision(two, len(log(two).accepted), reason="never mind")
    assert status(two, 1) == "retired"
    assert retire(two, "credit/1", "--withdraw").code == 0
    assert status(two, 1) == "approved"


def meanwhile(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody else act once, between what a retirement reads of the log and what it adds."""
    real, acted = step.verify_release, []

    def verified(*given: Any, **named: Any) -> Any:
        if not acted:
            acted.append(act())
        return real(*given, **named)

    patch.setattr(step, "verify_release", verified)


def test_a_retirement_stands_beside_what_others_decide(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: two.decide("promote", "credit/2", "ml-sre", "--alias", "staging"))
    assert retire(two, "credit/1").code == 0
    assert [signed.decision.kind for signed in log(two).accepted[-2:]] == ["promotion", "retirement"]


def test_a_retirement_sees_that_its_release_went_live_meanwhile(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: two.decide("promote", "credit/1", "ml-sre"))
    answer = retire(two, "credit/1")
    assert (answer.code, answer.result["error"]) == (
        1,
        "credit/1 is live, and would not answer from today on.",
    )


def test_two_endings_at_once_are_not_mixed(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: retire(two, "credit/1", "--warn-from", SOON))
    assert "Somebody else decided meanwhile" in retire(two, "credit/1").result["error"]
