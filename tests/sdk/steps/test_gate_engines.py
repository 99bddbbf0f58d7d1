"""The same gates asked of rows in memory, of counts in DuckDB and of counts in Spark: the same report, to 1e-9."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from vendorkit.adapters.store import Store
from vendorkit.records.gate_report import Cell, GateReport
from vendorkit.tracking import plan

from tests.sdk.steps.test_gate_tasks import JOB
from tests.support.engagement import manifest_bytes, minimal_manifest
from tests.support.world import OTHER, World

INSTALL = "run VENDORKIT_NO_SKIP=1 nox -s tests"
ON: dict[str, Any] = {"benchmark": "holdout", "says": "Fits"}
AT = {"threshold": 0.3, "kind": "performance"}
GATES: dict[str, dict[str, Any]] = {
    "auc": {"kind": "performance", "metric": "roc_auc", "min": 0.5, "max_drop_vs_current": 0.2},
    "precise": {"kind": "performance", "metric": "average_precision", "min": 0.1},
    "log-loss": {"kind": "performance", "metric": "log_loss", "max": 1, "max_drop_vs_current": 0.2},
    "brier": {"kind": "performance", "metric": "brier", "max": 1},
    "calibrated": {"kind": "performance", "metric": "calibration_error", "max": 1, "bins": 7},
    **{name: {**AT, "metric": name, "min": 0.01} for name in ("accuracy", "precision", "recall", "f1", "lift")},
    "each": {"kind": "segment", "metric": "log_loss", "slice": "housing, job", "max": 3, "min_rows": 10},
    "young": {"kind": "segment", "metric": "recall", "threshold": 0.3, "slice": "age_in_years < 30", "min": 0.1},
    "auc-of": {"kind": "segment", "metric": "roc_auc", "slice": "housing", "min": 0.1},
    "where": {"kind": "segment", "metric": "brier", "slice": "housing = own and age_in_years > 40", "max": 0.01},
    "weighed": {
        "kind": "segment",
        "metric": "f1",
        "slice": "housing",
        "threshold": 0.3,
        "min": 0.1,
        "weight": "age_in_years",
    },
    "fair": {"kind": "fairness", "metric": "approval_rate_ratio", "slice": "housing", "min": 0.99, "min_rows": 10},
    "odds": {"kind": "fairness", "metric": "equalized_odds_difference", "slice": "job", "max": 0.9, "min_rows": 5},
    "even": {"kind": "fairness", "metric": "calibration_within_groups", "slice": "housing", "max": 0.9},
    "no-column": {"kind": "segment", "metric": "brier", "slice": "colour", "max": 1},
    "no-rows": {"kind": "segment", "metric": "brier", "slice": "age_in_years > 200", "max": 1},
    "words": {"kind": "segment", "metric": "brier", "slice": "housing < 3", "max": 1},
}


ON_SPARK = [name for name in GATES if name in ("auc", "log-loss", "recall", "each", "young", "fair", "words")]
"""Fewer there: each question costs Spark seconds."""

RICH = """if (frame["credit_amount"] == 1_000_001).any():
        raise ValueError("rich")
    return model.predict"""


def asked(world: World) -> GateReport:
    world.run("gate")
    report = Store(world.repo).report(Store(world.repo).candidate(None).digest)
    assert report is not None
    return report


@pytest.fixture(scope="module")
def engaged(promoted: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement with a live version, another candidate, and a gate of every kind that judges scores."""
    world = promoted.copy(tmp_path_factory.mktemp("engines") / "repo")
    value = minimal_manifest()
    value["gates"] = [{"id": name, **ON, **gate} for name, gate in GATES.items()]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    world.edit("models/credit/pipeline.py", *OTHER)
    world.ok("train")
    return world


@pytest.fixture(scope="module")
def in_memory(engaged: World) -> GateReport:
    return asked(engaged)


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def alike(found: GateReport, wanted: GateReport, *, notes: Collection[str] = ()) -> None:
    """Verdicts, numbers, intervals, segments and sentences of two reports; of some gates not the notes."""
    assert [use.counted_by for use in found.benchmarks] != [use.counted_by for use in wanted.benchmarks]
    assert [use.scores for use in found.benchmarks] == [use.scores for use in wanted.benchmarks]
    assert [use.current for use in found.benchmarks] == [use.current for use in wanted.benchmarks]
    for one, two in zip(found.results, wanted.results, strict=True):
        for key in ("id", "verdict", "value", "previous", "n", "interval"):
            both = getattr(one, key), getattr(two, key)
            assert both[0] == (near(list(both[1])) if key == "interval" and both[1] else near(both[1])) or (
                key == "interval" and list(both[0]) == pytest.approx(list(both[1]), rel=1e-9, abs=1e-9)
            ), (one.id, key, both)
        assert sorted(map(cell_of, one.cells)) == [
            tuple(near(each) for each in cell) for cell in sorted(map(cell_of, two.cells))
        ], one.id
        if one.verdict != "error":
            assert one.says == two.says
            assert one.notes == two.notes or one.id in notes


def cell_of(cell: Cell) -> tuple[Any, ...]:
    interval = cell.interval or (-1.0, -1.0)
    return (
        cell.name,
        cell.verdict,
        cell.n,
        -1.0 if cell.value is None else cell.value,
        *interval,
        cell.previous or -1.0,
    )


def test_duckdb_says_what_rows_in_memory_say(
    engaged: World, in_memory: GateReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {result.verdict for result in in_memory.results} == {"pass", "fail", "error"}
    assert [result.id for result in in_memory.results if result.verdict == "error"] == ["no-column", "no-rows", "words"]
    monkeypatch.setenv("VENDORKIT_ENGINE", "duckdb://")
    alike(asked(engaged), in_memory)


def test_what_does_not_fit_into_memory_is_near_and_says_how_near(
    engaged: World, in_memory: GateReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_ROWS", 100)
    found = asked(engaged)
    assert [use.counted_by for use in found.benchmarks] == ["DuckDB"]
    for one, two in zip(found.results, in_memory.results, strict=True):
        if one.id == "weighed":
            assert "is measured on rows in memory" in one.says
            continue
        assert one.verdict == two.verdict, one.says
        if one.verdict == "error":
            continue
        assert isinstance(one.value, float)
        bound = 0.01 if one.metric in ("roc_auc", "average_precision") else 1e-9
        assert one.value == pytest.approx(two.value, abs=bound), one.id
        assert any("Computed from a histogram" in note for note in one.notes) == (bound == 0.01), one.id


def test_spark_says_what_rows_in_memory_say(
    engaged: World, in_memory: GateReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark", reason=f"pyspark is not installed: {INSTALL}")
    if shutil.which("java") is None:
        pytest.skip(f"there is no java: install OpenJDK 17, then {INSTALL}")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    value = minimal_manifest()
    value["gates"] = [{"id": name, **ON, **GATES[name]} for name in ON_SPARK]
    (engaged.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    monkeypatch.setenv("VENDORKIT_ENGINE", "pyspark://local[2]?spark.sql.shuffle.partitions=1")
    found = asked(engaged)
    assert [use.counted_by for use in found.benchmarks] == ["Spark"]
    wanted = tuple(result for result in in_memory.results if result.id in ON_SPARK)
    alike(found, in_memory.model_copy(update={"results": wanted}))


CLASSES: dict[str, dict[str, Any]] = {
    **{
        f"{rate}_{average}": {"kind": "performance", "metric": f"{rate}_{average}", "min": 0.01}
        for rate in ("precision", "recall", "f1")
        for average in ("macro", "micro", "weighted")
    },
    "accuracy": {"kind": "performance", "metric": "accuracy", "min": 0.5, "max_drop_vs_current": 0.2},
    "log_loss": {"kind": "performance", "metric": "log_loss", "max": 5, "max_drop_vs_current": 0.2},
    "roc_auc_ovr": {"kind": "performance", "metric": "roc_auc_ovr", "min": 0.2},
    "each": {"kind": "segment", "metric": "accuracy", "slice": "housing, foreign_worker", "min": 0.2},
    "f1-of": {"kind": "segment", "metric": "f1_macro", "slice": "age_in_years < 30", "min": 0.1},
    "auc-of": {"kind": "segment", "metric": "roc_auc_ovr", "slice": "age_in_years < 30", "min": 0.1},
}


@pytest.fixture(scope="module")
def of_classes(frozen: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement that tells four jobs apart, with a live version and another candidate."""
    world = frozen.copy(tmp_path_factory.mktemp("classes") / "repo")
    value = minimal_manifest()
    value["surfaces"][0]["task"] = "multiclass"
    value["datasets"][0]["label"]["column"] = "job"
    value["gates"] = [{"id": "g-first", **ON, **CLASSES["log_loss"]}]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    (world.repo / "models/credit/pipeline.py").write_text(JOB)
    world.commit()
    world.train_and_gate()
    world.live()
    value["gates"] = [{"id": name, **ON, **gate} for name, gate in CLASSES.items()]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    world.edit("models/credit/pipeline.py", "max_iter=200", "max_iter=200, C=0.01")
    world.ok("train")
    return world


def test_classes_are_counted_as_rows_in_memory_say(of_classes: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = asked(of_classes)
    assert {result.verdict for result in in_memory.results} == {"pass"}, [each.says for each in in_memory.results]
    monkeypatch.setenv("VENDORKIT_ENGINE", "duckdb://")
    found = asked(of_classes)
    alike(found, in_memory, notes=[name for name in CLASSES if name not in ("accuracy", "log_loss")])
    assert found.benchmarks[0].confusion == in_memory.benchmarks[0].confusion
    monkeypatch.setattr(plan, "MOST_ROWS", 100)
    for one, two in zip(asked(of_classes).results, in_memory.results, strict=True):
        bound = 0.01 if one.metric == "roc_auc_ovr" else 1e-9
        assert one.value == pytest.approx(two.value, abs=bound), one.id
        assert any("Computed from a histogram" in note for note in one.notes) == (bound == 0.01), one.id


def test_other_classes_than_the_live_version_and_odd_probabilities_are_told(
    of_classes: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDORKIT_ENGINE", "duckdb://")
    world = of_classes.copy(tmp_path / "repo")
    plain = "return pd.DataFrame(model.predict_proba(frame[NUMBERS] / 100), columns=model.classes_)"
    world.edit(
        "models/credit/pipeline.py",
        plain,
        plain.replace("return", "found =") + "\n    return found[found.columns[::-1]]",
    )
    world.ok("train")
    for where in ("duckdb://", ""):
        monkeypatch.setenv("VENDORKIT_ENGINE", where)
        found = {result.id: result for result in asked(world).results}
        assert found["accuracy"].verdict == "error"
        assert "apart, the candidate unskilled" in found["accuracy"].says
        assert found["f1_macro"].verdict == "pass", "it does not compare"
    monkeypatch.setenv("VENDORKIT_ENGINE", "duckdb://")
    world.edit(
        "models/credit/pipeline.py", "found[found.columns[::-1]]", "found.mul(1 - 0.1 * (frame.index == 2), axis=0)"
    )
    world.ok("train")
    assert {result.verdict for result in asked(world).results} == {"error"}
    assert "the probabilities of row 3 are not from 0 to 1" in asked(world).results[0].says


@pytest.mark.parametrize("url", ["mysql://there", "duckdb://file.db", "pyspark://", "sparks"])
def test_an_engine_that_is_not_there_is_told(engaged: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDORKIT_ENGINE", url)
    answer = engaged.run("gate")
    assert answer.code == 2
    assert "expected `duckdb://` or `pyspark://MASTER`" in str(answer.result["faults"])


BROKEN = {
    "rows were changed": (
        lambda world: world.repo / "benchmarks/holdout.csv", (",bad", ",good"), "is not what was frozen"
    ),
    "predict raises": (
        lambda world: world.repo / "models/credit/pipeline.py",
        ("return model.predict", RICH),
        "The first such row is row 3",
    ),
    "prepare looks at other rows": (
        lambda world: world.repo / "models/credit/pipeline.py",
        ("return prepared", "prepared['credit_amount'] -= prepared['credit_amount'].mean()\n    return prepared"),
        "gives a row other values when other rows are away",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_goes_wrong_in_batches_is_an_error(
    name: str, promoted: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = promoted.copy(tmp_path / "repo")
    path, (old, new), why = BROKEN[name]
    if name == "predict raises":
        rows = pd.read_csv(world.repo / "benchmarks/holdout.csv")
        rows.loc[2, "credit_amount"] = 1_000_001
        rows.to_csv(world.repo / "benchmarks/holdout.csv", index=False)
        world.ok("snapshot", "holdout")
    file = path(world)
    file.write_text(file.read_text().replace(old, new, 1))
    if file.suffix == ".py":
        world.commit()
        world.ok("train")
    monkeypatch.setenv("VENDORKIT_ENGINE", "duckdb://")
    result = asked(world).results[0]
    assert result.verdict == "error"
    assert why in result.says
