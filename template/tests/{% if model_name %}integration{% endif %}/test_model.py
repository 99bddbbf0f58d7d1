"""The whole way from data to scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pipeline


def test_one_score_for_each_row(model: Any, prepared: pd.DataFrame) -> None:
    scores = np.asarray(pipeline.predict(model, prepared))
    assert len(scores) == len(prepared)
    assert not pd.isna(scores).any()


def test_one_row_is_scored_as_among_many(model: Any, prepared: pd.DataFrame) -> None:
    many = np.asarray(pipeline.predict(model, prepared.head(50)))
    assert np.allclose(pipeline.predict(model, prepared.head(1)), many[:1])
