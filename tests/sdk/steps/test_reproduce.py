"""Reproduce: the same again, or the name of what differed first. Rebuilt in real clones by real processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.store import Store
from vendorkit.errors import Refused
from vendorkit.records.gate_report import GateReport
from vendorkit.records.reproduction import Reproduction
from vendorkit.records.run import Run
from vendorkit.steps.reproduce import reproduce

from tests.support.registry import files_of, flip, state
from tests.support.world import World

SEED = "  seed: 20260901\n"
GATES = """\
gates:
- id: g-brier
  kind: performance
  benchmark: holdout
  metric: brier
  max: 0.3
  says: Scores are honest
"""


def differs(world: World, part: str, *arguments: str) -> dict[str, Any]:
    """Reproduce without building an environment; it must differ, first by this."""
    answer = world.run("reproduce", *arguments, "--no-sync")
    assert answer.code == 1, answer.out
    assert answer.result["differs_first"] == part, answer.out
    return answer.result


def says(result: dict[str, Any]) -> str:
    return "\n".join(f"{entry['where']} {entry['says']}" for entry in result["differences"])


def train(world: World) -> None:
    """Train, and hold the candidate to have scored what the one before it did: no measuring in a process."""
    store = Store(world.repo)
    report = store.report(store.candidate(None).digest)
    assert report is not None
    world.ok("train")
    store.add_report(report.model_copy(update={"candidate": store.candidate(None).digest}), {})


def ignore(world: World, *paths: str) -> None:
    """Take files out of git and leave them in the folder."""
    with (world.repo / ".gitignore").open("a") as file:
        file.writelines(f"{path}\n" for path in paths)
    subprocess.run(["git", "rm", "--quiet", "--cached", *paths], cwd=world.repo, check=True)
    world.commit("Keep these out of git")


def rewrite_report(world: World, **values: float) -> None:
    """Change values of gates in the newest candidate's report."""
    candidate = Store(world.repo).candidate(None)
    path = Store(world.repo).report_folder(candidate.digest) / "gate-report.json"
    value = json.loads(path.read_text())
    for result in value["results"]:
        result["value"] = values.get(result["id"], result["value"])
    value.pop("schema")
    path.write_bytes(GateReport.model_validate_json(json.dumps(value)).to_bytes())


@pytest.fixture(scope="module")
def rebuilt(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, dict[str, Any], tuple[Any, Any]]:
    """A live release after `reproduce --record`, what it answered, and the registry before and after."""
    world = promoted.copy(tmp_path_factory.mktemp("rebuilt") / "repo")
    ignore(world, "data/applications.csv", "benchmarks/holdout.csv")  # not in later commits, and still found
    before = state(world)
    result = world.ok("reproduce", "--no-sync", "--record", who="ml-sre")
    return world, result, (before, state(world))


def test_a_release_is_rebuilt_within_tolerance(rebuilt: tuple[World, dict[str, Any], Any]) -> None:
    _, result, _ = rebuilt
    assert (result["model"], result["version"], result["differs_first"]) == ("credit", 1, None)
    assert result["metrics"]["roc_auc"]["ok"] is True
    assert result["metrics"]["roc_auc"]["recorded"] == result["metrics"]["roc_auc"]["rebuilt"]
    assert result["metrics"]["roc_auc"]["tolerance"] == 0


def test_the_registry_is_only_read_and_the_record_lies_in_the_repository(
    rebuilt: tuple[World, dict[str, Any], tuple[Any, Any]],
) -> None:
    world, result, (before, after) = rebuilt
    assert before == after
    record = Reproduction.parse(Path(result["path"]).read_bytes(), "record")
    assert record.digest == result["record"]
    assert Path(result["path"]).parent == world.repo / "records"
    assert record.by.email == "ml-sre@bank.example"
    assert record.locked is False
    assert record.environment is not None
    status = ["git", "status", "--porcelain"]
    left = subprocess.run(status, cwd=world.repo, capture_output=True, text=True, check=True).stdout
    assert left == "?? records/\n"


def test_metrics_beyond_and_within_tolerance(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    world.edit("engagement.yaml", "gates:\n", GATES)
    world.edit(
        "engagement.yaml", "  seed: 20260901\n", "  seed: 20260901\n  tolerance: {roc_auc: 0.001, brier: 0.001}\n"
    )
    world.train_and_gate()
    report = Store(world.repo).report(Store(world.repo).candidate(None).digest)
    assert report is not None
    found = {result.id: result.value for result in report.results if isinstance(result.value, float)}
    rewrite_report(world, **{"g-auc": found["g-auc"] + 0.0009, "g-brier": found["g-brier"] + 0.0011})
    result = differs(world, "metrics")
    assert {name: metric["ok"] for name, metric in result["metrics"].items()} == {"brier": False, "roc_auc": True}
    assert "brier is" in says(result)
    assert "allowed difference 0.001" in says(result)
    assert result["version"] is None


def test_a_changed_data_byte_is_found_first(gated: World, tmp_path: Path) -> None:
    """Data that git does not hold is fetched from the folder, and believed by its digest only."""
    world = gated.copy(tmp_path / "repo")
    ignore(world, "data/applications.csv", "data/applications.lock.json", "uv.lock")
    train(world)
    flip(world.repo / "uv.lock")
    data = world.repo / "data/applications.csv"
    data.write_text(data.read_text().replace("critical account", "critical accounT", 1))
    result = differs(world, "data")
    assert {entry["part"] for entry in result["differences"]} == {"data", "environment"}
    assert "data/applications.csv" in says(result)
    assert result["metrics"] == {}
    data.unlink()
    assert "does not exist" in says(differs(world, "data"))


def test_a_lock_that_the_commit_does_not_hold(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    ignore(world, "uv.lock")
    train(world)
    assert "uv.lock is not in the commit, recorded sha256:" in says(differs(world, "environment"))
    text = world.run("reproduce", as_json=False).out
    assert "was NOT reproduced from commit" in text
    assert "Look first at: environment." in text


def test_a_lock_behind_pyproject_is_a_difference_of_the_environment(
    gated: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # a narrow terminal, in which uv breaks its sentences
    world = gated.copy(tmp_path / "repo")
    world.edit("pyproject.toml", 'version = "0"', 'version = "0"\ndependencies = ["wheel"]')
    train(world)
    answer = world.run("reproduce")
    assert answer.code == 1, answer.out
    assert answer.result["differs_first"] == "environment"
    assert "uv.lock is behind pyproject.toml." in says(answer.result)


def test_code_that_was_not_committed(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    pipeline = world.repo / "models/credit/pipeline.py"
    pipeline.write_text(pipeline.read_text().replace("FREEDOM = 1.0", "FREEDOM = 0.9"))
    train(world)
    found = says(differs(world, "code"))
    assert "pipeline.py is not the file that was trained with." in found
    assert "working tree differed from the commit" in found


def test_another_seed_in_the_record_than_in_the_commit(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    store = Store(world.repo)
    candidate = store.candidate(None)
    report = store.report(candidate.digest)
    assert report is not None
    forged = candidate.run.model_copy(update={"seed": 7})
    assert isinstance(forged, Run)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(candidate.model_folder, Path(folder) / "model")
        store.add_candidate(forged, candidate.features, candidate.snapshots, Path(folder) / "model")
    store.add_report(report.model_copy(update={"candidate": forged.digest}), {})
    assert "reproduce.seed is 20260901, recorded 7." in says(differs(world, "seed"))


def test_training_that_fails_in_the_checkout_is_told_with_its_own_faults(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    (world.repo / "notes.txt").write_text("only here")
    world.edit(".gitignore", ".vendorkit/", ".vendorkit/\nnotes.txt")
    needs = 'def prepare(frames):\n    assert __import__("pathlib").Path("notes.txt").exists(), "no notes"\n'
    world.edit("models/credit/pipeline.py", "def prepare(frames):\n", needs)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(world.repo)
        train(world)
    assert "no notes" in says(differs(world, "rebuild"))


def test_a_commit_that_is_not_here(live: World) -> None:
    (live.repo / ".git").rename(live.repo / "no-git")
    for command in (["init", "--quiet"], ["config", "user.name", "x"]):
        subprocess.run(["git", *command], cwd=live.repo, check=True)
    answer = live.run("reproduce", "credit/1")
    assert answer.code == 1
    assert "is not in this repository" in answer.out


def test_a_commit_with_a_submodule(world: World) -> None:
    link = ["update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendored"]
    subprocess.run(["git", *link], cwd=world.repo, check=True)
    environment = world.environment("vendor-ml")
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@y.example", "commit", "-q", "-m", "Link"]
    subprocess.run(commit, cwd=world.repo, env={"PATH": "/usr/bin:/bin", **environment}, check=True)
    train(world)
    with pytest.raises(Refused, match="vendored: is a submodule"), world.as_person("ml-sre"):
        reproduce(world.repo)


def test_a_release_with_a_flipped_bit_is_not_rebuilt(live: World) -> None:
    flip(files_of(live) / "records/run.json")
    answer = live.run("reproduce", "1")
    assert answer.code == 1
    assert "records/run.json" in answer.out


def test_no_such_version(live: World) -> None:
    assert live.run("reproduce", "credit/7").code == 2
    assert live.run("reproduce", "credit@champion").code == 2


def test_no_candidate_and_no_report(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    assert "Run `vendorkit train` first" in world.run("reproduce").out
    world.ok("train")
    assert "has no gate report" in world.run("reproduce").out
