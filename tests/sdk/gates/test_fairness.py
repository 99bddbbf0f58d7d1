"""The fairness gate equals Fairlearn, names both groups, and never passes what it could not compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_score
from vendorkit.gates import Evidence, ask_all, scored
from vendorkit.gates.disparity import DISPARITIES, Rate, gap_interval
from vendorkit.gates.metrics import METRICS, Options
from vendorkit.records.gate_report import GateResult
from vendorkit.records.manifest.judging import Gate

from tests.sdk.gates.conftest import column

DIGEST = "sha256:" + "0" * 64
Spec = Callable[..., Any]

SAYS = {"id": "g-fair", "kind": "fairness", "benchmark": "holdout", "says": "Treats people alike", "slice": "sex"}


def people(n: int = 3000, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male", "other"], n, p=[0.5, 0.45, 0.05])
    score = np.clip(rng.beta(2, 3, n) + 0.2 * (sex == "male"), 0, 1)
    return pd.DataFrame({"sex": sex, "score": score, "label": (rng.random(n) < score).astype(float)})


def ask(frame: pd.DataFrame, task: str = "binary", live: pd.DataFrame | None = None, **declared: Any) -> GateResult:
    def rows(given: pd.DataFrame) -> Any:
        columns = {name: column(given[name]) for name in given if name not in ("label", "score")}
        return scored("holdout", DIGEST, given.label, given.score, task=task, columns=columns)

    current = {"holdout": rows(live)} if live is not None else None
    evidence = Evidence(task=task, candidate={"holdout": rows(frame)}, current=current)
    (result,) = ask_all([Gate.model_construct(**{**SAYS, **declared})], evidence)
    return result


def by_fairlearn(
    name: str, frame: pd.DataFrame, threshold: float, favourable: int, weight: pd.Series | None = None
) -> float:
    """The same number by Fairlearn."""
    yes = (frame.score >= threshold).astype(int)
    label = frame.label.astype(int)
    label, yes = (label, yes) if favourable else (1 - label, 1 - yes)
    given = {"y_true": label, "y_pred": yes, "sensitive_features": frame.sex, "sample_weight": weight}
    if name.endswith("_ratio") or name == "four_fifths":
        return fairlearn.demographic_parity_ratio(**given)
    if "rate_difference" in name:
        return fairlearn.demographic_parity_difference(**given)
    if name == "predictive_parity_difference":
        given["sample_params"] = {"sample_weight": given.pop("sample_weight")}
        return fairlearn.MetricFrame(metrics=precision_score, **given).difference()
    if name == "calibration_within_groups":
        often = frame.assign(weight=1.0 if weight is None else weight)
        return max(
            _calibration(*(part[each].to_numpy() for each in ("label", "score", "weight")))
            for _, part in often.groupby("sex")
        )
    return getattr(fairlearn, name)(**given)


def _calibration(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    return METRICS["calibration_error"].function(label, score, Options(weight=weight))


@pytest.mark.parametrize("name", DISPARITIES)
@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_weighed_rows_equal_fairlearn(name: str, scale: float) -> None:
    frame = people()
    weight = pd.Series(np.random.default_rng(5).integers(0, 4, len(frame)) * 1.0)
    limit = {"min": 0.8} if DISPARITIES[name].kind == "ratio" else {"max": 0.2}
    result = ask(frame.assign(w=weight * scale), metric=name, weight="w", **limit)
    counted = weight > 0
    wanted = by_fairlearn(name, frame[counted], 0.5, DISPARITIES[name].favourable, weight[counted])
    assert result.value == pytest.approx(wanted, abs=1e-9)
    assert result.value != pytest.approx(ask(frame, metric=name, **limit).value, abs=1e-4)
    assert "as column w says" in result.notes[0]


@pytest.mark.parametrize("name", DISPARITIES)
def test_equal_weights_say_nothing_new(name: str) -> None:
    limit = {"min": 0.8} if DISPARITIES[name].kind == "ratio" else {"max": 0.2}
    once, weighed = ask(people(), metric=name, **limit), ask(people().assign(w=7.0), metric=name, weight="w", **limit)
    assert (weighed.value, weighed.n) == (pytest.approx(once.value), once.n)
    assert weighed.interval == (once.interval and pytest.approx(once.interval))


def test_a_group_whose_rows_count_nothing_is_listed_and_not_compared() -> None:
    for metric in ("selection_rate_difference", "calibration_within_groups"):
        result = ask(people().assign(w=lambda frame: frame.sex != "other"), metric=metric, weight="w", max=0.9)
        assert (result.verdict, result.cells[-1].verdict, result.cells[-1].n) == ("pass", "too-few", 0)


@pytest.mark.parametrize("name", DISPARITIES)
@pytest.mark.parametrize("favourable", [None, 0, 1])
@pytest.mark.parametrize("threshold", [None, 0.35])
def test_equals_fairlearn(name: str, favourable: int | None, threshold: float | None) -> None:
    if name == "calibration_within_groups" and (threshold is not None or favourable is not None):
        assert ask(people(), metric=name, max=1, threshold=threshold, favourable=favourable).verdict == "error"
        return
    limit = {"min": 0.8} if DISPARITIES[name].kind == "ratio" else {"max": 0.2}
    result = ask(people(), metric=name, threshold=threshold, favourable=favourable, **limit)
    good = DISPARITIES[name].favourable if favourable is None else favourable
    wanted = by_fairlearn(name, people(), 0.5 if threshold is None else threshold, good)
    assert result.value == pytest.approx(wanted, abs=1e-9)
    kept = wanted >= 0.8 if "min" in limit else wanted <= 0.2
    assert result.verdict == ("pass" if kept else "fail")


@given(st.integers(0, 10**6), st.integers(20, 200), st.sampled_from(sorted(DISPARITIES)))
def test_equals_fairlearn_on_few_rows(seed: int, n: int, name: str) -> None:
    frame = people(n, seed).round(1)
    if frame.label.nunique() < 2:
        return
    limit = {"min": 0.8} if DISPARITIES[name].kind == "ratio" else {"max": 0.2}
    result = ask(frame, metric=name, min_rows=1, **limit)
    if result.verdict == "error":
        assert "fewer than two groups" in result.says
    elif all(cell.verdict != "too-few" for cell in result.cells):
        wanted = by_fairlearn(name, frame, 0.5, DISPARITIES[name].favourable)
        assert np.isnan(wanted) or result.value == pytest.approx(wanted, abs=1e-9)


def test_the_sentence_names_both_groups_and_what_is_favourable() -> None:
    result = ask(people(), metric="approval_rate_ratio", min=0.8)
    assert result.verdict == "fail"
    assert "sex = female has approval rate 0." in result.says
    assert ", sex = male 0." in result.says
    assert result.notes[0] == "Favourable is label 0: given to who has a score below 0.5."
    assert result.cells[0].verdict == "fail"
    assert result.interval is not None


def test_small_groups_are_listed_and_not_compared() -> None:
    result = ask(people(), metric="selection_rate_ratio", min=0.1, min_rows=500)
    assert result.verdict == "pass"
    assert [cell.name for cell in result.cells if cell.verdict == "too-few"] == ["sex = other"]
    assert "1 of 3 rates rest on fewer than 500 rows." in result.notes
    strict = ask(people(), metric="selection_rate_ratio", min=0.1, min_rows=500, every=True)
    assert strict.verdict == "error"
    assert "1 of 3 rates rest on fewer than 500 rows, and `every` asks for all of them" in strict.says


def test_against_the_live_version() -> None:
    fair = people().assign(score=0.6)
    result = ask(people(), live=fair, metric="selection_rate_difference", max_drop_vs_current=0.01)
    assert (result.verdict, result.previous) == ("fail", 0.0)
    assert ask(fair, live=fair, metric="selection_rate_difference", max_drop_vs_current=0.01).verdict == "pass"


def test_a_live_version_without_a_value_matters_only_where_it_is_compared_with() -> None:
    shy = people().assign(score=0.1)  # says yes to nobody, so nothing follows from its yes
    result = ask(people(), live=shy, metric="predictive_parity_difference", max=1.0)
    assert (result.verdict, result.previous) == ("pass", None)
    drop = ask(people(), live=shy, metric="predictive_parity_difference", max=1.0, max_drop_vs_current=0.1)
    assert drop.verdict == "error"


def test_where_nobody_is_given_anything_nothing_is_shared_fairly() -> None:
    result = ask(people().assign(score=0.1), metric="four_fifths", min=0.8)
    assert result.verdict == "error"
    assert "the ratio 0 to 0 has no value" in result.says
    assert ask(people().assign(score=0.1), metric="selection_rate_difference", max=0.0).verdict == "pass"


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"metric": "kindness", "min": 0.8}, "there is no fairness metric 'kindness'"),
        ({"metric": "four_fifths", "min": 0.7}, "has the limit `min: 0.8`"),
        ({"metric": "approval_rate_ratio", "max": 0.8}, "`max` is no limit of a ratio"),
        ({"metric": "equalized_odds_difference", "min": 0.8}, "best at 0; set `max`"),
        ({"metric": "four_fifths", "min": 0.8, "slice": "age < 25"}, "`slice` is a condition"),
        ({"metric": "four_fifths", "min": 0.8, "slice": "age"}, "column 'age' cannot be used"),
        ({"metric": "four_fifths", "min": 0.8, "min_rows": 10**6}, "fewer than two groups"),
        ({"metric": "four_fifths", "min": 0.8, "task": "regression"}, "this one is for regression"),
    ],
)
def test_what_cannot_be_compared_is_an_error(declared: dict[str, Any], says: str) -> None:
    result = ask(people(), **declared)
    assert result.verdict == "error"
    assert says in result.says


@pytest.mark.parametrize(("kind", "truth"), [("ratio", 0.5), ("difference", 0.3)])
def test_intervals_cover_nineteen_times_in_twenty(kind: str, truth: float) -> None:
    rng = np.random.default_rng(5)
    found = [
        gap_interval(kind, Rate("a", 150, rng.binomial(150, 0.3), 150), Rate("b", 120, rng.binomial(120, 0.6), 120))
        for _ in range(3000)
    ]
    assert 0.93 <= np.mean([low <= truth <= high for low, high in found]) <= 0.97


def test_newcombe_by_the_book() -> None:
    found = gap_interval(
        "difference", Rate("b", 80, 48, 80), Rate("a", 70, 56, 70)
    )  # 56/70 and 48/80: Newcombe 1998, table II
    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)
