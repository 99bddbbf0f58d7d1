"""Native formats: a model comes back the same, from data alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters import models
from vendorkit.adapters.models import FORMATS, load_model, save_model, skops_form, usable
from vendorkit.errors import BadInput
from vendorkit.records.run import ModelFormat

INSTALL = "`VENDORKIT_NO_SKIP=1 nox -s tests` installs it"
ROWS = pd.DataFrame({"age": np.arange(80.0) % 17, "income": np.arange(80.0) ** 1.5})
YES = (ROWS["age"] > 8).to_numpy().astype(int)
WORDS = np.array(["low", "mid", "top"])[np.arange(80) % 17 // 6]


def need(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed; {INSTALL}")


@pytest.mark.parametrize("label", [YES, WORDS], ids=["binary", "three words"])
def test_a_lightgbm_classifier_comes_back_the_same(tmp_path: Path, label: Any) -> None:
    model = need("lightgbm").LGBMClassifier(n_estimators=4, min_child_samples=2, verbose=-1).fit(ROWS, label)
    stored = save_model(model, tmp_path)
    assert stored == ModelFormat(name="lightgbm", types=())
    assert (tmp_path / "model.lightgbm.txt").read_text().startswith("tree\n")
    back = load_model(tmp_path, stored)
    np.testing.assert_allclose(back.predict_proba(ROWS), model.predict_proba(ROWS), rtol=1e-12)
    np.testing.assert_array_equal(back.predict(ROWS), model.predict(ROWS))
    np.testing.assert_array_equal(back.classes_, model.classes_)


def test_a_lightgbm_booster_and_a_regressor_come_back_the_same(tmp_path: Path) -> None:
    model = need("lightgbm").LGBMRegressor(n_estimators=4, min_child_samples=2, verbose=-1).fit(ROWS, YES)
    for number, given in enumerate((model, model.booster_)):
        folder = tmp_path / str(number)
        folder.mkdir()
        back = load_model(folder, save_model(given, folder))
        np.testing.assert_allclose(back.predict(ROWS), model.predict(ROWS), rtol=1e-12)
    assert not (tmp_path / "1/classes.json").exists()


def test_xgboost_models_come_back_the_same(tmp_path: Path) -> None:
    xgboost = need("xgboost")
    model = xgboost.XGBClassifier(n_estimators=4).fit(ROWS, YES)
    stored = save_model(model, tmp_path)
    assert stored == ModelFormat(name="xgboost", types=())
    assert "learner" in json.loads((tmp_path / "model.xgboost.json").read_text())
    back = load_model(tmp_path, stored)
    np.testing.assert_array_equal(back.predict_proba(ROWS), model.predict_proba(ROWS))
    (tmp_path / "kind.json").write_text('"DMatrix"')
    with pytest.raises(BadInput, match="no model of XGBoost"):
        load_model(tmp_path, stored)
    folder = tmp_path / "booster"
    folder.mkdir()
    booster = load_model(folder, save_model(model.get_booster(), folder))
    np.testing.assert_array_equal(booster.predict(xgboost.DMatrix(ROWS)), model.predict_proba(ROWS)[:, 1])


def test_an_onnx_graph_comes_back_as_a_session(tmp_path: Path) -> None:
    for name in ("onnx", "onnxruntime"):
        need(name)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS.to_numpy(), YES)
    kinds = need("skl2onnx.common.data_types")
    options = {LogisticRegression: {"zipmap": False}}
    graph = need("skl2onnx").to_onnx(model, initial_types=[("x", kinds.FloatTensorType([None, 2]))], options=options)
    stored = save_model(graph, tmp_path)
    assert stored == ModelFormat(name="onnx", types=())
    feed = {"x": ROWS.to_numpy("float32")}
    scores = load_model(tmp_path, stored).run(None, feed)[1]
    np.testing.assert_array_equal(scores, usable(graph).run(None, feed)[1])
    np.testing.assert_allclose(scores, model.predict_proba(ROWS.to_numpy()), atol=1e-5)


def test_an_onnx_graph_that_reads_other_files_is_refused(tmp_path: Path) -> None:
    onnx, helper = need("onnx"), need("onnx.helper")
    weights = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="/etc/hostname")
    info = helper.make_tensor_value_info("y", 1, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [info], initializer=[weights])
    with pytest.raises(BadInput, match="cannot be stored as data"):
        save_model(helper.make_model(graph), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "onnx"])
def test_garbage_is_refused(tmp_path: Path, name: str) -> None:
    for library in FORMATS[name].LIBRARIES:
        need(library)
    (tmp_path / FORMATS[name].FILE).write_bytes(b"\x80\x04garbage")
    with pytest.raises(BadInput, match="cannot be loaded"):
        load_model(tmp_path, ModelFormat(name=name, types=()))


def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FORMATS["lightgbm"], "LIBRARIES", ("no_such_library",))
    with pytest.raises(BadInput, match="lightgbm needs no_such_library, which is not installed"):
        load_model(tmp_path, ModelFormat(name="lightgbm", types=()))


def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / skops_form.FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"0" * 10_000_000)
    with pytest.raises(BadInput, match="would unpack to 10,000,000 bytes"):
        load_model(tmp_path, ModelFormat(name="skops", types=()))


@pytest.mark.parametrize("form", FORMATS.values(), ids=list(FORMATS))
def test_each_format_has_a_predict_of_its_own(form: models.Format) -> None:
    compile(form.PREDICT, form.NAME, "exec")
    assert "def predict(model, frame):" in form.PREDICT
