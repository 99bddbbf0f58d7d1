"""Lineage forward and backward over a real registry, with real decisions and real prediction logs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.steps.deploy import deploy
from vendorkit.steps.lineage import answered_at

from tests.support.predictions import FIRST_MS, make_log
from tests.support.world import OTHER, World


@pytest.fixture(scope="module")
def busy(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two releases of the same data, the second live since; the first answered 200,000 predictions on New Year."""
    world = promoted.copy(tmp_path_factory.mktemp("busy") / "repo")
    done = deploy(world.repo, "credit", "champion", None)
    done.folder.cleanup()
    make_log(world.repo / ".vendorkit/predictions/credit", 200_000, done.deployment)
    world.train_and_gate(OTHER)
    assert world.live() == 2
    return world


def content_of(world: World) -> str:
    datasets = world.ok("lineage", "--release", "credit/1")["releases"][0]["datasets"]
    assert [entry["dataset"] for entry in datasets] == ["applications"]
    return str(datasets[0]["content_digest"])


def test_backward_what_a_release_is_made_of(busy: World) -> None:
    result = busy.ok("lineage", "--release", "credit/1")
    (release,) = result["releases"]
    assert release["author"] == "ml@acme.example"
    assert release["candidate"].startswith("sha256:")
    assert len(release["commit"]) == 40
    (first,) = release["live"]
    assert (first["alias"], first["by"]) == ("champion", "ml-sre")
    assert first["until"] == busy.ok("lineage", "--release", "credit/2")["releases"][0]["live"][0]["since"]


@pytest.mark.parametrize("by", ["content", "snapshot", "beginning"])
def test_forward_what_is_downstream_of_a_snapshot(busy: World, by: str) -> None:
    content = content_of(busy)
    snapshot = busy.ok("lineage", "--release", "credit/2")["releases"][0]["datasets"][0]["snapshot"]
    digest = {"content": content, "snapshot": snapshot, "beginning": content[7:17]}[by]
    result = busy.ok("lineage", "--dataset", digest)
    assert [entry["version"] for entry in result["releases"]] == [1, 2]
    assert result["counts"] == {"releases": 2, "ever_live": 2, "live_now": 1, "predictions": 200_000, "candidates": 0}


def test_candidates_that_were_never_published_are_downstream_too(busy: World, tmp_path: Path) -> None:
    world = busy.copy(tmp_path / "repo")
    candidate = world.train_and_gate(("FREEDOM = 0.9", "FREEDOM = 0.8"))
    assert world.ok("lineage", "--dataset", content_of(world))["candidates"] == [candidate]


def test_the_predictions_of_a_release_in_a_window(busy: World) -> None:
    start = datetime.fromtimestamp(FIRST_MS / 1000, UTC)
    low, high = start + timedelta(seconds=60), start + timedelta(seconds=120)
    window = ("--since", low.isoformat(), "--until", high.isoformat())
    answered = busy.ok("lineage", "--release", "credit/1", *window)["releases"][0]["predictions"]
    assert abs(answered["count"] - 60_000 / 8.64) <= 1
    assert (
        low <= datetime.fromisoformat(answered["first"]["at"]) < datetime.fromisoformat(answered["last"]["at"]) < high
    )
    assert all(low <= datetime.fromisoformat(answered_at(name)) < high for name in answered["sample"])
    whole = busy.ok("lineage", "--release", "credit/1")["releases"][0]["predictions"]
    assert whole["count"] == 200_000
    assert len(whole["sample"]) == 5
    assert busy.ok("lineage", "--release", "credit/2")["releases"][0]["predictions"] is None


def test_a_window_alone_shows_what_happened_in_it(busy: World) -> None:
    def seen(*window: str) -> list[int]:
        return [entry["version"] for entry in busy.ok("lineage", *window)["releases"]]

    assert seen("--until", "2026-01-02") == [1]
    assert seen("--until", "2025-12-31") == []
    assert seen("--since", "2026-01-02") == [1, 2]
    assert seen("--since", "2999-01-01") == [2], "it is live still"


def test_predictions_that_are_still_in_the_journal_count(live: World) -> None:
    from tests.sdk.steps.test_trace import predict

    prediction = predict(live, close=False)
    answered = live.ok("lineage", "--release", "credit/1")["releases"][0]["predictions"]
    assert (answered["count"], answered["first"]["id"]) == (1, prediction)
    PredictionLog(live.repo / ".vendorkit/predictions/credit").close()
    assert live.ok("lineage", "--release", "credit/1")["releases"][0]["predictions"]["count"] == 1


def test_the_index_can_be_deleted(busy: World, tmp_path: Path) -> None:
    world = busy.copy(tmp_path / "repo")
    before = world.ok("lineage")
    (world.repo / ".vendorkit/lineage.sqlite").unlink()
    assert world.ok("lineage")["releases"] == before["releases"]


def test_people_read_it_and_draw_it(busy: World) -> None:
    text = busy.run("lineage", "--dataset", content_of(busy), as_json=False).out
    assert "credit/1 sha256:" in text
    assert "champion from" in text
    assert "2 releases, 2 ever live, 1 live now; 200,000 predictions." in text
    dot = busy.run("lineage", "--format", "dot", as_json=False).out
    assert dot.startswith("digraph")
    assert dot.count('label="release') == 2
    assert busy.run("lineage", "--format", "svg", as_json=False).out.startswith("<svg")


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (["--dataset", "applications"], "--dataset"),
        (["--dataset", "sha256:abc"], "--dataset"),
        (["--dataset", "' OR 1=1"], "--dataset"),
        (["--release", "credit"], "--release"),
        (["--release", "credit/9"], "credit/9"),
        (["--release", "other/1"], "other/1"),
        (["--release", "credit/1", "--dataset", "a" * 64], "--release"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "--until"),
    ],
)
def test_what_cannot_be_asked_is_bad_input(busy: World, given: list[str], where: str) -> None:
    answer = busy.run("lineage", *given)
    assert answer.code == 2
    assert [fault["where"] for fault in answer.result["faults"]] == [where]


def test_a_time_that_is_none_is_bad_usage(busy: World) -> None:
    assert busy.run("lineage", "--since", "yesterday").code == 2
    assert busy.run("lineage", "--since", "9999-12-31T23:59:59-14:00").code == 2


def test_nothing_is_an_answer_too(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    result: dict[str, Any] = world.ok("lineage", "--dataset", "a" * 64)
    assert result["releases"] == []
    assert "Nothing is known of it." in world.run("lineage", as_json=False).out
    shutil.rmtree(world.repo)
