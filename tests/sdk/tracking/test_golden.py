"""Golden predictions: which are kept, and how a model that answers otherwise is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters.store import Store
from vendorkit.records.features import Feature
from vendorkit.records.run import GoldenRow
from vendorkit.tracking import measurement
from vendorkit.tracking.golden import changed, frame_of, golden_rows, scores_of

from tests.sdk.tracking.test_measurement import subject_of
from tests.support.world import World

FEATURES = (
    Feature(name="age", type="integer", nullable=False, minimum=18, maximum=98),
    Feature(name="income", type="number", nullable=True, minimum=-1.5, maximum=2.5),
    Feature(name="home", type="string", nullable=False, categories=("own", "rent")),
    Feature(name="note", type="string", nullable=False),
    Feature(name="citizen", type="boolean", nullable=False),
    Feature(name="empty", type="number", nullable=True),
)
calls = itertools.count()


def raises(_: pd.DataFrame) -> Any:
    raise ValueError("not such a row")


def test_rows_lie_in_the_ranges_and_hold_no_data() -> None:
    rows = golden_rows(FEATURES, lambda frame: frame["income"].to_numpy())
    assert [row.given["age"] for row in rows] == [18, 38, 58, 78, 98]
    assert [row.given["home"] for row in rows] == ["own", "own", "own", "rent", "rent"]
    assert [row.given["note"] for row in rows] == ["text"] * 5
    assert [row.given["citizen"] for row in rows] == [False, True, False, True, False]
    assert [row.score for row in rows] == [-1.5, -0.5, 0.5, 1.5, 2.5]
    frame = frame_of([row.given for row in rows], {feature.name: feature.type for feature in FEATURES})
    assert [frame[name].dtype.kind for name in ("age", "income", "citizen")] == ["i", "f", "b"]


@pytest.mark.parametrize(
    "predict",
    [
        raises,
        lambda frame: np.full(len(frame), np.nan),
        lambda frame: np.full(len(frame), next(calls)),
        lambda frame: np.array(["yes"] * len(frame)),
        lambda frame: pd.DataFrame(index=frame.index),
    ],
    ids=["raises", "is not finite", "does not repeat itself", "words", "no column"],
)
def test_what_proves_nothing_is_not_kept(predict: Callable[[pd.DataFrame], Any]) -> None:
    assert golden_rows(FEATURES, predict) == ()


def test_a_model_that_thinks_for_ever_is_stored_without_golden_rows() -> None:
    began, forever = time.monotonic(), threading.Event()
    assert golden_rows(FEATURES, lambda _: forever.wait(60), limit_seconds=0.05) == ()
    forever.set()
    assert time.monotonic() - began < 30


def test_what_is_no_fault_of_the_rows_is_raised() -> None:
    def interrupted(_: pd.DataFrame) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        golden_rows(FEATURES, interrupted)


def test_a_table_answers_by_its_score_or_first_column() -> None:
    assert scores_of(pd.DataFrame({"low": [1, 2], "score": [3, 4]})).tolist() == [3.0, 4.0]
    assert scores_of(pd.DataFrame({"low": [1, 2], "high": [3, 4]})).tolist() == [1.0, 2.0]


def test_training_keeps_them_and_the_stored_model_answers_the_same(gated: World) -> None:
    candidate = Store(gated.repo).candidate(None)
    run, features, subject = candidate.run, candidate.features.features, subject_of(gated, candidate)
    assert len(run.golden) == 5
    other = run.golden[1].model_copy(update={"score": run.golden[1].score * 1.001})
    near = run.golden[2].model_copy(update={"score": run.golden[2].score * 1.000001})
    with measurement.Measurements() as process:
        assert changed(process, subject, features, run.golden) == []
        assert changed(process, subject, features, ()) == []
        faults = changed(process, subject, features, (run.golden[0], other, near))
        assert [fault.where for fault in faults] == ["golden row 2"]
        assert f"got {other.score} when the model was stored" in faults[0].says
        assert "'credit_amount': " in faults[0].says
        odd = (GoldenRow(given={**run.golden[0].given, "credit_amount": 1.5}, score=2.0),)
        assert [fault.where for fault in changed(process, subject, features, odd)] == ["golden row 1"]
