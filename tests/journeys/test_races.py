"""Real processes that do the same at the same moment: nothing is lost, nothing is there twice, losers are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendorkit.adapters.registry import EMBEDDED
from vendorkit.trust.releases import verify_release

from tests.support.processes import Job, run_together
from tests.support.registry import log, registry_of
from tests.support.world import World

PROCESSES = 4


@pytest.fixture(scope="module")
def several_approved(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Some approved versions, trained from the same code."""
    world = promoted.copy(tmp_path_factory.mktemp("several_approved") / "repo")
    for version in range(2, PROCESSES + 1):
        world.train_and_gate()
        world.ok("publish")
        assert world.decide("approve", f"credit/{version}", "model-risk").code == 0
    return world


def test_promotions_at_the_same_moment(several_approved: World, tmp_path: Path) -> None:
    world = several_approved.copy(tmp_path / "repo")
    key = str(world.key("ml-sre"))
    jobs = [
        Job(world, "ml-sre", ("promote", f"credit/{version}", "--alias", "staging", "--key", key))
        for version in range(1, PROCESSES + 1)
    ]
    answers = run_together(jobs, tmp_path / "answers")
    found = log(world)
    assert found.faults == ()
    moves = [signed.decision for signed in found.moves("staging")]
    assert registry_of(world).alias("credit", "staging") == moves[-1].version
    assert [move.from_version for move in moves] == [None, *(move.version for move in moves[:-1])]
    won = {answer.result["record"] for answer in answers if answer.code == 0}
    assert won == {move.digest for move in moves}
    lost = [answer.result for answer in answers if answer.code == 1]
    assert len(won) + len(lost) == PROCESSES
    assert all(result["error"] == "Somebody else decided meanwhile; nothing was changed." for result in lost)
    assert {line["status"] for line in world.ok("releases")["releases"]} == {"live", "approved"}


def test_one_candidate_published_by_several_at_the_same_moment(world: World, tmp_path: Path) -> None:
    answers = run_together([Job(world, "vendor-ml", ("publish",))] * 3, tmp_path / "answers")
    assert [answer.code for answer in answers] == [0, 0, 0]
    assert sorted(answer.result["created"] for answer in answers) == [False, False, True]
    assert len({answer.result["release"] for answer in answers}) == 1
    registry = registry_of(world)
    (version,) = registry.versions("credit")
    verify_release(registry, version, tmp_path / "fetched")


def test_one_candidate_published_from_two_clones_to_one_server_database(
    gated: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clones share no lock, only the registry: there too one version stays, and both are told the same."""
    first, second = gated.copy(tmp_path / "first"), gated.copy(tmp_path / "second")
    registry_of(first)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{first.repo / EMBEDDED / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    both = run_together([Job(clone, "vendor-ml", ("publish",)) for clone in (first, second)], tmp_path / "answers")
    assert [answer.code for answer in both] == [0, 0], both
    assert len({answer.result["version"] for answer in both}) == 1
    assert len({answer.result["release"] for answer in both}) == 1
    registry = registry_of(first)
    (version,) = registry.versions("credit")
    verify_release(registry, version, tmp_path / "fetched")


def test_the_first_database_made_by_several_at_the_same_moment(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    answers = run_together([Job(world, "ml-sre", ("releases",))] * 4, tmp_path / "answers")
    assert [(answer.code, answer.result) for answer in answers] == [(0, {"releases": []})] * 4


def test_the_first_database_without_a_cache(frozen: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder can be made below me")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    world = frozen.copy(tmp_path / "repo")
    answers = run_together([Job(world, "ml-sre", ("releases",))] * 2, tmp_path / "answers")
    assert [answer.code for answer in answers] == [0, 0]


def test_approvals_at_the_same_moment(world: World, tmp_path: Path) -> None:
    world.ok("publish")
    who = ("model-risk", "ml-sre", "model-ops-lead")
    jobs = [Job(world, one, ("approve", "credit/1", "--key", str(world.key(one)))) for one in who]
    answers = run_together(jobs, tmp_path / "answers")
    assert [answer.code for answer in answers] == [0, 0, 0]
    assert {signed.decision.actor for signed in log(world).accepted} == set(who)
    assert log(world).faults == ()
