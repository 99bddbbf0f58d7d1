"""Gates of other tasks than yes and no, through the command line on real rows: scikit-learn's numbers in the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference
from vendorkit.adapters.pipeline import load_pipeline
from vendorkit.adapters.store import Store
from vendorkit.records.gate_report import GateReport

from tests.support.engagement import manifest_bytes, minimal_manifest
from tests.support.world import World

AMOUNT = '''\
"""What a person borrows."""

from sklearn.linear_model import LinearRegression


def prepare(frames):
    return frames["applications"][["duration_in_month", "age_in_years", "credit_amount"]].astype(float)


def train(frame, seed):
    return LinearRegression().fit(frame[["duration_in_month", "age_in_years"]], frame["credit_amount"])


def predict(model, frame):
    return model.predict(frame[["duration_in_month", "age_in_years"]])
'''

DEMAND = '''\
"""Demand of the next day, from the same day of the week before."""

from sklearn.linear_model import LinearRegression


def prepare(frames):
    rows = frames["applications"].sort_values(["shop", "day"])
    rows["week_ago"] = rows.groupby("shop")["demand"].shift(7)
    rows["before"] = rows.groupby("shop")["demand"].shift(1)
    return rows.dropna()[["week_ago", "before", "demand"]]


def train(frame, seed):
    return LinearRegression().fit(frame[["week_ago", "before"]], frame["demand"])


def predict(model, frame):
    return model.predict(frame)
'''


JOB = '''\
"""What a person works as."""

import pandas as pd
from sklearn.linear_model import LogisticRegression

NUMBERS = ["age_in_years", "credit_amount", "duration_in_month"]


def prepare(frames):
    return frames["applications"][[*NUMBERS, "job"]].copy()


def train(frame, seed):
    return LogisticRegression(max_iter=200, random_state=seed).fit(frame[NUMBERS] / 100, frame["job"])


def predict(model, frame):
    return pd.DataFrame(model.predict_proba(frame[NUMBERS] / 100), columns=model.classes_)
'''


def judged(world: World, task: str, label: str, pipeline: str, gates: dict[str, Any]) -> GateReport:
    """The report of an engagement for another task."""
    value = minimal_manifest()
    value["surfaces"][0]["task"] = task
    value["datasets"][0]["label"]["column"] = label
    value["gates"] = [{"id": name, "benchmark": "holdout", "says": "Fits", **gate} for name, gate in gates.items()]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    (world.repo / "models/credit/pipeline.py").write_text(pipeline)
    world.ok("snapshot")
    world.commit()
    world.ok("train")
    assert world.run("gate").code in (0, 1)
    report = Store(world.repo).report(Store(world.repo).candidate(None).digest)
    assert report is not None
    return report


def shops(days: int, first: int) -> pd.DataFrame:
    """Daily demand of three shops with a weekly rhythm."""
    rng = np.random.default_rng(first)
    day = np.arange(first, first + days)
    rhythm = 20 + 8 * np.sin(2 * np.pi * day / 7)
    tables = [
        pd.DataFrame({"shop": shop, "day": day, "demand": rng.poisson(rhythm * size).astype(float)})
        for shop, size in (("north", 1.0), ("south", 3.0), ("harbour", 0.5))
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def own(frozen: World, tmp_path: Path) -> World:
    return frozen.copy(tmp_path / "repo")


def scored(world: World, rows: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """The prepared rows and the candidate's predictions, without the gates' code."""
    pipeline = load_pipeline(world.repo / "models/credit", "pipeline")
    prepared = pipeline.prepare({"applications": rows})
    trained = pipeline.train(pipeline.prepare({"applications": pd.read_csv(world.repo / "data/applications.csv")}), 0)
    features = prepared[prepared.columns[:-1]]
    return prepared, pipeline.predict(trained, features)


def test_regression(own: World) -> None:
    gates = {
        "mae": {"kind": "performance", "metric": "mae", "max": 5_000},
        "rmse": {"kind": "performance", "metric": "rmse", "max": 1},
        "r2": {"kind": "performance", "metric": "r2", "min": 0.2},
        "low": {"kind": "performance", "metric": "pinball", "quantile": 0.1, "max": 5_000},
        "young": {"kind": "segment", "metric": "mae", "slice": "age_in_years < 30", "max": 5_000},
        "auc": {"kind": "performance", "metric": "roc_auc", "min": 0.5},
    }
    report = judged(own, "regression", "credit_amount", AMOUNT, gates)
    prepared, said = scored(own, pd.read_csv(own.repo / "benchmarks/holdout.csv"))
    seen, young = prepared["credit_amount"], (prepared["age_in_years"] < 30).to_numpy()
    wanted: dict[str, Callable[[], float]] = {
        "mae": lambda: reference.mean_absolute_error(seen, said),
        "rmse": lambda: reference.root_mean_squared_error(seen, said),
        "r2": lambda: reference.r2_score(seen, said),
        "low": lambda: reference.mean_pinball_loss(seen, said, alpha=0.1),
        "young": lambda: reference.mean_absolute_error(seen[young], said[young]),
    }
    found = {result.id: result for result in report.results}
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value(), rel=1e-9), name
        assert found[name].interval is not None, name
    assert [found[name].verdict for name in gates] == ["pass", "fail", "pass", "pass", "pass", "error"]
    assert "metric roc_auc is not for a regression model" in found["auc"].says
    assert report.benchmarks[0].scores is None


def test_forecasting(own: World) -> None:
    shops(120, 0).to_csv(own.repo / "data/applications.csv", index=False)
    shops(42, 120).to_csv(own.repo / "benchmarks/holdout.csv", index=False)
    gates = {
        "mase": {"kind": "performance", "metric": "mase", "season": 7, "series": "shop", "max": 1},
        "wape": {"kind": "performance", "metric": "wape", "max": 0.3},
        "shops": {"kind": "segment", "metric": "wape", "slice": "shop", "max": 0.1},
        "later": {"kind": "data", "metric": "rows", "min": 100},
    }
    report = judged(own, "forecasting", "demand", DEMAND, gates)
    rows = pd.read_csv(own.repo / "benchmarks/holdout.csv")
    prepared, said = scored(own, rows)
    shop = rows.sort_values(["shop", "day"]).groupby("shop")["shop"].apply(lambda each: each.iloc[7:])
    seen = prepared["demand"].to_numpy()
    naive = np.concatenate([np.abs(seen[shop == name][7:] - seen[shop == name][:-7]) for name in shop.unique()])
    found = {result.id: result for result in report.results}
    assert found["mase"].value == pytest.approx(np.abs(seen - said).mean() / naive.mean(), rel=1e-9)
    assert found["wape"].value == pytest.approx(np.abs(seen - said).sum() / seen.sum(), rel=1e-9)
    assert {cell.name for cell in found["shops"].cells} == {f"shop = {name}" for name in shop.unique()}
    assert "shop = harbour" in found["shops"].says
    assert [found[name].verdict for name in gates] == ["pass", "pass", "fail", "pass"]


def test_multiclass(own: World) -> None:
    rates = [(rate, average) for rate in ("precision", "recall", "f1") for average in ("macro", "micro", "weighted")]
    gates = {
        f"{rate}_{average}": {"kind": "performance", "metric": f"{rate}_{average}", "min": 0.01}
        for rate, average in rates
    }
    gates |= {
        "accuracy": {"kind": "performance", "metric": "accuracy", "min": 0.99},
        "log_loss": {"kind": "performance", "metric": "log_loss", "max": 5},
        "roc_auc_ovr": {"kind": "performance", "metric": "roc_auc_ovr", "min": 0.2},
        "each": {"kind": "segment", "metric": "accuracy", "slice": "housing", "min": 0.2},
        "same": {"kind": "determinism", "metric": "score_difference", "max": 0},
        "auc": {"kind": "performance", "metric": "roc_auc", "min": 0.5},
        "rule": {"kind": "business", "metric": "breaks_rising", "slice": "credit_amount", "max": 1},
    }
    report = judged(own, "multiclass", "job", JOB, gates)
    prepared, said = scored(own, pd.read_csv(own.repo / "benchmarks/holdout.csv"))
    seen, most = prepared["job"].to_numpy(), said.columns.to_numpy()[said.to_numpy().argmax(axis=1)]
    classes = list(said.columns)
    wanted = {
        f"{rate}_{average}": getattr(reference, f"{rate}_score")(seen, most, average=average, zero_division=0)
        for rate, average in rates
    }
    wanted |= {
        "accuracy": reference.accuracy_score(seen, most),
        "log_loss": reference.log_loss(seen, said.to_numpy(), labels=classes),
        "roc_auc_ovr": reference.roc_auc_score(seen, said.to_numpy(), multi_class="ovr", labels=classes),
    }
    found = {result.id: result for result in report.results}
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, rel=1e-9), found[name].says
    verdicts = [found[name].verdict for name in ("accuracy", "each", "same", "auc", "rule")]
    assert verdicts == ["fail", "pass", "pass", "error", "error"]
    (use,) = report.benchmarks
    assert use.confusion is not None
    assert list(use.confusion.classes) == classes
    assert [list(row) for row in use.confusion.rows] == reference.confusion_matrix(seen, most, labels=classes).tolist()
    page = (Store(own.repo).report_folder(report.candidate) / "gate-report.html").read_text("utf-8")
    assert "Confusion: rows by what was and what was said" in page
