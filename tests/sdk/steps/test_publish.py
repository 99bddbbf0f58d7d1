"""Publish: what is refused and why, one version for one candidate, and what the registry then holds."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters.environment import requirements
from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import load_pipeline
from vendorkit.adapters.registry import EMBEDDED
from vendorkit.adapters.store import Store, list_files
from vendorkit.errors import Unavailable
from vendorkit.records.release import Release
from vendorkit.standards.policy import packaged_policy
from vendorkit.steps.publish import publish
from vendorkit.trust.releases import verify_release

from tests.support.registry import counted, files_of, flip, read, registry_of, state, write
from tests.support.words import WORDS
from tests.support.world import OTHER, WORSE, World


def faults(world: World) -> dict[str, str]:
    """Where and why publishing is refused."""
    answer = world.run("publish")
    assert answer.code == 1, answer.out
    return {fault["where"]: fault["says"] for fault in answer.result["faults"]}


def test_names_every_reason_at_once_when_nothing_was_asked(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    (world.repo / "uv.lock").unlink()
    pipeline = world.repo / "models/credit/pipeline.py"
    pipeline.write_text(pipeline.read_text() + "\n# not committed\n")
    card = world.repo / next(path for path in WORDS if "credit" in path)
    card.write_text(card.read_text() + "\nHeld out: 250 rows.\n")  # nobody knows yet whether that is so
    world.ok("train")
    found = faults(world)
    assert set(found) == {"code", "environment", "gates"}
    assert "differed from commit" in found["code"]
    assert "had no uv.lock at training" in found["environment"]
    assert "were not asked" in found["gates"]
    assert not (world.repo / EMBEDDED).exists()


def test_names_every_reason_at_once_when_gates_failed_and_limits_moved(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    shutil.rmtree(world.repo / ".git")
    subprocess.run(["git", "init", "--quiet"], cwd=world.repo, check=True)
    pipeline = world.repo / "models/credit/pipeline.py"
    pipeline.write_text(pipeline.read_text().replace(*WORSE))
    world.ok("train")
    assert world.run("gate").code == 1
    manifest = world.repo / "engagement.yaml"
    manifest.write_text(manifest.read_text().replace("min: 0.7\n", "min: 0.1\n"))
    (world.repo / "uv.lock").write_text("version = 1\n")
    before = state(world)
    found = faults(world)
    assert set(found) == {"code", "gates", "gate g-auc", "uv.lock"}
    assert "is not committed" in found["code"]
    assert "were changed after they were asked" in found["gates"]
    assert "roc_auc" in found["gate g-auc"]
    assert "not the one that the candidate was trained with" in found["uv.lock"]
    assert state(world) == before


def test_a_refusal_leaves_the_registry_as_it_was(live: World) -> None:
    before = state(live)
    live.edit("models/credit/pipeline.py", *OTHER)
    live.ok("train")
    assert live.run("publish").code == 1
    assert state(live) == before


def test_a_lost_lock_is_a_reason_and_not_a_crash(world: World) -> None:
    (world.repo / "uv.lock").unlink()
    assert faults(world)["uv.lock"] == "is missing."
    assert set(faults(world)) == {"uv.lock"}
    answer = world.run("documents")
    assert (answer.code, answer.result["faults"][0]["where"]) == (2, "uv.lock")


def test_the_same_candidate_twice_is_one_version(world: World) -> None:
    first, second = world.ok("publish"), world.ok("publish")
    assert set(first) >= {"model", "version", "release", "run_id", "created"}
    assert first["created"] is True
    assert second == {**first, "created": False}
    assert len(registry_of(world).versions("credit")) == 1
    assert not list((world.repo / ".vendorkit/releases").iterdir())


def test_the_same_code_trained_again_is_a_new_version(world: World) -> None:
    first = world.ok("publish")
    world.train_and_gate()
    second = world.ok("publish")
    assert (first["version"], second["version"]) == (1, 2)
    assert second["created"] is True
    assert first["release"] != second["release"]


def test_mlflow_loads_it_by_alias_and_predicts_the_same(gated: World, tmp_path: Path) -> None:
    world = gated.copy(tmp_path / "repo")
    world.live()
    candidate = Store(world.repo).candidate(None)
    rows = pd.read_csv(world.repo / "data/applications.csv").head(40)
    own = load_pipeline(candidate.model_folder / "code", "pipeline", needs=("predict",))
    expected = own.predict(load_model(candidate.model_folder, candidate.run.model_format), rows)
    uri = f"sqlite:///{world.repo / EMBEDDED / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    try:
        loaded = mlflow.pyfunc.load_model("models:/credit@champion")
        given = loaded.predict(rows[[field.name for field in candidate.features.features]])
    finally:
        mlflow.set_tracking_uri(None)
    assert np.array_equal(given, expected)


def test_the_signature_comes_from_the_contract_and_the_requirements_from_the_lock(live: World) -> None:
    folder = files_of(live) / "model"
    model = mlflow.models.Model.load(folder)
    fields = Store(live.repo).candidate(None).features.features
    inputs = model.signature.inputs.inputs
    assert [column.name for column in inputs] == [field.name for field in fields]
    kinds = {"number": "double", "integer": "long", "string": "string"}
    assert [column.type.name for column in inputs] == [kinds[field.type] for field in fields]
    assert [column.required for column in inputs] == [not field.nullable for field in fields]
    assert (folder / "requirements.txt").read_text() == requirements(live.repo)


def test_one_call_makes_the_version_with_all_its_tags(world: World) -> None:
    registry = registry_of(world)
    with counted() as seen:
        done = publish(world.repo, registry=registry)
    assert len(done.version.tags) > 8
    assert registry.versions("credit")[0].tags == done.version.tags
    written = {verb: times for verb, times in seen.items() if "model_version" in verb and not verb.startswith("SELECT")}
    assert written == {"INSERT model_versions": 1, "INSERT model_version_tags": 1}


def test_what_the_registry_shows_of_a_release(live: World) -> None:
    version = registry_of(live).versions("credit")[0]
    run = Store(live.repo).candidate(None).run
    assert version.tags["candidate"] == run.digest
    assert version.tags["author"] == "ml@acme.example"
    assert version.tags["commit"] == run.code.commit
    assert run.inputs[0].content_digest in version.tags["datasets"]
    assert read(live, "SELECT status FROM runs") == [("FINISHED",)]
    assert read(live, "SELECT value FROM params WHERE key = 'seed'") == [("20260901",)]
    assert ("gates/g-auc/value",) in read(live, "SELECT key FROM metrics")


def test_vendor_parameters_with_odd_names_are_shown(gated: World, tmp_path: Path) -> None:
    registry = registry_of(gated.copy(tmp_path / "repo"))
    files = tmp_path / "files"
    (files / "model").mkdir(parents=True)
    (files / "model/x").write_text("x")
    tags = {"candidate": "c", "release": "r"}
    version, created = registry.publish("odd", "e", files, tags, {"eta (1/2) @ start": "é" * 9000}, {}, begun=False)
    assert (version.number, created) == (1, True)


def test_says_who_has_to_act_next(world: World) -> None:
    answer = world.run("publish", as_json=False)
    assert "an internal person runs `vendorkit approve credit/1`" in answer.out


def test_unknown_and_ambiguous_candidates_are_bad_input(world: World) -> None:
    assert world.run("publish", "ffff").code == 2
    candidate = Store(world.repo).candidate(None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", "/nowhere")
        with pytest.raises(Unavailable, match=r"Git is not installed|uv is not installed"):
            publish(world.repo, candidate)


def test_names_every_missing_part_of_the_record_at_once(world: World) -> None:
    for path in ("models/credit/CARD.md", "models/credit/CHANGES.md", "data/README.md", "docs/RUNBOOK.md"):
        (world.repo / path).unlink()
    report = next((world.repo / ".vendorkit/reports").iterdir()) / "gate-report.json"
    report.unlink()
    (world.repo / "uv.lock").unlink()
    found = faults(world)
    assert set(found) == {"gates", "uv.lock", *(set(WORDS))}
    assert "words of the model card of credit" in found["models/credit/CARD.md"]
    assert "words of the datasheet of applications" in found["data/README.md"]


def test_a_stub_and_a_figure_that_is_not_so_are_refused(world: World) -> None:
    card, changes = world.repo / "models/credit/CARD.md", world.repo / "models/credit/CHANGES.md"
    card.write_text(card.read_text().replace("Young applicants are few.", "Say here who is few."))
    changes.write_text(changes.read_text().replace("The first version.", "It reaches a ROC AUC of 0.99."))
    found = faults(world)
    assert set(found) == {"models/credit/CARD.md:13", "models/credit/CHANGES.md:5"}
    assert "stub" in found["models/credit/CARD.md:13"]
    assert "roc_auc is 0.805" in found["models/credit/CHANGES.md:5"]


def judged_without_live(world: World) -> None:
    """Another candidate, whose report compares with nothing although credit/1 is live."""
    store = Store(world.repo)
    report = store.report(store.candidate(None).digest)
    assert report
    world.edit("models/credit/pipeline.py", *OTHER)
    world.ok("train")
    store.add_report(report.model_copy(update={"candidate": store.candidate(None).digest, "against": None}), {})


def test_a_report_made_against_another_live_version_is_refused(live: World) -> None:
    judged_without_live(live)
    before = state(live)
    found = faults(live)
    assert found == {"gate report": "compares with no version, but live now is credit/1."}
    assert state(live) == before
    assert live.run("gate").code == 0
    assert live.ok("publish")["version"] == 2


def test_the_release_record_is_whole(live: World) -> None:
    release = Release.parse((files_of(live) / "release.json").read_bytes(), "release.json")
    run = Store(live.repo).candidate(None).run
    assert release.commit == run.code.commit
    assert [(each.dataset, each.content_digest) for each in release.data] == [
        (each.dataset, each.content_digest) for each in run.inputs
    ]
    assert set(release.metrics) == {"g-auc"}
    assert release.environment == run.environment.id
    assert release.lock == run.environment.lock
    assert release.policy == packaged_policy().digest
    held = {file.path for file in release.files}
    assert {f"engagement/{path}" for path in WORDS} <= held


def test_a_release_whose_files_were_changed_is_not_published_again(live: World) -> None:
    flip(files_of(live) / "model/model.skops")
    assert set(faults(live)) == {"model/model.skops"}


def test_a_release_whose_entry_was_changed_is_not_published_again(live: World) -> None:
    write(live, "UPDATE model_version_tags SET value = ? WHERE key = 'vendorkit.release'", "sha256:" + "0" * 64)
    assert set(faults(live)) == {"release.json"}


def test_other_bytes_under_the_same_number_are_refused(live: World) -> None:
    before = state(live)
    live.edit("models/credit/CHANGES.md", "The first version.", "Because we can.")
    found = faults(live)
    assert set(found) == {"models/credit/CHANGES.md"}
    live.edit("models/credit/CHANGES.md", "Because we can.", "The first version.")
    assert live.ok("publish")["created"] is False
    assert live.run("gate").code == 0
    assert set(faults(live)) == {"gate report"}
    assert state(live) == before


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("touch touched-by-a-pickle",))


def test_a_pickle_among_the_files_of_the_model_is_named_with_what_it_imports(world: World) -> None:
    store = Store(world.repo)
    honest = store.candidate(None)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        shutil.copytree(honest.model_folder, model)
        (model / "weights.bin").write_bytes(pickle.dumps([Evil()]))
        run = honest.run.model_copy(update={"artifacts": list_files(model)})
        store.add_candidate(run, honest.features, honest.snapshots, model)
    found = faults(world)
    assert "is a pickle and imports posix.system; dangerous: posix.system." in found["model/weights.bin"]
    assert not (world.repo / "touched-by-a-pickle").exists()


def test_a_file_system_without_links_gets_copies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    published = world.ok("publish")
    (version,) = registry_of(world).versions("credit")
    found = verify_release(registry_of(world), version, world.repo.parent / "fetched")
    assert found.release.digest == published["release"]
