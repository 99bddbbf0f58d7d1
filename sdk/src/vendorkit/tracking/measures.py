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
from vendorkit.tracking.rows import Coded, columns_of

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
        return self._prepared(self.raw(instead), instead)[0]

    def _prepared(
        self, frames: dict[str, pd.DataFrame], instead: Mapping[str, str] | None
    ) -> tuple[pd.DataFrame, pd.Index[Any]]:
        pipeline = self.pipeline
        if "prepare" in pipeline.functions:
            return pipeline.prepare_rows(frames)
        frame = frames[next(iter(instead or frames))]
        return frame, frame.index

    def rows(self, benchmark: Mapping[str, str]) -> pd.DataFrame:
        """The prepared rows of a benchmark.

        Args:
            benchmark: The dataset that it stands in for, and its snapshot.

        Raises:
            ValueError: Features or the label are not there.
        """
        return self.rows_and_columns(benchmark, [])[0]

    def rows_and_columns(
        self, benchmark: Mapping[str, str], columns: list[str]
    ) -> tuple[pd.DataFrame, dict[str, Coded | str]]:
        """The prepared rows of a benchmark, and columns of it beside them, row for row.

        Args:
            benchmark: As for `rows`.
            columns: Names of columns of the benchmark, which the model need not be given.

        Raises:
            ValueError: As for `rows`.
        """
        frames = self.raw(benchmark)
        frame, index = self._prepared(frames, benchmark)
        wanted = [*self.subject.features, *([self.subject.label] if self.subject.label else [])]
        missing = [name for name in wanted if name not in frame]
        if missing:
            raise ValueError(f"the prepared table lacks {', '.join(missing)}")
        return frame, columns_of(frames[next(iter(benchmark))], frame, index, self.subject.label, columns)

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
    """Labels, scores and wanted columns of a benchmark.

    Columns come as the arrays `levels-0` and `codes-0`, the number by name in `columns`; or as the reason why not.
    """
    rows, columns = measuring.rows_and_columns(given["benchmark"], given.get("columns", []))
    coded: dict[str, np.ndarray[Any, Any]] = {}
    for place, found in enumerate(columns.values()):
        if not isinstance(found, str):
            coded[f"levels-{place}"], coded[f"codes-{place}"] = found
    np.savez(measuring.folder / "arrays.npz", label=measuring.label(rows), score=measuring.score(rows), **coded)  # type: ignore[arg-type]
    said = {name: found if isinstance(found, str) else at for at, (name, found) in enumerate(columns.items())}
    return {"rows": len(rows), "columns": said}


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
