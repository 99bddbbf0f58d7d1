"""kill -9 at 50 random moments of publish and of promote: run again, there is one complete version and one history."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

from vendorkit.adapters.registry import EMBEDDED
from vendorkit.trust.releases import verify_release

from tests.support.processes import kill_each
from tests.support.registry import log, registry_of
from tests.support.world import World

TIMES = 50


def moments(seed: int) -> list[float]:
    """When each dies, as a part of the time that the command takes."""
    return [random.Random(seed * 1000 + number).uniform(0, 1) for number in range(TIMES)]


def test_a_publish_that_was_killed_anywhere_is_completed_by_the_next(gated: World, tmp_path: Path) -> None:
    worlds = [gated.copy(tmp_path / f"{number}/repo") for number in range(TIMES + 1)]
    for world in worlds:
        shutil.rmtree(world.repo / EMBEDDED)  # the database is made under the kills too
    killed = kill_each(worlds, "vendor-ml", ("publish",), moments(11))
    assert killed["codes"].count(-signal.SIGKILL) > TIMES / 2, killed
    for world in worlds[1:]:
        published = world.ok("publish")
        (version,) = registry_of(world).versions("credit")
        found = verify_release(registry_of(world), version, world.repo.parent / "files")
        assert found.release.digest == version.tags["release"] == published["release"]
        assert not list((world.repo / ".vendorkit/releases").glob("[0-9a-f]*"))
        assert log(world).faults == ()


def test_a_promotion_that_was_killed_anywhere_is_completed_by_the_next(promoted: World, tmp_path: Path) -> None:
    worlds = [promoted.copy(tmp_path / f"{number}/repo") for number in range(TIMES + 1)]
    command = ("promote", "credit/1", "--alias", "staging", "--key", str(promoted.key("ml-sre")))
    killed = kill_each(worlds, "ml-sre", command, moments(13))
    assert killed["codes"].count(-signal.SIGKILL) > TIMES / 2, killed
    for world in worlds[1:]:
        history, pointing = log(world), registry_of(world).aliases("credit")
        assert history.faults == ()
        assert pointing.get("staging") in (None, *(signed.decision.version for signed in history.moves("staging")))
        world.ok(*command, who="ml-sre")
        assert registry_of(world).aliases("credit") == {"champion": 1, "staging": 1}
        assert log(world).faults == ()
        assert [signed.decision.version for signed in log(world).moves("staging")] == [1]
        assert [signed.decision.kind for signed in log(world).accepted] == ["approval", "promotion", "promotion"]
