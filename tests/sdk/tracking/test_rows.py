"""Columns of a benchmark follow their rows through `prepare`, or are not used."""

from __future__ import annotations

import numpy as np
import pandas as pd
from vendorkit.tracking.rows import columns_of

RAW = pd.DataFrame({"age": [30, 20, None, 40], "sex": ["f", "m", "f", None], "label": [0, 1, 1, 0]})


def values(prepared: pd.DataFrame, name: str, label: str | None = "label") -> object:
    found = columns_of(RAW, prepared.reset_index(drop=True), prepared.index, label, [name])[name]
    if isinstance(found, str):
        return found
    levels, codes = found
    return [None if code < 0 else levels[code] for code in codes]


def test_rows_as_they_were() -> None:
    assert values(RAW, "sex") == ["f", "m", "f", None]
    assert values(RAW, "age") == [30.0, 20.0, None, 40.0]


def test_sorted_and_dropped_rows_are_followed_by_their_index() -> None:
    assert values(RAW.sort_values("age"), "sex") == ["m", "f", None, "f"]
    assert values(RAW[RAW.sex == "m"], "age") == [20.0]


def test_rows_that_cannot_be_told_are_not_used() -> None:
    features = RAW.drop(columns="sex")
    assert "dropped rows" in str(values(features[RAW.sex == "f"].reset_index(drop=True), "sex"))
    shuffled = features.iloc[[1, 0, 2, 3]].reset_index(drop=True)
    assert "labels of `prepare`" in str(values(shuffled, "sex"))
    assert "other index values" in str(values(features.set_index("age"), "sex"))


def test_a_label_with_other_words_is_the_same_label() -> None:
    assert values(RAW.assign(label=["good", "bad", "bad", "good"]), "sex") == ["f", "m", "f", None]


def test_columns_that_prepare_made() -> None:
    made = RAW.assign(band=np.where(RAW.age < 25, "young", "old"))
    assert values(made, "band") == ["old", "young", "old", "old"]
    assert values(RAW, "colour") == "neither the benchmark nor the prepared table has it"
