"""Many people promote at once: exactly those win who may and whom the log accepted, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.postgres import postgres
from tests.support.processes import Ended, Job, run_together
from tests.support.registry import log, registry_of
from tests.support.world import OTHER, World

AT_ONCE = 16
"""Processes at any moment; the next begins when one ends. Two processors have enough to do with that."""
TOLD = {"Somebody else decided meanwhile; nothing was changed.", "credit/2 is not approved."}


@pytest.fixture(scope="module")
def contested(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """credit/1 is approved and live, credit/2 is published and nobody approved it."""
    world = promoted.copy(tmp_path_factory.mktemp("contested") / "repo")
    world.train_and_gate(OTHER)
    world.ok("publish")
    return world


def promotions(world: World, number: int) -> list[Job]:
    """A quarter asks for what is not approved, a quarter for one alias, the rest each for an alias of its own."""
    key = str(world.key("ml-sre"))
    jobs = []
    for place in range(number):
        version = 2 if place % 4 == 0 else 1
        alias = "shared" if place % 4 == 1 else f"own-{place}"
        jobs.append(Job(world, "ml-sre", ("promote", f"credit/{version}", "--alias", alias, "--key", key)))
    return jobs


def exactly_the_allowed_won(world: World, jobs: list[Job], answers: list[Ended]) -> None:
    found, registry = log(world), registry_of(world)
    assert found.faults == ()
    codes = {answer.code for answer in answers}
    assert codes <= {0, 1, 3}, [answer.err for answer in answers if answer.code not in (0, 1, 3)]
    assert {answer.result["error"] for answer in answers if answer.code == 1} <= TOLD
    assert all(answer.code == 1 for job, answer in zip(jobs, answers, strict=True) if "credit/2" in job.arguments)
    moves = [signed.decision for signed in found.accepted if signed.decision.alias not in (None, "champion")]
    accepted = {answer.result["record"] for answer in answers if answer.code == 0}
    # Who was told that the registry did not answer may have been recorded all the same; nobody else.
    unsure = {job.arguments[3] for job, answer in zip(jobs, answers, strict=True) if answer.code == 3}
    assert accepted <= {move.digest for move in moves}
    assert {move.alias for move in moves if move.digest not in accepted} <= unsure
    assert accepted
    assert all(move.version == 1 for move in moves)
    aliases = registry.aliases("credit")
    assert aliases.pop("champion") == 1
    assert set(aliases) | unsure >= {move.alias for move in moves}
    assert set(aliases) <= {move.alias for move in moves}
    assert set(aliases.values()) == {1}


def test_forty_promotions_at_the_same_moment(contested: World, tmp_path: Path) -> None:
    world = contested.copy(tmp_path / "repo")
    jobs = promotions(world, 40)
    answers = run_together(jobs, tmp_path / "answers", AT_ONCE)
    exactly_the_allowed_won(world, jobs, answers)
    lost = next(job for job, answer in zip(jobs, answers, strict=True) if answer.code and "credit/1" in job.arguments)
    assert world.run(*lost.arguments, who="ml-sre").code == 0


def test_twenty_promotions_at_the_same_moment_on_postgresql(
    gated: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = gated.copy(tmp_path / "repo")
    monkeypatch.chdir(tmp_path)
    with postgres() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        world.live()
        world.train_and_gate(OTHER)
        world.ok("publish")
        jobs = promotions(world, 20)
        answers = run_together(jobs, tmp_path / "answers")
        exactly_the_allowed_won(world, jobs, answers)
