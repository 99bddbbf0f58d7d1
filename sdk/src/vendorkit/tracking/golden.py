"""Golden predictions: what a model answered to a few made-up rows when it was stored, and whether it still does.

The rows are made from the ranges and categories that the feature set tells anyway, so that no row of the data leaves
its place. Asking again happens in a process of its own, like all measuring; vendor code never runs on this side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, Fault, Unavailable
from vendorkit.records.features import Feature
from vendorkit.records.run import GoldenRow
from vendorkit.tracking.measurement import Job, Measurements, Subject

Answer = TypeVar("Answer")

PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where in its range each feature of a made-up row lies."""
CLOSE = 1e-5
"""Relative: a float32 holds seven digits, and another processor adds in another order."""
TYPES: dict[str, type] = {"number": float, "integer": int, "boolean": bool, "string": str}


ANSWER_SECONDS = 60
"""How long a model may think about made-up rows when it is stored."""


def golden_rows(
    features: Sequence[Feature], predict: Callable[[pd.DataFrame], Any], limit_seconds: float = ANSWER_SECONDS
) -> tuple[GoldenRow, ...]:
    """The answers of a model to made-up rows.

    Args:
        features: What the model is given, in order.
        predict: Takes a DataFrame of shape `(n_rows, n_features)`; gives an array of shape `(n_rows,)` or a
            DataFrame of `n_rows` rows.
        limit_seconds: How long it may take; a `predict` that hangs on odd rows must not keep a model from being stored.

    Returns:
        Nothing where the model does not take such rows in time, or does not answer them twice with the same finite
        numbers: odd rows prove nothing against it.
    """
    given = [{feature.name: _made_up(feature, place) for feature in features} for place in PLACES]
    types = {feature.name: feature.type for feature in features}
    with suppress(BadInput, Unavailable, ValueError, TypeError, IndexError, TimeoutError):
        first, again = _within(limit_seconds, lambda: [scores_of(predict(frame_of(given, types))) for _ in range(2)])
        if np.isfinite(first).all() and np.array_equal(first, again):
            return tuple(GoldenRow(given=row, score=float(score)) for row, score in zip(given, first, strict=True))
    return ()


def _within(limit_seconds: float, call: Callable[[], Answer]) -> Answer:
    """What a call gives or raises, or TimeoutError. A call that never ends is left to its thread."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001  (raised again where it was asked for)
            answer.set_exception(error)

    Thread(target=copy_context().run, args=(work,), daemon=True).start()
    return answer.result(limit_seconds)


def changed(
    process: Measurements, subject: Subject, features: Sequence[Feature], golden: Sequence[GoldenRow]
) -> list[Fault]:
    """What keeps a stored model from answering as it did; empty when it loads and does.

    Args:
        process: The process that measures.
        subject: The stored model, verified before.
        features: What it is given.
        golden: What it answered when it was stored; without any, only loading is tried.
    """
    given = {"rows": [row.given for row in golden], "types": {feature.name: feature.type for feature in features}}
    found = process.measure({"golden": Job(subject, "golden", given)})["golden"]
    if isinstance(found, str):
        return [Fault(f"model, stored as {subject.format_name}", f"does not load or answer: {found.rstrip('.')}.")]
    return [
        Fault(
            f"golden row {number}", f"gets {score}, and got {row.score} when the model was stored; it is {row.given}."
        )
        for number, (row, score) in enumerate(zip(golden, found["scores"], strict=True), start=1)
        if not math.isclose(score, row.score, rel_tol=CLOSE, abs_tol=CLOSE * CLOSE)
    ]


def frame_of(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> pd.DataFrame:
    """Golden rows as the table that `predict` takes.

    Args:
        rows: Values by name of the feature.
        types: Name of each feature to its type, in order.

    Returns:
        Shape `(n_rows, n_features)`.
    """
    return pd.DataFrame({name: pd.Series([TYPES[kind](row[name]) for row in rows]) for name, kind in types.items()})


def scores_of(given: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One number for each row, of whatever `predict` gave: its scores, or the column `score`, else the first."""
    if isinstance(given, pd.DataFrame):
        given = given["score" if "score" in given else given.columns[0]].to_numpy()
    return np.asarray(given, dtype=np.float64)


def _made_up(feature: Feature, place: float) -> str | float | bool:
    if feature.type == "boolean":
        return bool(round(place * 4) % 2)
    if feature.type == "string":
        known = feature.categories or ("text",)
        return known[round(place * (len(known) - 1))]
    low, high = feature.minimum or 0.0, feature.maximum or 0.0
    value = low * (1 - place) + high * place
    return round(value) if feature.type == "integer" else value
