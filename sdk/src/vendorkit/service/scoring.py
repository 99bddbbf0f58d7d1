"""Rows in, logged answers out: the frame, the vendor's `predict`, what it gave, the log, the JSON.

An answer exists only once it is in the log. What `predict` gives is checked before anything of it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import uuid_utils

from vendorkit.adapters.predictions import LoggedPrediction, PredictionLog
from vendorkit.records.base import now
from vendorkit.service.frame import FrameBuilder
from vendorkit.service.requests import Asked
from vendorkit.service.servable import Servable

OWN_NAMES = {"id", "warnings"}
_encode = msgspec.json.Encoder().encode


class ModelFailed(Exception):
    """`predict` raised, or gave something that is no answer for these rows."""


class Scorer:
    """Answers with one model.

    Args:
        servable: The model.
        log: Where every answer is written before it is given.
    """

    def __init__(self, servable: Servable, log: PredictionLog) -> None:
        self._predict = servable.predict
        self._frames = FrameBuilder(servable.contract)
        self._names = [feature.name for feature in servable.contract.fields]
        self._model = servable.deployment.model
        self._version = servable.deployment.version
        self._deployment = servable.deployment.digest
        self._log = log

    def answer(self, asked: Asked, still_wanted: Callable[[], bool]) -> bytes | None:
        """The body of the response, after its predictions were logged; None when nobody waits for it any more.

        Raises:
            ModelFailed: The model raised, or gave something else than one finite answer for each row.
            Unavailable: The predictions could not be logged.
        """
        outputs = self.outputs(asked.rows)
        if not still_wanted():
            return None
        at = now()
        common = list(asked.common_warnings)
        predictions, rows = [], []
        for place, (values, output) in enumerate(zip(asked.rows, outputs, strict=True)):
            warnings = common + asked.warnings.get(place, [])
            key = str(uuid_utils.uuid7())
            predictions.append({"id": key, **output, "warnings": warnings})
            rows.append(
                LoggedPrediction(
                    id=key,
                    at=at,
                    model=self._model,
                    version=self._version,
                    deployment=self._deployment,
                    as_of=asked.as_of,
                    row=msgspec.Raw(_encode(dict(zip(self._names, values, strict=True)))),
                    score=output["score"],
                    output=msgspec.Raw(_encode(output)),
                    warnings=msgspec.Raw(_encode(warnings)),
                )
            )
        body = _encode({"model": self._model, "version": self._version, "predictions": predictions})
        self._log.append(rows)
        return body

    def outputs(self, rows: list[list[Any]]) -> list[dict[str, Any]]:
        """What the model gives for rows, checked but not logged: for each row `score` and more.

        Raises:
            ModelFailed: It raised, or gave something else than one finite answer for each row.
        """
        frame = self._frames.build(rows)
        try:
            return read_output(self._predict(frame), len(rows))
        except ModelFailed:
            raise
        except BaseException as error:  # SystemExit too: vendor code does not end the service
            raise ModelFailed(f"predict raised {type(error).__name__}: {error}") from error


def read_output(given: Any, n_rows: int) -> list[dict[str, Any]]:
    """What `predict` gave, as plain values by row.

    Args:
        given: An array, Series or list of shape `(n_rows,)`, or a DataFrame of `n_rows` rows. The column `score` of a
            DataFrame is the score; without one, the first column is, and is answered under that name.
        n_rows: Rows that were asked for.

    Raises:
        ModelFailed: Another shape, values that are not finite, or no plain numbers, text or booleans.
    """
    if isinstance(given, pd.DataFrame):
        return _read_table(given, n_rows)
    if isinstance(given, pd.Series):
        given = given.to_numpy()
    try:
        array = np.asarray(given)
    except Exception as error:
        raise ModelFailed(f"predict gave a {type(given).__name__}, which is no array: {error}.") from error
    if array.shape != (n_rows,):
        raise ModelFailed(f"predict gave shape {array.shape} for {n_rows} rows, expected ({n_rows},).")
    return [{"score": value} for value in _read_column("score", array)]


def _read_table(table: pd.DataFrame, n_rows: int) -> list[dict[str, Any]]:
    names = list(table.columns)
    if len(table) != n_rows:
        raise ModelFailed(f"predict gave {len(table)} rows for {n_rows} rows.")
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ModelFailed(f"predict gave columns {names!r}, expected names that are unique text.")
    if taken := OWN_NAMES.intersection(names):
        raise ModelFailed(f"predict gave columns that the service itself answers: {sorted(taken)}.")
    if "score" not in names:
        names[0] = "score"
    columns = [_read_column(name, table.iloc[:, place].to_numpy()) for place, name in enumerate(names)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _read_column(name: str, array: np.ndarray[Any, Any]) -> list[Any]:
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ModelFailed(f"predict gave values of {name!r} that are not finite.")
        return list(array.astype(np.float64, copy=False).tolist())
    if array.dtype.kind in "iub":
        return list(array.tolist())
    return [_plain(name, value) for value in array.tolist()]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelFailed(f"predict gave values of {name!r} that are not finite.")
    if type(value) not in (str, bool, int, float):
        raise ModelFailed(f"predict gave a {type(value).__name__} in {name!r}, expected numbers, text or booleans.")
    return value
