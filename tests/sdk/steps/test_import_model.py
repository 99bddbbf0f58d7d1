"""Models that were made without vendorkit: candidates that name what nobody told, until it is told."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io
from vendorkit.adapters.repository import head
from vendorkit.adapters.store import Store
from vendorkit.errors import BadInput, Refused
from vendorkit.records.canonical import digest_file
from vendorkit.records.description import GAPS
from vendorkit.records.snapshot import Snapshot
from vendorkit.steps.import_model import import_model

from tests.support.world import World

INSTALL_COMPONENTS = "`VENDORKIT_NO_SKIP=1 nox -s tests` installs it"
NUMBERS = ["duration_in_month", "credit_amount"]


@pytest.fixture(scope="module")
def handed_over(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a skops model of two columns, its code, and a description that tells little."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder = tmp_path_factory.mktemp("handed-over")
    table = pd.read_csv(frozen.repo / "data/applications.csv")
    bad = (table["creditability"] == "bad").astype(int)
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(table[NUMBERS], bad), folder / "m.skops")
    (folder / "code").mkdir()
    (folder / "code/theirs.py").write_text(
        "COLUMNS = ['duration_in_month', 'credit_amount']\n\n\n"
        "def prepare(frames):\n"
        "    applications = frames['applications']\n"
        "    prepared = applications[COLUMNS].copy()\n"
        "    prepared['creditability'] = (applications['creditability'] == 'bad').astype('int64')\n"
        "    return prepared\n\n\n"
        "def predict(model, frame):\n"
        "    return model.predict_proba(frame[COLUMNS])[:, 1]\n"
    )
    describe(folder, format="skops", file="m.skops", predict="theirs")
    return folder


def describe(folder: Path, **said: Any) -> Path:
    path = folder / "vendorkit-model.json"
    path.write_text(json.dumps({"schema": "vendorkit/model-description/1", **said}))
    return path


def told(world: World, folder: Path) -> dict[str, Any]:
    """All that a description can tell."""
    snapshot = Snapshot.parse((world.repo / "data/applications.lock.json").read_bytes(), "snapshot")
    known = head(world.repo)
    assert known is not None
    return {
        "format": "skops",
        "file": "m.skops",
        "file_digest": digest_file(folder / "m.skops"),
        "predict": "theirs",
        "features": [{"name": name, "type": "integer", "nullable": False} for name in NUMBERS],
        "inputs": [{"dataset": "applications", "content_digest": snapshot.content_digest}],
        "seed": 7,
        "commit": known.commit,
        "lock": digest_file(world.repo / "uv.lock"),
        "python": "CPython 3.11.7",
        "author": {"name": "Vendor ML engineer", "email": "ml@acme.example"},
        "trained_at": "2026-10-01T08:00:00Z",
    }


@pytest.fixture
def engagement(frozen: World, tmp_path: Path) -> World:
    world = frozen.copy(tmp_path / "repo")
    world.edit("engagement.yaml", "min: 0.7", "min: 0.5")
    return world


def test_what_nobody_told_is_listed_and_refused(engagement: World, handed_over: Path) -> None:
    done = engagement.ok("import", str(handed_over))
    assert done["missing"] == list(GAPS)
    assert (done["format"], done["types"]) == ("skops", [])
    for command in ("gate", "publish"):
        answer = engagement.run(command, done["candidate"])
        assert answer.code == 1
        assert [fault["where"] for fault in answer.result["faults"]] == list(GAPS)
        assert "vendorkit-model.json" in answer.result["faults"][0]["fix"]
    assert not (engagement.repo / ".vendorkit/reports").exists()


def test_once_all_is_told_it_is_judged_by_the_gates(engagement: World, handed_over: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(handed_over, tmp_path / "told"))
    describe(folder, **told(engagement, folder))
    done = engagement.ok("import", str(folder))
    assert done["missing"] == []
    assert engagement.ok("import", str(folder))["candidate"] == done["candidate"]
    answer = engagement.run("gate", done["candidate"])
    verdicts = {finding["id"]: finding["verdict"] for finding in answer.envelope["findings"]}
    assert verdicts["g-auc"] == "pass", answer.out
    run = Store(engagement.repo).candidate(done["candidate"]).run
    assert (run.stage, run.seed, run.author.email, run.gaps) == ("import", 7, "ml@acme.example", ())
    assert run.label is not None
    assert run.label.source == "repayment ledger"


def test_a_description_that_does_not_fit_is_refused(engagement: World, handed_over: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(handed_over, tmp_path / "told"))
    said = told(engagement, folder)
    describe(folder, **{**said, "file_digest": "sha256:" + "0" * 64})
    with pytest.raises(Refused, match="not what was described"):
        import_model(engagement.repo, str(folder))
    other = [{"dataset": "applications", "content_digest": "sha256:" + "0" * 64}, {**said["inputs"][0], "dataset": "x"}]
    describe(folder, **{**said, "inputs": other})
    with pytest.raises(BadInput) as caught:
        import_model(engagement.repo, str(folder))
    assert len(caught.value.faults) == 2
    describe(folder, **{**said, "predict": "absent"})
    with pytest.raises(BadInput, match="There is no such module"):
        import_model(engagement.repo, str(folder))
    describe(folder, **{**said, "file": "../m.skops"})
    with pytest.raises(BadInput, match="There is no such file"):
        import_model(engagement.repo, str(folder))
    describe(folder, **{**said, "colour": "blue", "seed": "seven"})
    with pytest.raises(BadInput) as caught:
        import_model(engagement.repo, str(folder))
    assert len(caught.value.faults) == 2
    assert not (engagement.repo / ".vendorkit/candidates").exists()


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("the pickle was run",)


@pytest.mark.parametrize("form", ["skops", "lightgbm", "xgboost", "onnx"])
def test_a_pickle_in_disguise_is_refused_and_not_loaded(
    engagement: World, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "disguised"
    folder.mkdir()
    (folder / "model").write_bytes(pickle.dumps(Bomb()))
    describe(folder, format=form, file="model")
    with pytest.raises(BadInput, match=f"no model stored as {form}"):
        import_model(engagement.repo, str(folder))
    assert capsys.readouterr().out == ""


def mlmodel(folder: Path, flavours: dict[str, Any], **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavours, **more}))
    return folder


def test_a_pickled_model_of_mlflow_is_refused_unseen(engagement: World, tmp_path: Path) -> None:
    flavours = {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"}}
    folder = mlmodel(tmp_path / "pickled", flavours)
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(Refused, match=r"model\.pkl, a format that carries code"):
        import_model(engagement.repo, str(folder))
    pyfunc = mlmodel(tmp_path / "pyfunc", {"python_function": {"python_model": "python_model.pkl"}})
    with pytest.raises(Refused, match=r"python_model\.pkl"):
        import_model(engagement.repo, str(pyfunc))
    unknown = mlmodel(tmp_path / "unknown", {"spark": {}})
    with pytest.raises(BadInput, match="flavour is not known"):
        import_model(engagement.repo, str(unknown))
    odd = mlmodel(tmp_path / "odd", {"lightgbm": {"data": "model.txt"}, "python_function": "text"})
    with pytest.raises(BadInput, match=r"flavors\.python_function: expected a mapping"):
        import_model(engagement.repo, str(odd))


def test_a_run_folder_gives_its_parameters_and_signature(engagement: World, handed_over: Path, tmp_path: Path) -> None:
    columns = [{"type": "long", "name": name, "required": True} for name in NUMBERS]
    folder = mlmodel(
        tmp_path / "run/artifacts/model",
        {"sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"}},
        signature={"inputs": json.dumps(columns)},
        utc_time_created="2026-11-22 20:03:07.537630",
    )
    shutil.copyfile(handed_over / "m.skops", folder / "model.skops")
    (tmp_path / "run/params").mkdir()
    (tmp_path / "run/params/C").write_text("0.5")
    candidate = import_model(engagement.repo, str(tmp_path / "run"))
    assert candidate.run.parameters == {"C": "0.5"}
    assert [(field.name, field.type) for field in candidate.features.features] == [
        (name, "integer") for name in NUMBERS
    ]
    assert candidate.run.started_at == "2026-11-22T20:03:07.537Z"
    assert candidate.run.gaps == ("inputs", "seed", "commit", "lock", "author")
    assert "duration_in_month" in (candidate.model_folder / "code/imported.py").read_text()
    mlmodel(tmp_path / "run/artifacts/other", {})
    with pytest.raises(BadInput, match="Which model"):
        import_model(engagement.repo, str(tmp_path / "run"))


def test_a_version_that_mlflow_registered_itself_is_taken(
    engagement: World, handed_over: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's own client logs and registers a model as a vendor would; it is fetched by its address."""
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.create_experiment("theirs", (tmp_path / "artifacts").as_uri())
    run = client.create_run(experiment)
    folder = mlmodel(tmp_path / "logged", {"sklearn": {"pickled_model": "m.skops", "serialization_format": "skops"}})
    shutil.copyfile(handed_over / "m.skops", folder / "m.skops")
    client.log_artifacts(run.info.run_id, str(folder), "model")
    client.create_registered_model("theirs")
    client.create_model_version("theirs", f"{run.info.artifact_uri}/model", run.info.run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    extra = describe(tmp_path, seed=11)
    by_version = import_model(engagement.repo, "models:/theirs/1", describe=extra)
    by_run = import_model(engagement.repo, f"runs:/{run.info.run_id}/model", describe=extra)
    assert by_version.digest == by_run.digest
    assert by_version.run.seed == 11
    with pytest.raises(BadInput, match="nothing to import"):
        import_model(engagement.repo, "models:/theirs/2")


@pytest.mark.parametrize("flavour", ["lightgbm", "xgboost", "onnx"])
def test_native_models_are_taken_and_predict(engagement: World, tmp_path: Path, flavour: str) -> None:
    pytest.importorskip(flavour, reason=f"{flavour} is not installed; {INSTALL_COMPONENTS}")
    from vendorkit.adapters.models import load_model
    from vendorkit.adapters.pipeline import load_pipeline

    table = pd.read_csv(engagement.repo / "data/applications.csv")
    bad = (table["creditability"] == "bad").astype(int)
    folder = tmp_path / flavour
    folder.mkdir()
    file = folder / "model.bin"
    if flavour == "lightgbm":
        import lightgbm

        model = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(table[NUMBERS], bad), 3)
        model.save_model(file)
        expected = model.predict(table[NUMBERS])
    elif flavour == "xgboost":
        import xgboost

        model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(table[NUMBERS], bad), 3)
        file.write_bytes(model.save_raw("ubj"))
        expected = model.predict(xgboost.DMatrix(table[NUMBERS]))
    else:
        from skl2onnx import to_onnx
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(table[NUMBERS].to_numpy("float32"), bad)
        file.write_bytes(to_onnx(model, table[NUMBERS].to_numpy("float32")[:1]).SerializeToString())
        expected = model.predict_proba(table[NUMBERS].to_numpy("float32"))[:, 1]
    features = [{"name": name, "type": "number", "nullable": False} for name in NUMBERS]
    describe(folder, format=flavour, file="model.bin", features=features)
    candidate = import_model(engagement.repo, str(folder))
    loaded = load_model(candidate.model_folder, candidate.run.model_format)
    pipeline = load_pipeline(candidate.model_folder / "code", candidate.run.code.module, needs=("predict",))
    assert abs(pd.Series(pipeline.predict(loaded, table[NUMBERS])) - pd.Series(expected)).max() < 1e-5
