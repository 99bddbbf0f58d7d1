"""Rows that are not fit to be measured are refused, with all faults; numbers read as people write them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from vendorkit.errors import BadInput
from vendorkit.gates import Evidence, scored
from vendorkit.gates.numbers import number, shown

DIGEST = "sha256:" + "0" * 64
GOOD = [0, 1, 1, 0]
SCORES = [0.1, 0.9, 0.4, 0.4]


def refusal(label: object, score: object, task: str = "binary") -> str:
    with pytest.raises(BadInput) as caught:
        scored("holdout", DIGEST, label, score, task=task)
    return str(caught.value)


@pytest.mark.parametrize(
    "label",
    [
        GOOD,
        np.array(GOOD, dtype=np.uint8),
        np.array(GOOD, dtype=bool),
        pd.Series(GOOD, dtype="Int64"),
        pd.Series(GOOD, dtype="category").astype(int),
        [Decimal(0), Decimal(1), Decimal(1), Decimal(0)],
    ],
)
def test_good_rows_are_frozen_as_float64(label: object) -> None:
    rows = scored("holdout", DIGEST, label, pd.Series(SCORES), task="binary")
    assert rows.n == 4
    assert rows.label.dtype == rows.score.dtype == np.float64
    assert rows.label.tolist() == GOOD
    with pytest.raises(ValueError, match="read-only"):
        rows.score[0] = 1.0


def test_a_copy_is_taken() -> None:
    score = np.array(SCORES)
    rows = scored("holdout", DIGEST, GOOD, score, task="binary")
    score[0] = 0.99
    assert rows.score[0] == 0.1


@pytest.mark.parametrize(
    ("label", "score", "says"),
    [
        (GOOD, SCORES[:3], "has 3 values for 4 labels"),
        (GOOD, [0.1, np.nan, np.inf, 0.2], "is missing or infinite in 2 of 4 rows, first in row 2"),
        ([0, None, 1, 0], SCORES, "holdout: label: is missing or infinite in 1 of 4 rows"),
        (
            pd.Series([0, None, 1, 0], dtype="Int64"),
            SCORES,
            "holdout: label: is missing or infinite in 1 of 4 rows, first in row 2",
        ),
        (GOOD, ["0.1", "0.9", "0.4", "0.4"], "holds text; expected numbers"),
        (np.array(["bad", "good", 1, 0], dtype=object), SCORES, "holds text; expected numbers"),
        (GOOD, [0.1, 1.5, -0.1, 0.4], "is outside 0 to 1 in 2 of 4 rows, first 1.5 in row 2"),
        ([1, 2, 2, 1], SCORES, "holds 2; a binary label is 0 or 1"),
        ([1, 1, 1, 1], SCORES, "is 1 in all 4 rows; both classes are needed"),
        ([], [], "has no rows"),
        (GOOD, [[0.9, 0.1]] * 4, "has shape (4, 2); expected one number for each row"),
        (GOOD, [[0.9], [0.1, 0.2], [1], [2]], "has rows of different lengths"),
        (GOOD, 0.5, "has shape ()"),
        (GOOD, None, "has shape ()"),
        (GOOD, np.array(SCORES) * 1j, "holds complex128"),
        (GOOD, np.array(GOOD, dtype="datetime64[D]"), "holds datetime64[D]"),
        (GOOD, [object()] * 4, "holds values that are no numbers"),
        (GOOD, [10**400] * 4, "holds values that are no numbers"),
    ],
)
def test_rows_that_are_not_fit(label: object, score: object, says: str) -> None:
    assert says in refusal(label, score)


def test_all_faults_at_once() -> None:
    text = refusal([0, 3, 1], [2.0, 0.5])
    for says in ("has 2 values for 3 labels", "holds 3; a binary label", "is outside 0 to 1 in 1 of 2 rows"):
        assert says in text


def test_a_task_without_one_score_for_each_row() -> None:
    assert "is 'multiclass'; rows can be scored for binary" in refusal(GOOD, SCORES, "multiclass")


def test_regression_takes_any_finite_number() -> None:
    rows = scored("hours", DIGEST, [5, 5, 5], [-1e9, 0, 7.5], task="regression")
    assert rows.score.tolist() == [-1e9, 0.0, 7.5]


def test_one_class_where_it_is_meant() -> None:
    rows = scored("known-bad", DIGEST, [1, 1], [0.9, 0.8], task="binary", one_class_ok=True)
    assert rows.n == 2


def test_evidence_starts_as_not_measured() -> None:
    evidence = Evidence(task="binary", candidate={})
    assert evidence.current is None
    assert isinstance(evidence.prepared, str)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.76, "0.76"), (900.0, "900"), (0, "0"), (-0.5, "-0.5"), (1e-05, "1e-05"), (1e300, "1e+300")],
)
def test_a_limit_reads_as_it_was_written(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "beside", "text"),
    [
        (0.712345, (0.76,), "0.7123"),
        (0.712, (0.76,), "0.712"),
        (0.759981, (0.76,), "0.75998"),
        (0.76, (0.76,), "0.76"),
        (1.0, (), "1"),
        (0.0, (), "0"),
        (3.2e-9, (), "0.000000003"),
        (3.2e-15, (), "3.2e-15"),
        (1234567.25, (), "1234567"),
        (81.8534, (120.0,), "81.85"),
        (1200.04, (1200.0,), "1200.04"),
        (1200.0, (), "1200"),
    ],
)
def test_a_measured_number_never_looks_like_a_limit_it_misses(
    value: float, beside: tuple[float, ...], text: str
) -> None:
    assert shown(value, *beside) == text
