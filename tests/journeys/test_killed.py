"""kill -9 at many points of publish and promote: run again, it is complete, and there is one of it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from vendorkit.adapters.registry import EMBEDDED
from vendorkit.adapters.store import Store
from vendorkit.errors import Refused
from vendorkit.steps.deploy import deploy
from vendorkit.trust.releases import verify_release

from tests.support.processes import Job, Point, run_together
from tests.support.registry import log, registry_of
from tests.support.world import World

CLIENT = "mlflow"
STEP = "vendorkit.steps.publish"
REGISTRY = "vendorkit.adapters.registry.client"
POINTS = [
    Point("vendorkit.adapters.store", "Store.alone", 1, "before"),
    Point("vendorkit.adapters.registry.embedded", "_copy_of_empty", 1, "before"),
    Point("vendorkit.adapters.registry.embedded", "_copy_of_empty", 1, "after"),
    Point(STEP, "_write_files", 1, "before"),
    Point(STEP, "describe_model", 1, "after"),
    Point(STEP, "_write_files", 1, "after"),
    Point(STEP, "_release", 1, "after"),
    Point("vendorkit.adapters.store", "Store.staged_release", 1, "after"),
    Point(CLIENT, "MlflowClient.create_experiment", 1, "before"),
    Point(CLIENT, "MlflowClient.create_experiment", 1, "after"),
    Point(CLIENT, "MlflowClient.create_run", 1, "after"),
    Point("shutil", "copyfile", 6, "before"),
    Point(REGISTRY, "settle_files", 1, "before"),
    Point("os", "link", 1, "before"),
    Point("os", "link", 16, "after"),
    Point(REGISTRY, "settle_files", 1, "after"),
    Point(CLIENT, "MlflowClient.log_batch", 1, "before"),
    Point(CLIENT, "MlflowClient.log_batch", 1, "after"),
    Point(CLIENT, "MlflowClient.set_terminated", 1, "after"),
    Point(CLIENT, "MlflowClient.create_registered_model", 1, "after"),
    Point(CLIENT, "MlflowClient.create_model_version", 2, "before"),
    Point(CLIENT, "MlflowClient.create_model_version", 2, "after"),
    Point("vendorkit.adapters.registry", "Registry.publish", 1, "after"),
    Point("shutil", "rmtree", 1, "before"),
]


@pytest.fixture(scope="module")
def left_behind(gated: World, tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    """One engagement for each point, in which publishing (into a registry that it makes) was killed there."""
    folder = tmp_path_factory.mktemp("killed")
    worlds = [gated.copy(folder / str(number)) for number in range(len(POINTS))]
    for world in worlds:
        shutil.rmtree(world.repo / EMBEDDED)
    jobs = [Job(world, "vendor-ml", ("publish",), point) for world, point in zip(worlds, POINTS, strict=True)]
    ended = run_together(jobs, folder / "answers")
    missed = [str(point) for point, end in zip(POINTS, ended, strict=True) if end.code != -signal.SIGKILL]
    assert missed == [], "publish no longer comes to these points"
    return worlds


@pytest.mark.parametrize("number", range(len(POINTS)), ids=[str(point) for point in POINTS])
def test_a_publish_that_was_killed_is_completed_by_the_next(
    left_behind: list[World], tmp_path: Path, number: int
) -> None:
    world = left_behind[number]
    world.ok("publish")
    registry = registry_of(world)
    (version,) = registry.versions("credit")
    assert version.tags["candidate"] == Store(world.repo).candidate(None).digest
    found = verify_release(registry, version, tmp_path / "fetched")
    assert found.release.digest == version.tags["release"]
    assert world.live() == 1
    assert world.ok("trace", "credit/1")["complete"] is True
    assert not list((world.repo / ".vendorkit/releases").glob("[0-9a-f]*"))


def killed(world: World, point: Point, who: str, *command: str) -> None:
    """Run a command that is killed at a point."""
    (ended,) = run_together([Job(world, who, command, point)], world.repo.parent / "answers")
    assert ended.code == -signal.SIGKILL, ended.err


def test_a_promotion_killed_before_the_alias_is_not_served_and_completed_by_the_next(world: World) -> None:
    world.ok("publish")
    world.decide("approve", "credit/1", "model-risk")
    key = str(world.key("ml-sre"))
    point = Point("vendorkit.adapters.registry", "Registry.set_alias", 1, "before")
    killed(world, point, "ml-sre", "promote", "credit/1", "--key", key)
    assert [signed.decision.version for signed in log(world).moves("champion")] == [1]
    assert registry_of(world).alias("credit", "champion") is None
    with pytest.raises(Refused, match="points nowhere, but the last valid move was to version 1"):
        deploy(world.repo, "credit", "champion", None)
    assert [line["status"] for line in world.ok("releases")["releases"]] == ["suspect"]
    assert world.decide("promote", "credit/1", "ml-sre").code == 0
    assert len(log(world).moves("champion")) == 1
    deploy(world.repo, "credit", "champion", None).folder.cleanup()


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_approval_that_was_killed_is_there_or_not(world: World, when: str) -> None:
    world.ok("publish")
    point = Point("vendorkit.adapters.registry", "Registry.append_decision", 1, when)
    killed(world, point, "model-risk", "approve", "credit/1", "--key", str(world.key("model-risk")))
    assert len(log(world).accepted) == (1 if when == "after" else 0)
    assert world.decide("approve", "credit/1", "model-risk").code == 0
    assert log(world).faults == ()
    assert world.decide("promote", "credit/1", "ml-sre").code == 0
