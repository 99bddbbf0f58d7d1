"""Segments counted in the table engine: scikit-learn's numbers in every cell, and the same on Spark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference
from vendorkit.adapters.tables import TableSource, open_table, tally
from vendorkit.adapters.tables.tally import covering
from vendorkit.errors import BadInput
from vendorkit.gates.metrics import METRICS, Options
from vendorkit.gates.metrics.additive import histogram_auc, histogram_precision
from vendorkit.gates.samples import Tallied
from vendorkit.records.tallies import Asked, Tallies

INSTALL = "run VENDORKIT_NO_SKIP=1 nox -s tests"
NAMES = ("sex", "age", "housing", "grade")


def people(n: int = 3000, seed: int = 3) -> pd.DataFrame:
    """Labelled and scored people, with missing values and tied, sure scores."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, n).round(3)
    score[:4] = 0.0, 1.0, 0.5, 1.0
    return pd.DataFrame(
        {
            "sex": rng.choice(["female", "male", None], n, p=[0.5, 0.45, 0.05]),
            "age": pd.array(np.where(rng.random(n) < 0.05, None, rng.integers(18, 30, n)), dtype="Int64"),
            "housing": rng.choice(["own", "rent", "it's free"], n),
            "grade": rng.choice([1.0, 2.5], n),
            "label": (rng.random(n) < score).astype(int),
            "score": score,
        }
    )


def counted(frame: pd.DataFrame, folder: Path, columns: tuple[str, ...] = NAMES, **given: Any) -> Tallies:
    frame.to_parquet(folder / "rows.parquet", index=False)
    with open_table("rows.parquet", folder) as table:
        return tally(table, Asked(columns, terms=("log_loss", "squared_error"), **given))


def said(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns as the tally names their values."""
    age = frame.age.map(str, na_action="ignore").astype(object)
    grade = frame.grade.map({1.0: "1", 2.5: "2.5"})
    return frame.assign(age=age.fillna("(missing)"), sex=frame.sex.fillna("(missing)"), grade=grade)


@pytest.mark.parametrize("threshold", [0.5, 0.25])
def test_every_cell_equals_scikit_learn(tmp_path: Path, threshold: float) -> None:
    frame = people()
    found = counted(frame, tmp_path, threshold=threshold)
    named = said(frame)
    subsets = [[], *([name] for name in NAMES), *map(list, combinations(NAMES, 2))]
    groups = {
        tuple(zip(names, key, strict=True)): group
        for names in subsets
        for key, group in (named.groupby(names) if names else [((), named)])
    }
    assert set(found.where) == set(groups)
    for at, where in enumerate(found.where):
        label, yes = groups[where].label, groups[where].score >= threshold
        wanted = {
            "accuracy": reference.accuracy_score(label, yes),
            "precision": reference.precision_score(label, yes, zero_division=np.nan),
            "recall": reference.recall_score(label, yes, zero_division=np.nan),
            "f1": reference.f1_score(label, yes, zero_division=np.nan),
            "log_loss": reference.log_loss(label, groups[where].score, labels=[0, 1]),
            "brier": reference.brier_score_loss(label, groups[where].score, pos_label=1),
        }
        for name, value in wanted.items():
            assert value_of(found, at, name) == pytest.approx(value, abs=1e-9, nan_ok=True), (where, name)


def value_of(found: Tallies, at: int, name: str) -> float:
    """One metric of one segment; NaN where it has no value."""
    if name in ("log_loss", "brier"):
        own = replace(found, terms=found.terms[:1], sums=found.sums[:, :1], products=found.products[:, :1, :1])
        other = replace(found, terms=found.terms[1:], sums=found.sums[:, 1:], products=found.products[:, 1:, 1:])
        found = own if name == "log_loss" else other
    try:
        return Tallied(found, at).value(name, METRICS[name], Options())
    except BadInput:
        return float("nan")


@pytest.mark.parametrize("bins", [1, 10, 1000])
def test_the_area_from_histograms_is_within_its_bound(tmp_path: Path, bins: int) -> None:
    frame = people()
    found = counted(frame, tmp_path, score_bins=bins)
    counts = found.scores["score"]
    area, bound = histogram_auc(counts[:, 0], counts[:, 1])
    assert len(area) == len(found.where)
    named = said(frame)
    for at, (where, value, slack) in enumerate(zip(found.where, area, bound, strict=True)):
        group = named
        for column, level in where:
            group = group[group[column] == level]
        if group.label.nunique() < 2:
            continue
        assert abs(reference.roc_auc_score(group.label, group.score) - value) <= slack + 1e-12
        precision, near = histogram_precision(counts[at, 0], counts[at, 1])
        assert abs(reference.average_precision_score(group.label, group.score) - precision) <= near + 1e-12
    assert bins < 1000 or bound[0] < 0.002


@pytest.mark.parametrize("sizes", [[], [3], [3, 4], [10, 12, 15, 20, 30, 24], [200] * 5, [2] * 12])
def test_every_pair_is_covered(sizes: list[int]) -> None:
    chosen = covering(sizes)
    assert {pair for each in chosen for pair in combinations(each, 2)} == set(combinations(range(len(sizes)), 2))
    assert len(chosen) <= max(1, len(sizes) * (len(sizes) - 1) // 2)
    assert len(covering([20] * 6)) <= 7


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score": np.nan}, "score: is missing, NaN or outside 0 to 1 in 3,000 rows"),
        ({"score": 1.5}, "outside 0 to 1"),
        ({"label": 2}, "label: is neither 0 nor 1 in 3,000 rows"),
        ({"label": None}, "label"),
        ({"label": "good"}, "label: holds string, expected numbers"),
        ({"grade": np.arange(3000.0)}, "grade: has more than 200 different values"),
        ({"housing": None}, ""),
    ],
)
def test_rows_that_cannot_be_counted(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    frame = people().assign(**change)
    if not says:
        assert (("housing", "(missing)"),) in counted(frame.astype({"housing": "string"}), tmp_path).where
        return
    with pytest.raises(BadInput) as caught:
        counted(frame, tmp_path)
    assert says in str(caught.value)


def test_columns_that_are_not_there_are_all_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        counted(people(), tmp_path, columns=("colour", "size"))
    assert [fault.where for fault in caught.value.faults] == ["colour", "size"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pyspark = pytest.importorskip("pyspark", reason=f"pyspark is not installed: {INSTALL}")
    if shutil.which("java") is None:
        pytest.skip(f"there is no java: install OpenJDK 17, then {INSTALL}")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {"spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
    builder = pyspark.sql.SparkSession.builder.master("local[2]").appName("tally")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def test_spark_gives_the_same_numbers(tmp_path: Path, spark: Any) -> None:
    frame = people()
    ours = counted(frame, tmp_path, score_bins=50, edges=(0.25, 0.5))
    backend = ibis.pyspark.connect(spark)
    theirs = tally(
        TableSource("rows.parquet", "as-stored", backend.read_parquet(str(tmp_path / "rows.parquet"))),
        Asked(NAMES, terms=("log_loss", "squared_error"), score_bins=50, edges=(0.25, 0.5)),
    )
    assert theirs.where == ours.where
    np.testing.assert_array_equal(theirs.outcomes, ours.outcomes)
    np.testing.assert_array_equal(theirs.scores["score"], ours.scores["score"])
    for name in ("sums", "products"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-12)
    np.testing.assert_allclose(theirs.calibration["score"], ours.calibration["score"], rtol=1e-12)
