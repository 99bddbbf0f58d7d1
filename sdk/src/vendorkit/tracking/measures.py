"""What a measuring process does: one small function for each measure, and the dict of them.

They run vendor code, so they run in a child of `measuring` only. Each is given the model and a folder of its own,
and gives plain JSON values, with arrays beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import Pipeline, load_pipeline
from vendorkit.adapters.tables import digest_frame, read_frozen
from vendorkit.errors import VendorkitError
from vendorkit.records.run import ModelFormat
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import Subject

Scores = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Measuring:
    """The model that is measured, loaded when it is first needed.

    Args:
        subject: What to load.
        folder: Where the measurement may leave files.
    """

    subject: Subject
    folder: Path

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stored code, with at least `predict`."""
        place = Path(self.subject.model_folder) / "code"
        return load_pipeline(place, self.subject.module, needs=("predict",), shown=self.subject.shown)

    @cached_property
    def model(self) -> Any:
        """The stored model."""
        stored = ModelFormat(name=self.subject.format_name, types=tuple(self.subject.format_types))
        _ = self.pipeline  # classes of the vendor's must be there before the model that has them
        return load_model(Path(self.subject.model_folder), stored)

    def raw(self, instead: Mapping[str, str] | None = None) -> dict[str, pd.DataFrame]:
        """The tables of the model, verified; `instead` has snapshots in place of some of them."""
        snapshots = {**self.subject.datasets, **(instead or {})}
        base = Path(self.subject.base)
        return {name: read_frozen(Snapshot.parse(text, name), base) for name, text in snapshots.items()}

    def prepared(self, instead: Mapping[str, str] | None = None) -> pd.DataFrame:
        """What `prepare` gives; a model without one is given its first table."""
        pipeline = self.pipeline
        frames = self.raw(instead)
        if "prepare" in pipeline.functions:
            return pipeline.prepare(frames)
        return frames[next(iter(instead or frames))]

    def rows(self, benchmark: Mapping[str, str]) -> pd.DataFrame:
        """The prepared rows of a benchmark.

        Args:
            benchmark: The dataset that it stands in for, and its snapshot.

        Raises:
            ValueError: Features or the label are not there.
        """
        frame = self.prepared(benchmark)
        wanted = [*self.subject.features, *([self.subject.label] if self.subject.label else [])]
        missing = [name for name in wanted if name not in frame]
        if missing:
            raise ValueError(f"the prepared table lacks {', '.join(missing)}")
        return frame

    def score(self, rows: pd.DataFrame) -> Scores:
        """The scores of prepared rows, float64, shape `(n_rows,)`."""
        given = self.pipeline.predict(self.model, rows[self.subject.features])
        if isinstance(given, pd.DataFrame):
            given = given["score" if "score" in given else given.columns[0]].to_numpy()
        return np.asarray(given, dtype=float)

    def label(self, rows: pd.DataFrame) -> Scores:
        """The labels of prepared rows; NaN for a model without a label."""
        column = self.subject.label
        return rows[column].to_numpy(dtype=float) if column else np.full(len(rows), np.nan)


Measure = Callable[[Measuring, dict[str, Any]], dict[str, Any]]


def prepare(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """The digest of `prepare`'s table of the training data."""
    return {"digest": digest_frame(measuring.prepared())}


def score(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Labels and scores of a benchmark."""
    rows = measuring.rows(given["benchmark"])
    np.savez(measuring.folder / "arrays.npz", label=measuring.label(rows), score=measuring.score(rows))
    return {"rows": len(rows)}


MEASURES: dict[str, Measure] = {"prepare": prepare, "score": score}


def answer_job(folder: Path) -> None:
    """Do the job of a folder and leave the answer there, whole or not at all."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    measuring = Measuring(Subject(**job["subject"]), folder)
    found, fault = {}, ""
    try:
        found = MEASURES[job["measure"]](measuring, job["given"])
    except VendorkitError as error:
        fault = " ".join(str(error).split())
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        fault = f"{type(error).__name__}: {error}"
    making = folder / "answer.making"
    making.write_text(json.dumps({"found": found, "fault": fault}), encoding="utf-8")
    making.replace(folder / "answer.json")
