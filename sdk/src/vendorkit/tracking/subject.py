"""The model that is measured: its code and its tables, and how its rows are prepared and scored.

This runs vendor code, so it runs in a child of `measuring` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import Pipeline, load_pipeline
from vendorkit.adapters.tables import read_frozen
from vendorkit.errors import BadInput, Fault
from vendorkit.records.class_scores import unfit
from vendorkit.records.run import ModelFormat
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import Subject
from vendorkit.tracking.rows import Coded, columns_of

BATCH_ROWS = 65_536

Scores = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Measuring:
    """The model that is measured, loaded when it is first needed.

    Args:
        subject: What to load.
        folder: Where the measurement may leave files.
        fitted: A model in place of the stored one.
    """

    subject: Subject
    folder: Path
    fitted: Any = None

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stored code, with at least `predict`."""
        place = Path(self.subject.model_folder) / "code"
        return load_pipeline(place, self.subject.module, needs=("predict",), shown=self.subject.shown)

    @cached_property
    def model(self) -> Any:
        """The stored model, or the one in its place."""
        if self.fitted is not None:
            return self.fitted
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
        return self.prepared_rows(self.raw(instead), instead)[0]

    def prepared_rows(
        self, frames: dict[str, pd.DataFrame], instead: Mapping[str, str] | None
    ) -> tuple[pd.DataFrame, pd.Index[Any]]:
        """What `prepare` makes of tables, and the index that it gave the rows."""
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
            BadInput: Features or the label are not there.
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
            BadInput: As for `rows`.
        """
        frames = self.raw(benchmark)
        frame, index = self.prepared_rows(frames, benchmark)
        self.complete(frame)
        return frame, columns_of(frames[next(iter(benchmark))], frame, index, self.subject.label, columns)

    def complete(self, frame: pd.DataFrame) -> None:
        """Refuse a prepared table without the features or the label.

        Raises:
            BadInput: Some are not there.
        """
        wanted = [*self.subject.features, *([self.subject.label] if self.subject.label else [])]
        missing = [name for name in wanted if name not in frame]
        if missing:
            raise BadInput(f"the prepared table lacks {', '.join(missing)}.")

    def score(self, rows: pd.DataFrame, *, first: int = 0) -> Scores:
        """Scores of prepared rows as they are, float64, shape `(n_rows,)`; in batches, so that memory does not grow.

        Args:
            rows: Prepared rows.
            first: Rows that stand before them, so that messages name the right one.

        Raises:
            BadInput: `predict` broke its contract or wrote to its input, or raised: the row is named.
        """
        if self.subject.task == "multiclass":
            raise BadInput("this is asked of models that give one score for each row, not one for each class.")
        return np.concatenate([self._one(given) for given in self._said(rows, first)])

    def probabilities(self, rows: pd.DataFrame, *, first: int = 0) -> tuple[Scores, list[str]]:
        """The probability of each class, float64, shape `(n_rows, k)`, and the classes, of a multiclass model.

        Raises:
            BadInput: As for `score`, or `predict` gives no table with a column for each class.
        """
        tables = []
        for given in self._said(rows, first):
            if not isinstance(given, pd.DataFrame) or len(given.columns) < 2:
                raise self.pipeline.broken("predict", "must give a table with a column for each class.")
            tables.append(given)
        together = pd.concat(tables)
        return together.to_numpy(dtype=float), [str(name) for name in together.columns]

    def classes(self, rows: pd.DataFrame, names: list[str]) -> Scores:
        """The number of each row's class, -1 where it is none of those named."""
        known = {name: place for place, name in enumerate(names)}
        values = rows[str(self.subject.label)]
        if pd.api.types.is_float_dtype(values.dtype) and (values % 1 == 0).all():
            values = values.astype("int64")
        return np.array([known.get(str(value), -1) for value in values], dtype=np.float64)

    def judged(self, rows: pd.DataFrame, *, first: int = 0) -> Scores:
        """The scores of prepared rows, as `score` gives them, every one fit to be judged.

        Raises:
            BadInput: As for `score`, or a score is not fit: its row is named.
        """
        scores = self.score(rows, first=first)
        bad = np.flatnonzero(~self.fit(scores))
        if len(bad):
            wanted = "a probability, from 0 to 1" if self.subject.task == "binary" else "a number"
            says = f"gives {scores[bad[0]]:g} in row {first + int(bad[0]) + 1}, expected {wanted}."
            raise self.pipeline.broken("predict", says)
        return scores

    def judged_answers(self, rows: pd.DataFrame) -> Scores:
        """What the model says, fit to be judged: scores `(n_rows,)`, or probabilities `(n_rows, k)` of classes.

        Raises:
            BadInput: As for `judged` or `probabilities`, or probabilities are not fit: the row is named.
        """
        if self.subject.task != "multiclass":
            return self.judged(rows)
        score, classes = self.probabilities(rows)
        if why := unfit(np.zeros(len(score)), score, classes):
            raise self.pipeline.broken("predict", f"{why}.")
        return score

    def fit(self, scores: Scores) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which scores can be judged: finite ones, and of a binary task those from 0 to 1; shape `(n_rows,)`."""
        fit: np.ndarray[Any, np.dtype[np.bool_]] = np.isfinite(scores)
        return fit & (scores >= 0.0) & (scores <= 1.0) if self.subject.task == "binary" else fit

    def _said(self, rows: pd.DataFrame, first: int) -> Iterator[np.ndarray[Any, Any] | pd.DataFrame]:
        """What `predict` gives, batch for batch."""
        given = rows[self.subject.features]
        for at in range(0, len(given), BATCH_ROWS):
            yield self._batch(given.iloc[at : at + BATCH_ROWS], first + at)

    def _one(self, given: np.ndarray[Any, Any] | pd.DataFrame) -> Scores:
        if isinstance(given, pd.DataFrame):
            given = given["score" if "score" in given else given.columns[0]].to_numpy()
        return np.asarray(given, dtype=float)

    def _batch(self, rows: pd.DataFrame, first: int) -> np.ndarray[Any, Any] | pd.DataFrame:
        lent = rows.reset_index(drop=True)
        before = lent.copy()
        try:
            given = self.pipeline.predict(self.model, lent, lend=True)
        except BadInput as error:
            raise self._placed(error, before, first) from error
        if not lent.equals(before):
            changed = [name for name in before if name not in lent or not lent[name].equals(before[name])]
            raise self.pipeline.broken(
                "predict", f"writes to the table that it is given: {', '.join(map(str, changed))}."
            )
        return given

    def _placed(self, error: BadInput, rows: pd.DataFrame, first: int) -> BadInput:
        """The error of a batch, with the first row that raises it alone, found by halving."""
        if error.__cause__ is None:
            return error  # it gave something that is not fit
        low, high = 0, len(rows)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._raises(rows.iloc[low:middle]) else (middle, high)
        if not self._raises(rows.iloc[low:high]):
            return error  # no single row does: it is the table as a whole
        says = f"The first such row is row {first + low + 1}."
        named = [Fault(fault.where, f"{fault.says.rstrip('.')}. {says}", fault.fix) for fault in error.faults]
        return BadInput(error.says, named, fix=error.fix)

    def _raises(self, rows: pd.DataFrame) -> bool:
        try:
            self.pipeline.predict(self.model, rows.reset_index(drop=True))
        except BadInput:
            return True
        return False

    def label(self, rows: pd.DataFrame) -> Scores:
        """The labels of prepared rows; NaN for a model without a label."""
        column = self.subject.label
        return rows[column].to_numpy(dtype=float) if column else np.full(len(rows), np.nan)
