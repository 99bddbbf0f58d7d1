"""Describing features: types, ranges and categories as training saw them, and what has no JSON form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from vendorkit.errors import BadInput
from vendorkit.records.features import Feature
from vendorkit.tracking.describe import MOST_CATEGORIES, describe_features

DIGEST = f"sha256:{'0' * 64}"


def described(column: object) -> Feature:
    frame = pd.DataFrame({"x": column})
    return describe_features("credit", frame, ["x"], DIGEST).features[0]


KINDS = {
    "integers": ([3, 1, 2], Feature(name="x", type="integer", nullable=False, minimum=1.0, maximum=3.0)),
    "numbers": ([0.5, -1.5], Feature(name="x", type="number", nullable=False, minimum=-1.5, maximum=0.5)),
    "numbers with gaps": ([0.5, None], Feature(name="x", type="number", nullable=True, minimum=0.5, maximum=0.5)),
    "integers with gaps": (
        pd.array([1, None], dtype="Int64"), Feature(name="x", type="integer", nullable=True, minimum=1.0, maximum=1.0)
    ),
    "only gaps": ([np.nan, np.nan], Feature(name="x", type="number", nullable=True)),
    "truth": ([True, False], Feature(name="x", type="boolean", nullable=False)),
    "words": (["b", "a", "b"], Feature(name="x", type="string", nullable=False, categories=("a", "b"))),
    "words with gaps": (["b", None], Feature(name="x", type="string", nullable=True, categories=("b",))),
    "categories": (
        pd.Categorical(["b", "a"], categories=["a", "b", "unseen"]),
        Feature(name="x", type="string", nullable=False, categories=("a", "b")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("column", "expected"), KINDS.values(), ids=KINDS.keys())
def test_each_kind_of_column(column: object, expected: Feature) -> None:
    assert described(column) == expected


def test_many_words_are_not_listed() -> None:
    assert described([f"w{n}" for n in range(MOST_CATEGORIES)]).categories is not None
    assert described([f"w{n}" for n in range(MOST_CATEGORIES + 1)]).categories is None


FAULTY = {
    "times": (pd.to_datetime(["2026-01-01"]), "has type datetime64"),
    "lists": ([[1, 2]], "has type object"),
    "a mix": ([1, "a"], "has type object"),
    "infinite": ([1.0, np.inf], "holds infinite values"),
    "infinite below": ([-np.inf, 1.0], "holds infinite values"),
    "complex": ([1j], "has type complex"),
    "categories of numbers": (pd.Categorical([1, 2]), "has type category"),
}


@pytest.mark.parametrize(("column", "says"), FAULTY.values(), ids=FAULTY.keys())
def test_what_has_no_json_form_is_named(column: object, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        described(column)
    assert caught.value.faults[0].where == "features: x"
    assert says in caught.value.faults[0].says


def test_a_table_with_odd_columns_is_told_so() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "a", 7])
    with pytest.raises(BadInput) as caught:
        describe_features("credit", frame, ["a", "b"], DIGEST)
    twice, absent = caught.value.faults
    assert (twice.where, twice.says) == ("features: a", "stands twice in the table.")
    assert (absent.where, absent.says) == ("features: b", "is not a column; there are: a, 7.")


def test_all_faults_at_once_and_order_kept() -> None:
    frame = pd.DataFrame({"b": [1], "a": [2], "when": pd.to_datetime(["2026-01-01"])})
    assert [feature.name for feature in describe_features("credit", frame, ["a", "b"], DIGEST).features] == ["a", "b"]
    with pytest.raises(BadInput) as caught:
        describe_features("credit", frame, ["missing", "when", "a", "a"], DIGEST)
    assert [fault.where for fault in caught.value.faults] == ["features: missing", "features: when", "features: a"]
    with pytest.raises(BadInput, match="at least one"):
        describe_features("credit", frame, [], DIGEST)
