"""The `track` hooks in a script of the vendor's own: what they record, and what they refuse."""

from __future__ import annotations

import functools
import importlib
import os
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vendorkit
from vendorkit.adapters.store import Candidate, Store
from vendorkit.errors import BadInput
from vendorkit.tracking.recorder import Recorder

from tests.support.engagement import minimal_manifest
from tests.support.world import World, make_world

FEATURES = ["duration_in_month", "credit_amount"]


@pytest.fixture
def own(frozen: World, tmp_path: Path) -> Iterator[World]:
    """An own engagement in which nothing was trained, with a person at work in it."""
    world = frozen.copy(tmp_path / "repo")
    with world.as_person("vendor-ml"):
        yield world


@pytest.fixture
def vendor(own: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The vendor's own module, imported as their script imports it."""
    monkeypatch.syspath_prepend(str(own.repo / "models/credit"))
    sys.modules.pop("pipeline", None)
    yield importlib.import_module("pipeline")
    sys.modules.pop("pipeline", None)


def fitted(rows: pd.DataFrame) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(rows[FEATURES], (rows["creditability"] == "bad").astype(int))


def complete(run: Recorder, predict: Any) -> Candidate:
    """The shortest run that gives a candidate."""
    loans = run.input("applications")
    run.features(FEATURES)
    return run.candidate(fitted(loans), predict=predict)


def candidates(world: World) -> list[Path]:
    return list((world.repo / ".vendorkit/candidates").glob("*"))


def test_the_hooks_record_what_was_done(own: World, vendor: Any) -> None:
    with vendorkit.track("train", repo=own.repo) as run:
        loans = run.input("applications", label="ledger of the branch")
        kept = run.filter("small", loans, loans[loans.credit_amount > 1000], reason="too small to decide on")
        run.features(FEATURES)
        run.parameters(C=1.0, rounds=np.int64(20), penalty="l2", shuffle=np.bool_(True), rate=np.float32(0.5))
        candidate = run.candidate(fitted(kept), predict=vendor.predict)
    record = Store(own.repo).candidate(candidate.digest).run
    assert record.stage == "train"
    assert [source.dataset for source in record.inputs] == ["applications"]
    assert [(step.name, step.reason, step.rows_before, step.rows_after) for step in record.filters] == [
        ("small", "too small to decide on", 750, len(kept))
    ]
    assert record.parameters == {"C": 1.0, "rounds": 20, "penalty": "l2", "shuffle": True, "rate": 0.5}
    assert record.label is not None
    assert (record.label.column, record.label.source) == ("creditability", "ledger of the branch")
    assert (record.seed, record.prepared, record.code.module) == (20260901, None, "pipeline")
    features = candidate.features.features
    assert [feature.name for feature in features] == FEATURES
    assert features[1].minimum == kept.credit_amount.min() > 1000, "ranges are those of the rows that were kept"


def test_a_script_of_its_own_gives_a_candidate_that_gates_judge(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    script = own.repo / "models/credit/by_hand.py"
    script.write_text(
        textwrap.dedent("""\
        import vendorkit
        from pipeline import predict, prepare, train

        with vendorkit.track("train") as run:
            loans = run.input("applications")
            frame = prepare({"applications": loans})
            run.features([name for name in frame if name != "creditability"], frame=frame)
            candidate = run.candidate(train(frame, run.seed), predict=predict)
        report = vendorkit.gate(candidate)
        """)
    )
    own.commit()
    monkeypatch.chdir(own.repo)
    monkeypatch.syspath_prepend(str(script.parent))
    sys.modules.pop("pipeline", None)
    report = runpy.run_path(str(script), run_name="__main__")["report"]
    sys.modules.pop("pipeline", None)
    assert report.passed is False
    assert [(result.id, result.verdict) for result in report.results] == [("g-auc", "pass"), ("g-same", "error")]


def test_an_error_inside_leaves_nothing(own: World, vendor: Any) -> None:
    with pytest.raises(ZeroDivisionError), vendorkit.track("train", repo=own.repo) as run:
        run.input("applications")
        run.features(FEATURES)
        _ = 1 / 0
    assert candidates(own) == []
    with vendorkit.track("train", repo=own.repo) as run:
        complete(run, vendor.predict)
    assert len(candidates(own)) == 1


def test_all_that_is_missing_is_named(own: World, vendor: Any) -> None:
    with pytest.raises(BadInput) as caught, vendorkit.track("train", repo=own.repo) as run:
        run.candidate(5, predict=vendor.predict)
    assert [str(fault) for fault in caught.value.faults] == [
        "run.input(): was not called.",
        "run.features(): was not called.",
    ]
    assert candidates(own) == []


def test_features_that_are_not_there_are_all_named(own: World) -> None:
    with pytest.raises(BadInput) as caught, vendorkit.track("train", repo=own.repo) as run:
        run.input("applications")
        run.features(["income", "credit_amount", "credit_amount", "job_title"])
    faults = [fault.where for fault in caught.value.faults]
    assert faults == ["features: income", "features: credit_amount", "features: job_title"]


def test_features_before_any_table_are_refused(own: World) -> None:
    with pytest.raises(BadInput, match=r"Call input\(\) first"), vendorkit.track("train", repo=own.repo) as run:
        run.features(FEATURES)


def test_the_label_is_no_feature(own: World) -> None:
    with pytest.raises(BadInput, match="label is no feature") as caught, vendorkit.track("train", repo=own.repo) as run:
        frame = run.input("applications")
        assert run.label is not None
        run.features([*FEATURES, run.label.column], frame=frame)
    (fault,) = caught.value.faults
    assert fault.says.startswith("creditability: is the label")


def test_a_dataset_that_the_model_may_not_use_is_refused(tmp_path: Path) -> None:
    value = minimal_manifest()
    other = {**value["datasets"][0], "id": "bureau", "pointer": "data/bureau.lock.json"}
    surfaces = [{**value["surfaces"][0], "datasets": ["bureau"]}]
    world = make_world(tmp_path, datasets=[*value["datasets"], other], surfaces=surfaces)
    with world.as_person("vendor-ml"):
        with pytest.raises(BadInput, match="List it under"), vendorkit.track("train", repo=world.repo) as run:
            run.input("applications")
        with pytest.raises(BadInput, match="no 'ledger'"), vendorkit.track("train", repo=world.repo) as run:
            run.input("ledger")


@pytest.mark.parametrize("value", [None, [1, 2], {"a": 1}, float("nan"), np.inf, 2**60, 1j, np.array([1.0])])
def test_parameters_that_cannot_be_recorded_are_named(own: World, value: Any) -> None:
    with pytest.raises(BadInput) as caught, vendorkit.track("train", repo=own.repo) as run:
        run.parameters(fine=1, odd=value, worse=object())
    assert [fault.where for fault in caught.value.faults] == ["parameters: odd", "parameters: worse"]


class Model:
    def predict(self, frame: pd.DataFrame) -> list[float]:
        return [0.5] * len(frame)


def predict(model: Any, frame: pd.DataFrame) -> list[float]:
    return [0.5] * len(frame)


NOT_AGAIN: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a lambda": (lambda module: lambda model, frame: 1, "is called NOT_AGAIN"),
    "a bound method": (lambda module: Model().predict, "is a method"),
    "a part of a function": (lambda module: functools.partial(module.predict, None), "is a partial"),
    "an object": (lambda module: object(), "is a object"),
    "a builtin": (lambda module: len, "is a builtin_function_or_method"),
    "another function": (lambda module: module.train, "is called train"),
    "a function elsewhere": (lambda module: predict, "not in models/credit/"),
}


@pytest.mark.parametrize(("made", "says"), NOT_AGAIN.values(), ids=NOT_AGAIN.keys())
def test_a_predict_that_cannot_be_called_again_is_refused(
    own: World, vendor: Any, made: Callable[[Any], Any], says: str
) -> None:
    again = pytest.raises(BadInput, match="cannot be called again")
    with again as caught, vendorkit.track("train", repo=own.repo) as run:
        complete(run, made(vendor))
    assert says.replace("NOT_AGAIN", "<lambda>") in caught.value.faults[0].says
    assert candidates(own) == []


SCRIPT = """\
import vendorkit

def predict(model, frame):
    return [0.5] * len(frame)

with vendorkit.track("train") as run:
    run.input("applications")
    run.features(["credit_amount"])
    run.candidate(5, predict=predict)
"""


def test_a_predict_of_the_script_itself_is_refused(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    script = own.repo / "models/credit/by_hand.py"
    script.write_text(SCRIPT)
    monkeypatch.chdir(own.repo)
    with pytest.raises(BadInput, match=r"script that runs \(by_hand\.py\), which nobody imports again"):
        runpy.run_path(str(script), run_name="__main__")
    assert candidates(own) == []


def test_a_module_that_trains_when_it_is_imported_is_refused(own: World) -> None:
    (own.repo / "models/credit/pipeline.py").write_text(SCRIPT)
    answer = own.run("train")
    assert answer.code == 2
    assert answer.result["faults"][0]["where"] == "models/credit/pipeline.py:6"
    assert "must not train when it is imported" in answer.result["faults"][0]["says"]
    assert candidates(own) == []


def test_a_predict_imported_as_a_package_works_where_its_file_does(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(own.repo))
    module = importlib.import_module("models.credit.pipeline")
    with vendorkit.track("train", repo=own.repo) as run:
        assert complete(run, module.predict).run.code.module == "pipeline"
    (own.repo / "models/credit/parts.py").write_text("SHARE = 0.5\n")
    file = own.repo / "models/credit/pipeline.py"
    file.write_text("from .parts import SHARE\n" + file.read_text())
    importlib.invalidate_caches()
    module = importlib.import_module("models.credit.pipeline")
    with pytest.raises(BadInput, match="cannot be imported"), vendorkit.track("train", repo=own.repo) as run:
        complete(run, module.predict)
    for name in [name for name in sys.modules if name.split(".")[0] == "models"]:
        del sys.modules[name]


def test_a_run_within_a_run_is_refused(own: World) -> None:
    refused = pytest.raises(BadInput, match="recorded already")
    with vendorkit.track("train", repo=own.repo), refused, vendorkit.track("train", repo=own.repo):
        pass
    with vendorkit.track("train", repo=own.repo):
        pass


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited": (lambda folder: (folder / "pipeline.py").write_text("x = 1\n"), "pipeline.py: is sha256:"),
    "new": (lambda folder: (folder / "more.py").write_text("x = 1\n"), "more.py: is new"),
    "gone": (lambda folder: (folder / "pipeline.py").unlink(), "pipeline.py: is missing"),
}


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES.keys())
def test_code_that_changes_while_it_trains_is_refused(
    own: World, vendor: Any, change: Callable[[Path], object], says: str
) -> None:
    refused = pytest.raises(BadInput, match="changed while it was trained")
    with refused as caught, vendorkit.track("train", repo=own.repo) as run:
        change(own.repo / "models/credit")
        complete(run, vendor.predict)
    assert f"models/credit/{says}" in str(caught.value)
    assert candidates(own) == []


def test_the_commit_is_that_of_the_beginning(own: World, vendor: Any) -> None:
    with vendorkit.track("train", repo=own.repo) as run:
        (own.repo / "notes.txt").write_text("meanwhile\n")
        own.commit("Meanwhile", who="vendor-data")
        record = complete(run, vendor.predict).run
    log = subprocess.run(["git", "log", "--format=%H"], cwd=own.repo, capture_output=True, text=True, check=True)
    assert record.code.commit == log.stdout.split()[1]
    assert record.code.committers == ("ml@acme.example",)


def test_an_engagement_is_found_from_below(own: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(own.repo / "models")
    with vendorkit.track() as run:
        assert run.repo == own.repo.resolve()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="not an engagement"), vendorkit.track():
        pass


def test_a_filter_outside_of_a_run_only_filters() -> None:
    rows = pd.DataFrame({"a": [1, 2]})
    after = rows.head(1)
    assert vendorkit.filter("some", rows, after, reason="") is after


def test_filter_and_measuring_load_neither_registry_nor_renderer() -> None:
    code = (
        "import sys, vendorkit, pandas as pd, vendorkit.tracking.measuring\n"
        "vendorkit.filter('a', pd.DataFrame(), pd.DataFrame(), reason='b')\n"
        "print(sorted({'mlflow', 'copier', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"
