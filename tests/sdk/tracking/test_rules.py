"""Rules over what a model says: each against a model of plain arithmetic that keeps it and one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendorkit.errors import BadInput
from vendorkit.tracking.measures import MEASURES
from vendorkit.tracking.rules import business
from vendorkit.tracking.subject import Measuring

from tests.sdk.tracking.conftest import ROWS, in_threes

Make = Callable[..., Measuring]


def ask(measuring: Measuring, metric: str, *columns: str, **given: Any) -> dict[str, Any]:
    benchmark = measuring.__dict__["held"]
    return business(measuring, {"metric": metric, "benchmark": benchmark, "columns": list(columns), **given})


RISING = "return (frame['age'] / 100).to_numpy()"
HILL = "return (0.9 - (frame['age'] - 50).abs() / 100).to_numpy()"
BY_HOME = "return (frame['home'] == 'own').to_numpy() * 0.4 + 0.1"
STRICT = "assert frame.notna().all().all()\nreturn (frame['age'].clip(0, 100) / 100).to_numpy()"
KINDLY = "return (frame['age'].astype(float).fillna(50).clip(0, 100) / 100).to_numpy()"

ANSWERS: dict[str, tuple[str, str, tuple[str, ...], float]] = {
    "known bad cases approved": (RISING, "approved_known_bad", (), 3),
    "no known fraud approved": ("return [0.9] * len(frame)", "approved_known_fraud", (), 0),
    "rises": (RISING, "breaks_rising", ("age",), 0),
    "does not rise everywhere": (HILL, "breaks_rising", ("age",), 1),
    "falls": ("return (1 - frame['age'] / 100).to_numpy()", "breaks_falling", ("age",), 0),
    "does not fall": (RISING, "breaks_falling", ("age",), 1),
    "home changes it": (BY_HOME, "swap_change", ("home",), 0.4),
    "home does not change it": (RISING, "swap_change", ("home",), 0),
    "a small step, a small change": (RISING, "shake_change", (), 0.007),
    "a cliff": ("return (frame['income'] > 4).to_numpy() * 0.8", "shake_change", ("income",), 0.8),
    "a missing value raises": (STRICT, "fails_when_missing", (), 1),
    "a missing value is met": (KINDLY, "fails_when_missing", (), 0),
    "a far value gives no probability": (RISING + " + np.inf * (frame['income'] > 50)", "fails_at_extremes", (), 1),
    "a far value is met": (KINDLY, "fails_at_extremes", (), 0),
}


@pytest.mark.parametrize(("predict", "metric", "columns", "value"), ANSWERS.values(), ids=ANSWERS.keys())
def test_rules(measuring: Make, predict: str, metric: str, columns: tuple[str, ...], value: float) -> None:
    found = ask(measuring(predict), metric, *columns)
    assert found["values"] == {metric: pytest.approx(value)}
    assert found["n"] == 8


LONG = pd.concat([ROWS] * 5, ignore_index=True).assign(income=lambda rows: np.arange(len(rows)) * 0.7)


@pytest.mark.parametrize("name", ANSWERS)
def test_batches_give_what_all_rows_give(name: str, measuring: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    predict, metric, columns, _ = ANSWERS[name]
    asked = measuring(predict, held=LONG)
    whole = ask(asked, metric, *columns)
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 5)
    monkeypatch.setattr("vendorkit.tracking.batches.frozen_batches", in_threes)
    assert ask(asked, metric, *columns) == whole


def test_in_batches_the_row_that_raises_is_named_and_prepare_must_look_at_single_rows(
    measuring: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 5)
    monkeypatch.setattr("vendorkit.tracking.batches.frozen_batches", in_threes)
    asked = measuring("if (frame['income'] > 18.5).any():\n    1 / 0\nreturn [0.5] * len(frame)", held=LONG)
    with pytest.raises(BadInput, match=r"ZeroDivisionError.*The first such row is row 28\."):
        ask(asked, "approved_known_bad")
    code = Path(asked.subject.model_folder) / "code/pipeline.py"
    code.write_text(
        code.read_text().replace("return frames['loans']", "return frames['loans'].assign(age=len(frames['loans']))")
    )
    other = Measuring(asked.subject, asked.folder, fitted=1)
    other.__dict__["held"] = asked.__dict__["held"]
    with pytest.raises(BadInput, match="other values when other rows are away"):
        ask(other, "approved_known_bad")


def test_who_is_approved_is_declared(measuring: Make) -> None:
    asked = measuring(RISING)
    assert ask(asked, "approved_known_bad", threshold=0.25)["values"]["approved_known_bad"] == 1
    assert ask(asked, "approved_known_bad", favourable=1)["values"]["approved_known_bad"] == 5
    assert ask(asked, "approved_known_bad")["says"] == "3 of 8 rows approved (rows 1, 2, 3)."


@pytest.mark.parametrize(
    ("metric", "columns", "why"),
    [
        ("breaks_rising", ("home",), "home holds"),
        ("swap_change", ("bad",), "bad is no feature"),
        ("rank_reversals", (), "kind stress"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_told(measuring: Make, metric: str, columns: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        ask(measuring(), metric, *columns)


def test_the_row_that_raises_is_named(measuring: Make) -> None:
    asked = measuring("if (frame['age'] == 60).any():\n    1 / 0\nreturn [0.5] * len(frame)")
    with pytest.raises(BadInput, match=r"ZeroDivisionError.*The first such row is row 5\."):
        ask(asked, "approved_known_bad")


UNFIT = "return np.where(frame['age'] == 50, {}, 0.4)"
RULES: dict[str, dict[str, Any]] = {
    "approved_known_bad": {},
    "breaks_rising": {"columns": ["age"]},
    "swap_change": {"columns": ["home"]},
    "shake_change": {"columns": ["income"]},
    "own": {"code": "pipeline:own"},
}


@pytest.mark.parametrize("metric", RULES)
@pytest.mark.parametrize("value", ["nan", "1.5"])
def test_a_score_that_is_none_is_never_a_pass(measuring: Make, metric: str, value: str) -> None:
    asked = measuring(UNFIT.format(f"float('{value}')"), "def own(rows, scores):\n    return scores > 0.9")
    with pytest.raises(BadInput) as told:
        ask(asked, metric, **RULES[metric])
    row = 1 if metric == "breaks_rising" else 4
    assert f"predict(): gives {value} in row {row}, expected a probability, from 0 to 1." in str(told.value)
    assert ("With `age` changed" in str(told.value)) == (metric == "breaks_rising")


@pytest.mark.parametrize("measure", ["latency", "memory", "retrain"])
def test_how_fast_a_wrong_answer_comes_is_not_measured(measuring: Make, measure: str) -> None:
    asked = measuring(UNFIT.format("np.nan"), "def train(frame, seed):\n    return 1")
    with pytest.raises(BadInput, match=r"gives nan in row 4"):
        MEASURES[measure](asked, {"benchmark": asked.__dict__["held"], "size": 1})


BROKEN = {
    "one score too few": ("return [0.5] * (len(frame) - 1)", r"returned shape \(7,\) for 8 rows"),
    "a table of other rows": ("return frame.head(2)", "returned 2 rows for 8 rows"),
    "writes to its input": ("frame['age'] = 0\nreturn [0.5] * len(frame)", "writes to the table.*age"),
    "adds to its input": ("frame['x'] = 0\nreturn [0.5] * len(frame)", "writes to the table"),
    "drops from its input": ("frame.drop(frame.index[:1], inplace=True)\nreturn [0.5] * 8", "writes to the table"),
}


@pytest.mark.parametrize(("predict", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_a_predict_that_breaks_its_contract_is_told(measuring: Make, predict: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        ask(measuring(predict), "approved_known_bad")


def test_batches_give_the_same_scores(measuring: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = measuring("assert len(frame) <= 3\nif (frame['age'] == 90).any():\n    1 / 0\nreturn frame['age'] / 100")
    monkeypatch.setattr("vendorkit.tracking.subject.BATCH_ROWS", 3)
    rows = asked.rows(asked.__dict__["held"])
    assert asked.score(rows.head(7)).tolist() == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    with pytest.raises(BadInput, match="row 8"):
        asked.score(rows)
