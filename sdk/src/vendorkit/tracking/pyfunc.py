"""Lets MLflow's own tools load a release as a plain pyfunc model.

This way verifies nothing: whoever needs the guarantees of a release uses `vendorkit serve` or `trace`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import Pipeline, load_pipeline
from vendorkit.adapters.store import read_record
from vendorkit.errors import Fault, Refused
from vendorkit.records.run import Run


class PyfuncModel:
    """A loaded release with the one method that MLflow calls."""

    def __init__(self, pipeline: Pipeline, model: Any) -> None:
        self._pipeline = pipeline
        self._model = model

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any] | pd.DataFrame:
        return self._pipeline.predict(self._model, frame)


def _load_pyfunc(path: str) -> PyfuncModel:
    folder = Path(path)
    run = read_record(Run, folder / "run.json")
    if run.model_format.carries_code:
        fault = Fault("model_format", f"is {run.model_format.name}, which carries code.")
        raise Refused("Nothing is verified here, so this model is not loaded.", [fault], fix="Use `vendorkit serve`.")
    pipeline = load_pipeline(folder / "code", run.code.module, needs=("predict",))
    return PyfuncModel(pipeline, load_model(folder, run.model_format))
