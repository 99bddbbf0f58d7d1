"""Archive a retired release: its model goes into a bundle, what is left still answers, and nothing is ever lost."""

from __future__ import annotations

import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vendorkit.adapters.store import differing_files
from vendorkit.errors import Refused
from vendorkit.records.bundle import BUNDLE_FILE, SUMS_FILE, Bundle
from vendorkit.steps.deploy import deploy
from vendorkit.trust.releases import verify_release

from tests.support.processes import Job, Point, run_together
from tests.support.registry import files_of, flip, log, registry_of
from tests.support.world import OTHER, Answer, World

STORE = "mlflow.store.artifact.local_artifact_repo"
POINTS = [
    Point("vendorkit.steps.export", "_finish", 1, "before"),
    Point("vendorkit.steps.export", "_finish", 1, "after"),
    Point("vendorkit.adapters.registry", "Registry.append_decision", 1, "before"),
    Point("vendorkit.adapters.registry", "Registry.append_decision", 1, "after"),
    Point("mlflow", "MlflowClient.set_model_version_tag", 1, "after"),
    Point(STORE, "LocalArtifactRepository.delete_artifacts", 1, "before"),
    Point("os", "unlink", 1, "after"),
    Point("os", "unlink", 4, "after"),
    Point(STORE, "LocalArtifactRepository.delete_artifacts", 1, "after"),
]


@pytest.fixture(scope="module")
def retired(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = promoted.copy(tmp_path_factory.mktemp("retired") / "repo")
    world.train_and_gate(OTHER)
    world.live()
    world.declare(operations=True, lifecycle=True)
    assert world.decide("retire", "credit/1", "model-risk", "--reason", "superseded").code == 0
    return world


@pytest.fixture
def two(retired: World, tmp_path: Path) -> World:
    """credit/2 is live, credit/1 is retired."""
    return retired.copy(tmp_path / "repo")


def archive(world: World, folder: Path, release: str = "credit/1", who: str = "model-risk") -> Answer:
    return world.decide("retire", release, who, "--archive", str(folder))


def status(world: World, version: int = 1) -> str:
    return str(world.ok("releases")["releases"][version - 1]["status"])


def whole(folder: Path) -> bool:
    """Whether a folder holds a bundle with every file as its index says."""
    if not (folder / BUNDLE_FILE).exists():
        return False
    bundle = Bundle.parse((folder / BUNDLE_FILE).read_bytes(), BUNDLE_FILE)
    return {fault.where for fault in differing_files(folder, bundle.files)} == {BUNDLE_FILE, SUMS_FILE}


def test_the_model_moves_and_what_is_left_still_answers(two: World, tmp_path: Path) -> None:
    bundle = tmp_path / "archive"
    before = two.ok("lineage", "--release", "credit/1")
    done = archive(two, bundle)
    assert done.code == 0, done.out + done.err
    assert (done.result["kind"], done.result["archive"]) == ("archival", str(bundle))
    assert whole(bundle)
    assert sorted(path.name for path in files_of(two).iterdir()) == [
        "documents",
        "engagement",
        "records",
        "release.json",
    ]
    traced = two.ok("trace", "credit/1")
    assert traced["complete"] is True
    assert [link["kind"] for link in traced["chain"]][:5] == [
        "release",
        "approval",
        "promotion",
        "promotion",
        "retirement",
    ]
    assert f"archival, archive {done.result['bundle']}" in next(
        link["says"] for link in traced["chain"] if link["kind"] == "archival"
    )
    for form in ("svg", "dot", "openlineage", "cyclonedx", "in-toto"):
        assert two.run("trace", "credit/1", "--format", form, as_json=False).code == 0
    assert two.ok("lineage", "--release", "credit/1") == before
    assert (status(two), status(two, 2)) == ("archived", "live")
    assert two.ok("trace", "credit/2")["complete"] is True
    assert two.ok("documents", "credit/1")["subject"] == "credit/1"
    again = archive(two, bundle)
    assert (again.code, again.result["record"]) == (0, done.result["record"])


def test_it_is_not_used_and_importing_it_brings_it_back(two: World, tmp_path: Path) -> None:
    bundle = tmp_path / "archive"
    assert archive(two, bundle).code == 0
    with pytest.raises(Refused, match="is archived"):
        deploy(two.repo, "credit", None, 1)
    commands = [("export", "credit/1", "--to", str(tmp_path / "out")), ("gate", "--against", "1")]
    for command in (*commands, ("compare", "credit/1", "credit/2")):
        answer = two.run(*command)
        assert (answer.code, answer.result["error"]) == (1, "credit/1 is archived.")
    assert two.decide("retire", "credit/1", "model-risk", "--withdraw").code == 1
    done = two.ok("import", str(bundle))
    assert (done["created"], done["restored"], done["version"]) == (False, True, 1)
    assert status(two) == "retired"
    verify_release(registry_of(two), registry_of(two).versions("credit")[0], tmp_path / "fetched")
    assert two.ok("import", str(bundle))["restored"] is False
    assert two.decide("retire", "credit/1", "model-risk", "--withdraw").code == 0
    deploy(two.repo, "credit", None, 1).folder.cleanup()
    assert two.ok("trace", "credit/1")["complete"] is True


def test_it_comes_back_into_an_empty_registry_too(two: World, tmp_path: Path) -> None:
    assert archive(two, tmp_path / "archive").code == 0
    shutil.copytree(two.repo, tmp_path / "other", symlinks=True, ignore=shutil.ignore_patterns(".vendorkit"))
    other = World(tmp_path / "other", two.keys)
    assert other.ok("import", str(tmp_path / "archive"))["created"] is True
    assert other.ok("trace", "credit/1")["complete"] is True


def test_what_is_in_use_or_not_retired_yet_stays(two: World, tmp_path: Path) -> None:
    live = archive(two, tmp_path / "archive", "credit/2")
    assert live.code == 1
    assert [fault["says"] for fault in live.result["faults"]] == ["is not retired by today.", "points to it."]
    soon = (datetime.now(UTC).date() + timedelta(days=9)).isoformat()
    assert two.decide("retire", "credit/1", "model-risk", "--block-from", soon).code == 0
    assert archive(two, tmp_path / "archive").code == 1
    assert archive(two, tmp_path / "archive", who="ml-sre").code == 1
    assert two.decide("retire", "credit/1", "model-risk", "--archive", "x", "--withdraw").code == 2
    assert two.decide("retire", "credit/1", "model-risk", "--archive", "x", "--block-from", soon).code == 2
    assert (files_of(two) / "model").is_dir()
    assert not (tmp_path / "archive").exists()


def test_nothing_is_removed_while_the_bundle_is_not_whole_or_another(two: World, tmp_path: Path) -> None:
    two.ok("export", "credit/1", "--to", str(tmp_path / "one"))
    two.ok("export", "credit/2", "--to", str(tmp_path / "two"))
    flip(tmp_path / "one/release/model/model.skops")
    entries = registry_of(two).decisions("credit")
    broken = archive(two, tmp_path / "one")
    assert [fault["where"] for fault in broken.result["faults"]] == ["release/model/model.skops"]
    other = archive(two, tmp_path / "two")
    assert "release" in [fault["where"] for fault in other.result["faults"]]
    flip(tmp_path / "one/release/model/model.skops")
    flip(tmp_path / "one" / SUMS_FILE, 3)
    assert archive(two, tmp_path / "one").code == 1
    (tmp_path / "empty").mkdir()
    assert archive(two, tmp_path / "empty").code == 2
    assert (registry_of(two).decisions("credit"), status(two)) == (entries, "retired")
    assert (files_of(two) / "model/model.skops").is_file()
    flip(tmp_path / "one" / SUMS_FILE, 3)
    assert archive(two, tmp_path / "one").code == 0


def test_what_is_left_is_still_verified(two: World, tmp_path: Path) -> None:
    assert archive(two, tmp_path / "archive").code == 0
    flip(files_of(two) / "records/run.json")
    broken = two.run("trace", "credit/1")
    assert broken.code == 1
    assert "records/run.json" in broken.result["missing"][1]


def test_a_model_that_vanished_without_a_decision_is_named(two: World) -> None:
    version = registry_of(two).versions("credit")[0]
    registry_of(two).drop_model(version, "sha256:" + "0" * 64)
    answer = two.run("trace", "credit/1")
    assert answer.code == 1
    assert "no decision that counts says so" in answer.result["missing"][0]
    assert status(two) == "retired"


@pytest.fixture(scope="module")
def left_behind(retired: World, tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    """One engagement for each point, in which archiving credit/1 was killed there."""
    folder = tmp_path_factory.mktemp("killed")
    worlds = [retired.copy(folder / f"{number}/repo") for number in range(len(POINTS))]
    key = str(retired.key("model-risk"))
    jobs = [
        Job(
            world,
            "model-risk",
            ("retire", "credit/1", "--key", key, "--archive", str(world.repo.parent / "archive")),
            point,
        )
        for world, point in zip(worlds, POINTS, strict=True)
    ]
    ended = run_together(jobs, folder / "answers")
    missed = [str(point) for point, end in zip(POINTS, ended, strict=True) if end.code != -signal.SIGKILL]
    assert missed == [], "archiving no longer comes to these points"
    return worlds


@pytest.mark.parametrize("number", range(len(POINTS)), ids=[str(point) for point in POINTS])
def test_a_kill_loses_nothing_and_the_next_run_completes_it(left_behind: list[World], number: int) -> None:
    world, bundle = left_behind[number], left_behind[number].repo.parent / "archive"
    there = {path.name for path in (files_of(world) / "model").glob("*")}
    assert whole(bundle) or {"model.skops", "MLmodel", "code"} <= there
    assert archive(world, bundle).code == 0
    assert whole(bundle)
    assert not (files_of(world) / "model").exists()
    assert [signed.decision.kind for signed in log(world).accepted].count("archival") == 1
    assert log(world).faults == ()
    assert world.ok("trace", "credit/1")["complete"] is True
    assert world.ok("import", str(bundle))["restored"] is True
