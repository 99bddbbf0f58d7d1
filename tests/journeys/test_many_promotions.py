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
OVERTAKEN = "Somebody else decided meanwhile; nothing was changed."


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


def answers_of(jobs: list[Job], folder: Path, at_once: int) -> list[Ended]:
    """Run them at the same moment; those whom a busy database left without an answer ask again, as they are told."""
    answers = run_together(jobs, folder, at_once)
    unsure = [place for place, answer in enumerate(answers) if answer.code == 3]
    assert len(unsure) < len(jobs) / 2, [answers[place].err for place in unsure]
    for place in unsure:
        answers[place] = run_together([jobs[place]], folder / f"again-{place}")[0]
    return answers


def exactly_the_allowed_won(world: World, jobs: list[Job], answers: list[Ended]) -> None:
    """What is not approved never moves, each alias of its own does, and of those who want one alias one moved it."""
    found, registry = log(world), registry_of(world)
    assert found.faults == ()
    moves = {move.alias: move for signed in found.accepted if (move := signed.decision).alias not in (None, "champion")}
    wanted = [job.arguments[3] for job in jobs]
    for job, alias, answer in zip(jobs, wanted, answers, strict=True):
        if "credit/2" in job.arguments:
            assert (answer.code, answer.result["error"]) == (1, "credit/2 is not approved."), answer.err
        elif alias != "shared":
            assert (answer.code, answer.result["record"]) == (0, moves[alias].digest), answer.out + answer.err
        elif answer.code:
            assert (answer.code, answer.result["error"]) == (1, OVERTAKEN), answer.out + answer.err
        else:
            assert answer.result["record"] == moves["shared"].digest
    shared = [
        answer.result for alias, answer in zip(wanted, answers, strict=True) if alias == "shared" and not answer.code
    ]
    assert sum(result["changed"] for result in shared) <= 1  # none, where the one who moved it asked again
    allowed = {alias for job, alias in zip(jobs, wanted, strict=True) if "credit/1" in job.arguments}
    assert registry.aliases("credit") == dict.fromkeys(["champion", *allowed], 1)
    assert len([signed for signed in found.accepted if signed.decision.alias in allowed]) == len(allowed)


def test_two_hundred_promotions_at_the_same_moment(contested: World, tmp_path: Path) -> None:
    world = contested.copy(tmp_path / "repo")
    jobs = promotions(world, 200)
    answers = answers_of(jobs, tmp_path / "answers", AT_ONCE)
    exactly_the_allowed_won(world, jobs, answers)
    assert len(registry_of(world).decisions("credit")) == len(log(world).accepted)  # nobody left anything behind


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
        answers = answers_of(jobs, tmp_path / "answers", len(jobs))
        exactly_the_allowed_won(world, jobs, answers)
