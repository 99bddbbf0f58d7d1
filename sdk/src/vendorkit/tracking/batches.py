"""A benchmark scored batch by batch, in constant memory: for those that do not fit, and on Spark.

`prepare` is given a batch of the benchmark, and the other tables whole; that it treats a row without looking at
the others is tried on the first rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from vendorkit.adapters.tables import ROW, batch_frame, first_rows, frozen_batches, read_frozen, write_batches
from vendorkit.adapters.tables.engines import FAULT
from vendorkit.errors import BadInput, VendorkitError
from vendorkit.records.class_scores import SAID, class_column, unfit
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking import plan
from vendorkit.tracking.measurement import Subject
from vendorkit.tracking.rows import values_of
from vendorkit.tracking.subject import Measuring

TRIED_ROWS = 1_000
NUMBER, TEXT = "number", "text"


@dataclass(frozen=True)
class InBatches:
    """A benchmark that is scored in batches.

    Args:
        measuring: The model.
        benchmark: The dataset that it stands in for, and its snapshot.
        columns: Columns that are kept beside the scores, `number` or `text`.
        classes: The classes that `predict` tells apart, in order; empty for a task without.
    """

    measuring: Measuring
    benchmark: Mapping[str, str]
    columns: Mapping[str, str]
    classes: tuple[str, ...] = ()

    @cached_property
    def snapshot(self) -> Snapshot:
        """What is scored."""
        name, text = next(iter(self.benchmark.items()))
        return Snapshot.parse(text, name)

    @cached_property
    def others(self) -> dict[str, pd.DataFrame]:
        """The model's other tables, whole."""
        subject = self.measuring.subject
        others = {name: text for name, text in subject.datasets.items() if name not in self.benchmark}
        return {name: read_frozen(Snapshot.parse(text, name), Path(subject.base)) for name, text in others.items()}

    @property
    def schema(self) -> pa.Schema:
        """Columns of what is written: row, label, score, what is said of classes, and those that are kept."""
        kept = [(name, pa.float64() if kind == NUMBER else pa.string()) for name, kind in self.columns.items()]
        numbers = ["label", "score", *([SAID] if self.classes else []), *map(class_column, range(len(self.classes)))]
        return pa.schema([(ROW, pa.int64()), *((name, pa.float64()) for name in numbers), *kept])

    def prepared(self, raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.Index[Any]]:
        """What `prepare` makes of a batch, and the index that tells which row came from where."""
        return self.measuring.prepared_rows({**self.others, next(iter(self.benchmark)): raw}, self.benchmark)

    def scored(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Row numbers, labels, scores and kept columns of a batch.

        Raises:
            VendorkitError: The pipeline failed or does not keep its contract.
        """
        raw = batch_frame(batch, self.snapshot)
        rows, index = self.prepared(raw)
        measuring = self.measuring
        measuring.complete(rows)
        numbers = np.asarray(index) if index.is_unique and index.isin(raw.index).all() else None
        if numbers is None:
            if len(rows) != len(raw):
                raise BadInput("`prepare` dropped rows and numbered the rest anew; keep the index of the rows.")
            numbers = raw.index.to_numpy()
        kept = values_of(raw, rows, index, measuring.subject.label, list(self.columns))
        arrays = [pa.array(numbers, pa.int64()), *map(pa.array, self._judged(rows, int(raw.index[0])))]
        for name, kind in self.columns.items():
            values = kept[name]
            if isinstance(values, str):
                raise BadInput(f"column {name!r} cannot be used: {values.rstrip('.')}.")
            arrays.append(_array(values, kind))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _judged(self, rows: pd.DataFrame, first: int) -> list[np.ndarray[Any, Any]]:
        """Labels and scores; of classes the label's number, its probability, the most probable, and all of them."""
        measuring = self.measuring
        if not self.classes:
            return [measuring.label(rows), measuring.score(rows, first=first)]
        score, classes = measuring.probabilities(rows, first=first)
        if tuple(classes) != self.classes:
            raise BadInput(f"`predict` gives the classes {', '.join(classes)}, before {', '.join(self.classes)}.")
        label = measuring.classes(rows, classes)
        if why := unfit(label, score, classes, first):
            raise BadInput(f"{why}.")
        own = score[np.arange(len(label)), label.astype(np.int64)]
        return [label, own, np.argmax(score, axis=1).astype(np.float64), *score.T]


def _array(values: pd.Series[Any], kind: str) -> pa.Array:
    if kind == NUMBER:
        return pa.array(values.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
    return pa.array(
        [None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)], pa.string()
    )


def prepared_batches(measuring: Measuring, benchmark: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """The prepared rows of a benchmark: all at once where they fit into memory, else batch for batch.

    Raises:
        BadInput: They do not fit, and `prepare` gives other rows when it is given fewer; or features are not there.
    """
    scoring = InBatches(measuring, benchmark, {})
    if scoring.snapshot.rows <= plan.MOST_ROWS:
        yield measuring.rows(benchmark)
        return
    tried(measuring, benchmark, [])
    for batch in frozen_batches(scoring.snapshot, Path(measuring.subject.base)):
        rows = scoring.prepared(batch_frame(batch, scoring.snapshot))[0]
        measuring.complete(rows)
        yield rows


def prepared_head(measuring: Measuring, benchmark: Mapping[str, str], number: int) -> pd.DataFrame:
    """At most so many prepared rows from the beginning of a benchmark; all of its rows are verified.

    Raises:
        BadInput: As for `prepared_batches`.
    """
    scoring = InBatches(measuring, benchmark, {})
    if scoring.snapshot.rows <= plan.MOST_ROWS:
        return measuring.rows(benchmark).head(number)
    batches = frozen_batches(scoring.snapshot, Path(measuring.subject.base))
    rows = scoring.prepared(batch_frame(next(batches), scoring.snapshot))[0]
    measuring.complete(rows)
    for _ in batches:
        pass
    return rows.head(number)


def tried(measuring: Measuring, benchmark: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Any]:
    """What the first rows tell: `columns` with the kind of each wanted one, and `classes`, where there are any.

    In place of a kind a text with a space says why the column cannot be had.

    Raises:
        BadInput: `prepare` gives other rows when it is given fewer.
    """
    trial = InBatches(measuring, benchmark, {})
    raw = batch_frame(first_rows(trial.snapshot, Path(measuring.subject.base), TRIED_ROWS), trial.snapshot)
    whole, index = trial.prepared(raw)
    middle = (len(raw) + 1) // 2
    parts = [trial.prepared(part)[0] for part in (raw.iloc[:middle], raw.iloc[middle:]) if len(part)]
    together = pd.concat(parts, ignore_index=True)
    if not same(together, whole):
        raise BadInput(
            "`prepare` gives a row other values when other rows are away, so it cannot be asked in batches, and this "
            "benchmark is too large for memory; move what it learns of all rows into `train`."
        )
    found = values_of(raw, whole, index, measuring.subject.label, list(wanted))
    kinds = {name: values if isinstance(values, str) else _kind(values) for name, values in found.items()}
    if measuring.subject.task != "multiclass":
        return {"columns": kinds}
    measuring.complete(whole)
    return {"columns": kinds, "classes": measuring.probabilities(whole)[1]}


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables have the same columns and values, row for row."""
    try:
        pd.testing.assert_frame_equal(one, other, check_dtype=False, check_exact=True, check_categorical=False)
    except AssertionError:
        return False
    return True


def _kind(values: pd.Series[Any]) -> str:
    number = pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)
    return NUMBER if number else TEXT


def score_in_batches(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Score a benchmark in batches to the Parquet file `target`, which holds what `InBatches` says."""
    first = tried(measuring, given["benchmark"], given.get("columns", []))
    scoring = InBatches(measuring, given["benchmark"], fit(first["columns"]), tuple(first.get("classes", ())))
    batches = frozen_batches(scoring.snapshot, Path(measuring.subject.base))
    rows = write_batches(Path(given["target"]), scoring.schema, (scoring.scored(batch) for batch in batches))
    return {"rows": rows, **first}


def column_kinds(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Kinds of the wanted columns, for who scores elsewhere."""
    return tried(measuring, given["benchmark"], given.get("columns", []))


def fit(kinds: Mapping[str, str]) -> dict[str, str]:
    """The columns that can be had."""
    return {name: kind for name, kind in kinds.items() if kind in (NUMBER, TEXT)}


@dataclass(frozen=True)
class Scoring:
    """Scores batches wherever it is sent; the model is loaded there."""

    subject: Subject
    benchmark: dict[str, str]
    columns: dict[str, str]
    classes: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Columns of what it gives."""
        return self._in_batches(Path()).schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of frozen rows in, batches of scores out."""
        with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
            scoring = self._in_batches(Path(folder))
            for batch in batches:
                if not len(batch):
                    continue
                try:
                    yield scoring.scored(batch)
                except VendorkitError as error:
                    raise RuntimeError(FAULT + " ".join(str(error).split())) from error

    def _in_batches(self, folder: Path) -> InBatches:
        return InBatches(Measuring(replace(self.subject), folder), self.benchmark, self.columns, self.classes)
