"""What `import vendorkit` offers, as a script or a notebook uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import vendorkit
from vendorkit.adapters.store import Store
from vendorkit.errors import BadInput

from tests.support.world import World


@pytest.fixture
def at_work(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An own engagement, with its vendor at work in a folder of it."""
    monkeypatch.chdir(world.repo / "models")
    with world.as_person("vendor-ml"):
        yield world


def test_train_gate_and_publish_without_arguments(at_work: World) -> None:
    candidate = vendorkit.train()
    report = vendorkit.gate()
    assert report.candidate == candidate.digest
    assert report.passed
    release = vendorkit.publish(candidate)
    assert (release.version.number, release.created) == (1, True)
    assert vendorkit.publish().created is False


def test_a_candidate_is_asked_in_its_own_engagement(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    candidate = Store(world.repo).candidate(None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="not an engagement"):
        vendorkit.gate()
    with pytest.raises(BadInput, match="not an engagement"):
        vendorkit.publish()
    with world.as_person("vendor-ml"):
        assert vendorkit.gate(candidate).candidate == candidate.digest
        assert vendorkit.publish(candidate).version.model == "credit"


def test_nothing_to_compare_with_is_said(at_work: World) -> None:
    with pytest.raises(BadInput, match="credit@challenger"):
        vendorkit.gate(against="challenger")


def test_every_name_is_there_and_no_other() -> None:
    assert sorted(dir(vendorkit)) == sorted(vendorkit.__all__)
    assert all(getattr(vendorkit, name) is not None for name in vendorkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'deploy'"):
        _ = vendorkit.deploy
