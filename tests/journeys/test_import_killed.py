"""kill -9 at 50 random moments of an import: run again, there is one complete version and an intact history."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from vendorkit.steps.export import export
from vendorkit.trust.log import log_of
from vendorkit.trust.releases import verify_release

from tests.support.processes import kill_each
from tests.support.registry import registry_of
from tests.support.world import World

TIMES = 50


def empty(world: World, folder: Path) -> World:
    """A clone of an engagement without any registry."""
    shutil.copytree(world.repo, folder, symlinks=True, ignore=shutil.ignore_patterns(".vendorkit"))
    return World(folder, world.keys)


def test_an_import_that_was_killed_is_completed_by_the_next(promoted: World, tmp_path: Path) -> None:
    out = promoted.copy(tmp_path / "second")  # the number 2 makes the import leave number 1 out
    out.train_and_gate(("FREEDOM = 1.0", "FREEDOM = 2.0"))
    assert out.live() == 2
    folder = tmp_path / "bundle"
    before = export(out.repo, "credit", 2, folder).bundle.digest
    worlds = [empty(out, tmp_path / f"target-{number}") for number in range(TIMES + 1)]
    moments = [random.Random(7).uniform(0, 1) for _ in range(TIMES)]
    killed = kill_each(worlds, "ml-sre", ("import", str(folder)), moments)
    assert killed["codes"].count(-signal.SIGKILL) > TIMES / 2, killed
    for world in worlds[1:]:
        world.ok("import", str(folder))
        registry = registry_of(world)
        (version,) = registry.versions("credit")
        assert version.number == 2
        log = log_of(registry, "credit")
        assert len(log.accepted) == 4
        assert log.faults == ()
        assert registry.aliases("credit") == {"champion": 2}
        verify_release(registry, version, world.repo.parent / f"{world.repo.name}-files")
        assert list((world.repo / ".vendorkit").glob("importing*")) == []
    for world in worlds[::10]:
        assert export(world.repo, "credit", 2, tmp_path / f"again-{world.repo.name}").bundle.digest == before


@pytest.mark.parametrize("number", [1, 2])
def test_what_was_deleted_never_comes_back(promoted: World, tmp_path: Path, number: int) -> None:
    """A version that MLflow numbered wrongly while an import was killed is never shown."""
    world = promoted.copy(tmp_path / "repo")
    registry = registry_of(world)
    (version,) = registry.versions("credit")
    tags = {"vendorkit.candidate": "sha256:x", "vendorkit-number": str(number)}
    made = registry._create_version("credit", version.place, version.run_id, tags)
    assert made.number == 2
    assert [found.number for found in registry.versions("credit")] == [1, 2][:number]
