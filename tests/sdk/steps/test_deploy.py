"""Deploy: everything is verified before anything of a release is loaded or run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from vendorkit.errors import BadInput, Refused
from vendorkit.records.decision import Leave
from vendorkit.steps.deploy import deploy

from tests.support.registry import files_of, flip, log, registry_of, rewrite_decision, write
from tests.support.world import World


def refusal(world: World, alias: str | None = "champion", version: int | None = None) -> str:
    with pytest.raises(Refused) as told:
        deploy(world.repo, "credit", alias, version)
    return str(told.value)


def test_a_live_release_is_loaded_and_its_start_recorded(live: World) -> None:
    done = deploy(live.repo, "credit", "champion", None)
    rows = pd.read_csv(live.repo / "data/applications.csv").head(5)
    with done.folder:
        scores = done.predict(rows)
    assert len(scores) == 5
    assert all(0 <= score <= 1 for score in scores)
    record = done.deployment
    decisions = [signed.decision for signed in log(live).accepted]
    assert (record.model, record.version, record.alias) == ("credit", 1, "champion")
    assert record.release == registry_of(live).versions("credit")[0].tags["release"]
    assert record.decisions == tuple(decision.digest for decision in decisions)
    assert done.contract.model == "credit"


def test_by_number_it_is_loaded_without_an_alias(live: World) -> None:
    done = deploy(live.repo, "credit", None, 1)
    done.folder.cleanup()
    record = done.deployment
    assert record.alias is None
    assert [signed.decision.kind for signed in log(live).accepted if signed.decision.digest in record.decisions] == [
        "approval"
    ]


@pytest.mark.parametrize("version", [None, 1])
def test_what_is_not_approved_is_not_served(world: World, version: int | None) -> None:
    world.ok("publish")
    registry_of(world).set_alias("credit", "champion", 1)
    says = refusal(world, version=version)
    assert ("no valid move is recorded" if version is None else "credit/1 is not approved") in says


@pytest.mark.parametrize(
    ("model", "alias", "version"),
    [("other", "champion", None), ("credit", "staging", None), ("credit", None, 9), ("credit", None, 0)],
)
def test_what_there_is_not_is_bad_input(live: World, model: str, alias: str | None, version: int | None) -> None:
    with pytest.raises(BadInput):
        deploy(live.repo, model, alias, version)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that appears when planted code runs."""
    return tmp_path / "code-ran"


@pytest.mark.parametrize(
    "path",
    [
        "model/code/pipeline.py",
        "model/code/sklearn.py",
        "model/code/__pycache__/pipeline.cpython-311.pyc",
        "model/code/.hidden/__init__.py",
        "model/code/sitecustomize.py",
        "model/code/pandas/__init__.py",
    ],
)
def test_planted_code_is_never_run(live: World, marker: Path, path: str) -> None:
    planted = files_of(live) / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    before = planted.read_text() if planted.exists() else ""
    planted.write_text(f"open({str(marker)!r}, 'w').close()\n{before}")
    for version in (None, 1):
        assert path in refusal(live, version=version)
    assert not marker.exists()


def test_planted_code_would_have_run(live: World, marker: Path) -> None:
    """The plant works: the same change, taken for the trained model, writes the marker."""
    from vendorkit.adapters.pipeline import load_pipeline

    planted = files_of(live) / "model/code/pipeline.py"
    planted.write_text(f"open({str(marker)!r}, 'w').close()\n{planted.read_text()}")
    load_pipeline(planted.parent, "pipeline", needs=("predict",))
    assert marker.exists()


def test_a_tampered_model_file_is_never_loaded(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr("vendorkit.steps.deploy.load_model", lambda *given: loaded.append(given))
    monkeypatch.setattr("vendorkit.steps.deploy.load_pipeline", lambda *given, **_: loaded.append(given))
    flip(files_of(live) / "model/model.skops")
    assert "model/model.skops" in refusal(live)
    assert loaded == []


def test_a_link_out_of_the_release_is_not_followed(live: World, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (files_of(live) / "model/code/secret.py").symlink_to(tmp_path / "secret")
    assert "model/code/secret.py" in refusal(live)


def test_an_alias_moved_by_hand_is_not_believed(live: World) -> None:
    live.train_and_gate()
    live.ok("publish")
    live.decide("approve", "credit/2", "model-risk")
    registry_of(live).set_alias("credit", "champion", 2)
    says = refusal(live)
    assert "points to version 2, but the last valid move was to version 1" in says
    assert "vendorkit promote credit/VERSION --alias champion" in says


def test_a_promotion_killed_before_the_alias_was_set_is_told_and_then_completed(live: World) -> None:
    registry_of(live)._client.delete_registered_model_alias("credit", "champion")
    assert "points nowhere, but the last valid move was to version 1" in refusal(live)
    assert live.decide("promote", "credit/1", "ml-sre").result["changed"] is True
    done = deploy(live.repo, "credit", "champion", None)
    done.folder.cleanup()
    assert done.deployment.version == 1


def test_a_move_that_does_not_count_is_named(live: World) -> None:
    rewrite_decision(live, 2, reason="another")
    says = refusal(live)
    assert "no valid move is recorded" in says
    assert "promotion by ml-sre: does not count: something else was signed, not this" in says


def test_a_log_that_was_tampered_with_serves_nothing(live: World) -> None:
    rewrite_decision(live, 1, reason="another")
    assert "The decisions about credit were tampered with" in refusal(live)


def test_an_approval_taken_away_serves_nothing(live: World) -> None:
    write(live, "DELETE FROM model_version_tags WHERE name = 'credit.decisions' AND version = 1")
    assert "tampered with" in refusal(live)


def test_what_was_refused_since_is_not_started_again(live: World) -> None:
    live.decide("refuse", "credit/1", "model-ops-lead", "--reason", "leak found")
    assert "refusal by model-ops-lead: stands: leak found" in refusal(live)


def test_what_is_refused_while_it_is_served_is_seen(live: World) -> None:
    done = deploy(live.repo, "credit", "champion", None)
    done.folder.cleanup()
    assert done.look() == done.leave == Leave()
    live.decide("refuse", "credit/1", "model-ops-lead", "--reason", "leak found")
    assert done.look().refused == ("refusal by model-ops-lead: stands: leak found",)
    live.decide("approve", "credit/1", "model-ops-lead")
    assert done.look() == Leave()
    signers = live.repo / "allowed_signers"
    signers.write_text("".join(line for line in signers.read_text().splitlines(True) if "model-risk" not in line))
    assert done.look() == Leave()  # the other approval is enough for its tier
    signers.write_text("".join(line for line in signers.read_text().splitlines(True) if "model-ops" not in line))
    assert "has no approval by an internal person" in done.look().refused[0]


def test_a_refused_start_leaves_no_files_behind(live: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    flip(files_of(live) / "model/model.skops")
    refusal(live)
    assert list((tmp_path / "scratch").iterdir()) == []
