"""What `predict` gives: one finite answer for each row, or nothing is answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendorkit.service.scoring import ModelFailed, read_output


@pytest.mark.parametrize(
    "given",
    [
        np.array([0.5, 1.0]),
        np.array([0.5, 1.0], dtype=np.float32),
        [0.5, 1.0],
        pd.Series([0.5, 1.0], index=[7, 9]),
        pd.DataFrame({"score": [0.5, 1.0]}, index=[7, 9]),
        pd.DataFrame({"probability": [0.5, 1.0]}),
    ],
)
def test_one_answer_for_each_row(given: Any) -> None:
    assert read_output(given, 2) == [{"score": 0.5}, {"score": 1.0}]


def test_labels_are_scores_too() -> None:
    assert read_output(np.array(["good", "bad"]), 2) == [{"score": "good"}, {"score": "bad"}]
    assert read_output(np.array([1, 0]), 2) == [{"score": 1}, {"score": 0}]
    assert read_output(np.array([True, False]), 2) == [{"score": True}, {"score": False}]


def test_columns_of_a_table_are_answered_and_score_is_the_score() -> None:
    table = pd.DataFrame({"label": ["a", "b"], "score": [0.1, 0.2], "rank": [1, 2]})
    assert read_output(table, 2)[1] == {"label": "b", "score": 0.2, "rank": 2}
    assert read_output(table.drop(columns="score"), 2)[1] == {"score": "b", "rank": 2}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.array([0.5]), "shape"),
        (np.array([[0.5], [0.5]]), "shape"),
        (np.array([]), "shape"),
        (0.5, "shape"),
        (None, "shape"),
        (np.array([0.5, np.nan]), "finite"),
        (np.array([0.5, np.inf]), "finite"),
        (np.array([0.5, np.nan], dtype=object), "finite"),
        (np.array([0.5, None], dtype=object), "NoneType"),
        (np.array([1 + 2j, 0]), "complex"),
        (np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]"), "date"),
        ([[1, 2], [3]], "no array"),
        (pd.DataFrame({"score": [0.5]}), "1 rows for 2"),
        (pd.DataFrame(index=[0, 1]), "columns"),
        (pd.DataFrame({0: [1, 2]}), "columns"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "columns"),
        (pd.DataFrame({"score": [1, 2], "id": [1, 2]}), "itself answers"),
        (pd.DataFrame({"score": [1, 2], "b": [1.0, np.nan]}), "finite"),
        (pd.DataFrame({"score": [1, 2], "b": [[1], {}]}), "list"),
    ],
)
def test_anything_else_is_the_models_failure(given: Any, says: str) -> None:
    with pytest.raises(ModelFailed, match=says):
        read_output(given, 2)
