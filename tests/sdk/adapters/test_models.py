"""Storing models as data: what cannot be loaded again without pickling is refused when it is stored."""

from __future__ import annotations

import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from vendorkit.adapters.models import MODEL_FILE, load_model, save_model, stored_as
from vendorkit.errors import BadInput
from vendorkit.records.run import ModelFormat

VENDOR = """
import threading


class Plain:
    def __init__(self):
        self.weights = {"age": 0.5, "levels": ["a", "b", None]}

    def predict(self, frame):
        return [self.weights["age"]] * len(frame)


class WithLambda:
    def __init__(self):
        self.rule = lambda row: row


class WithLock:
    def __init__(self):
        self.lock = threading.Lock()


class WithStream:
    def __init__(self):
        self.rows = (row for row in range(3))


class WithSlots:
    __slots__ = ("weight",)


class Endless:
    def __init__(self):
        self.me = self


def local():
    class Inner:
        pass

    return Inner()
"""


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of a vendor."""
    home = tmp_path / "vendor"
    home.mkdir()
    (home / "credit_rules.py").write_text(VENDOR)
    monkeypatch.syspath_prepend(str(home))
    import credit_rules

    yield credit_rules
    del sys.modules["credit_rules"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    return made


def test_an_estimator_comes_back_the_same(folder: Path) -> None:
    rows, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    model = LogisticRegression().fit(rows, labels)
    stored = save_model(model, folder)
    assert stored == ModelFormat(name="skops", types=())
    np.testing.assert_array_equal(load_model(folder, stored).predict_proba(rows), model.predict_proba(rows))


def test_types_of_the_vendor_are_named_and_come_back(folder: Path, vendor: ModuleType) -> None:
    stored = save_model(vendor.Plain(), folder)
    assert stored.types == ("credit_rules.Plain",)
    assert load_model(folder, stored).weights == {"age": 0.5, "levels": ["a", "b", None]}


def test_only_types_that_the_record_names_are_loaded(folder: Path, vendor: ModuleType) -> None:
    stored = save_model(vendor.Plain(), folder)
    with pytest.raises(BadInput, match=r"credit_rules\.Plain"):
        load_model(folder, stored.model_copy(update={"types": ()}))
    with pytest.raises(BadInput, match=r"credit_rules\.Plain"):
        load_model(folder, stored.model_copy(update={"types": ("credit_rules.Other",)}))


@pytest.mark.parametrize("kind", ["WithLambda", "WithLock", "WithStream", "WithSlots", "Endless", "local"])
def test_what_is_no_data_is_refused_and_leaves_nothing(folder: Path, vendor: ModuleType, kind: str) -> None:
    with pytest.raises(BadInput, match="cannot be stored as data") as caught:
        save_model(getattr(vendor, kind)(), folder)
    assert "scikit-learn" in caught.value.faults[0].fix
    assert list(folder.iterdir()) == []


def test_a_class_of_the_script_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from pathlib import Path; from vendorkit.adapters.models import save_model\n"
        "class Mine: pass\n"
        "save_model(Mine(), Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert "__main__.Mine lives in the script that runs" in done.stderr
    assert not (tmp_path / MODEL_FILE).exists()


def test_a_large_model_is_stored(folder: Path) -> None:
    weights = np.random.default_rng(1).random(4_000_000)
    stored = save_model({"weights": weights}, folder)
    np.testing.assert_array_equal(load_model(folder, stored)["weights"], weights)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("the pickle was run",)


@pytest.mark.parametrize("content", [b"", b"not a zip", pickle.dumps(Bomb())], ids=["empty", "garbage", "pickle"])
def test_a_file_that_is_no_stored_model_is_refused(
    folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / MODEL_FILE).write_bytes(content)
    with pytest.raises(BadInput, match=MODEL_FILE):
        load_model(folder, ModelFormat(name="skops", types=()))
    assert capsys.readouterr().out == ""


def test_a_missing_file_and_a_broken_zip_are_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match=MODEL_FILE):
        load_model(folder, ModelFormat(name="skops", types=()))
    with zipfile.ZipFile(folder / MODEL_FILE, "w") as file:
        file.writestr("schema.json", "{")
    with pytest.raises(BadInput, match=MODEL_FILE):
        load_model(folder, ModelFormat(name="skops", types=()))


def test_another_format_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="'dill' is not known"):
        load_model(folder, ModelFormat(name="dill", types=()))


def test_what_is_no_data_is_pickled_where_that_is_allowed(folder: Path, vendor: ModuleType) -> None:
    assert save_model({"a": 1}, folder, ("cloudpickle",)).name == "skops"  # nobody carries code without need
    (folder / MODEL_FILE).unlink()
    stored = save_model(vendor.WithLambda(), folder, ("cloudpickle",))
    assert [path.name for path in folder.iterdir()] == ["model.pkl"]
    assert stored.name == "cloudpickle"
    assert {"credit_rules.WithLambda", "cloudpickle.cloudpickle._make_function"} <= set(stored.types)
    assert isinstance(load_model(folder, stored), vendor.WithLambda)
    with pytest.raises(BadInput, match="cannot be stored") as told:
        save_model(vendor.WithLock(), folder, ("cloudpickle",))
    assert "as data" not in told.value.faults[0].says


def test_a_pickle_imports_only_what_its_record_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    for name in ("pickle", "cloudpickle"):
        with pytest.raises(BadInput, match=r"it imports builtins\.print, which its record does not name"):
            load_model(folder, ModelFormat(name=name, types=("credit_rules.Plain",)))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", pickle.dumps(1)[:-1], b"\x80\x04\x8c\x02os\x94(\x93."],
    ids=["empty", "text", "cut short", "a name that is not read"],
)
def test_a_pickle_whose_imports_cannot_be_read_is_not_taken(folder: Path, content: bytes) -> None:
    (folder / "model.pkl").write_bytes(content)
    with pytest.raises(BadInput, match="This is no model stored as pickle"):
        stored_as("pickle", folder / "model.pkl")
