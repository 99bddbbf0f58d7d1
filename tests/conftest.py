"""Rules for all tests: nothing of whoever runs them (registry, git, proxies), and no skip where none is allowed."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from vendorkit.tracking.measurement import Measurements

from tests.support.world import World, make_world

for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "VIRTUAL_ENV"):
    os.environ.pop(name, None)
for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):  # as a hook of git sets them
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
    del os.environ[name]
os.environ["GIT_CONFIG_GLOBAL"] = str(Path(__file__).parent / "support/gitconfig")
os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
for name in ("no_proxy", "NO_PROXY"):  # servers of tests are on this machine
    os.environ[name] = ",".join(filter(None, ("127.0.0.1,localhost", os.environ.get(name))))

# A commit is judged by the same examples each time, and not by the hour; `--hypothesis-profile=search` draws others.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("same"), derandomize=False, max_examples=2000)
settings.load_profile("same")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where VENDORKIT_NO_SKIP is set, a test that skips fails with the reason of the skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("VENDORKIT_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not skip here: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _one_measuring_process() -> Generator[None]:
    """Let the commands of all tests of this process share one measuring process: it takes seconds to start."""
    started: list[Measurements] = []

    def share(limit_seconds: float = 1800) -> AbstractContextManager[Measurements]:
        if not started or started[-1].ended:
            started.append(Measurements())
        started[-1]._limit_seconds = limit_seconds
        return nullcontext(started[-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vendorkit.tracking.measurement.Measurements", share)
        yield
    for process in started:
        process.close()


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement with frozen data and nothing trained. Copy it, do not change it."""
    from tests.support.registry import remember_schema

    remember_schema()
    return make_world(tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="session")
def gated(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement with a candidate that passed its gates and is not published. Copy it, do not change it."""
    world = frozen.copy(tmp_path_factory.mktemp("gated") / "repo")
    world.train_and_gate()
    return world


@pytest.fixture
def world(gated: World, tmp_path: Path) -> World:
    """An own engagement with a candidate that is ready to be published."""
    return gated.copy(tmp_path / "repo")


@pytest.fixture(scope="session")
def promoted(gated: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement whose credit/1 is published, approved and live. Copy it, do not change it."""
    world = gated.copy(tmp_path_factory.mktemp("promoted") / "repo")
    world.live()
    return world


@pytest.fixture
def live(promoted: World, tmp_path: Path) -> World:
    """An own engagement whose credit/1 is published by the vendor, approved by model-risk and promoted by ml-sre."""
    return promoted.copy(tmp_path / "repo")
