"""Train: run the vendor's pipeline under lineage; gives a candidate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vendorkit.adapters.models import usable
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.pipeline import Pipeline, load_pipeline, outliving
from vendorkit.adapters.store import Candidate
from vendorkit.adapters.tables import digest_frame
from vendorkit.documents.openlineage import train_events
from vendorkit.errors import BadInput, Fault
from vendorkit.standards.policy import code_formats
from vendorkit.tracking.recorder import Recorder, track

SAMPLE_ROWS = 50
MOST_SHOWN = 5


def train(repo: Path | None = None, model: str | None = None) -> Candidate:
    """Prepare, train and store one candidate.

    Args:
        repo: The engagement; by default the nearest folder upwards with `engagement.yaml`.
        model: Id of the model surface; needed where the engagement has several.

    Raises:
        BadInput: The pipeline does not keep its contract (the vendor's own error is named with its line), or a
            dataset is not what was frozen.
    """
    with track("train", model=model, repo=repo, allows=code_formats) as run, outliving():
        surface = run.manifest.surface(run.model_id)
        pipeline = load_pipeline(run.repo / surface.path, surface.module, shown=surface.path)
        frames = {dataset: run.input(dataset) for dataset in surface.datasets}
        if not frames:
            raise BadInput("Train on what?", [Fault(f"surfaces: {surface.id}", "lists no datasets.")])
        rows_read = len(next(iter(frames.values())))
        prepared = pipeline.prepare(frames)
        run.prepared = digest_frame(prepared)
        label = _label(run)
        _check_label(pipeline, prepared, label, run.task)
        _note_lost_rows(run, rows_read, len(prepared))
        features = [name for name in prepared.columns if name != label]
        run.features(features, frame=prepared)
        fitted = pipeline.train(prepared, run.seed)
        pipeline.predict(usable(fitted), prepared[features].head(SAMPLE_ROWS))
        candidate = run.candidate(fitted, predict=pipeline.functions["predict"])
    send(run.repo, lambda: train_events(run.manifest, candidate.run, candidate.features, candidate.snapshots))
    return candidate


def _label(run: Recorder) -> str:
    if run.label is None:
        fix = "Add `label: {column: ..., source: ...}` to one of the model's datasets in engagement.yaml."
        raise BadInput("What is the label?", [Fault("datasets", "none of the model's datasets names a label.", fix)])
    return run.label.column


def _check_label(pipeline: Pipeline, prepared: pd.DataFrame, label: str, task: str) -> None:
    """The label must be there, complete, and for a binary task 0 or 1."""
    if label not in prepared.columns:
        raise pipeline.broken("prepare", f"returned no label {label!r}; it has: {', '.join(prepared.columns)}.")
    column = prepared[label]
    missing = int(column.isna().sum())
    if missing:
        raise pipeline.broken("prepare", f"returned no label {label!r} in {missing} of {len(column)} rows.")
    if task == "binary" and not column.isin([0, 1]).all():
        found = sorted(str(value) for value in column[~column.isin([0, 1])].unique())
        listed = ", ".join(found[:MOST_SHOWN]) + (", ..." if len(found) > MOST_SHOWN else "")
        raise pipeline.broken("prepare", f"returned a label {label!r} with {listed}; a binary task has 0 and 1.")


def _note_lost_rows(run: Recorder, rows_read: int, rows_left: int) -> None:
    """Rows that prepare() left out without saying why stand in the lineage as a filter without a reason."""
    explained = sum(step.rows_before - step.rows_after for step in run.filters)
    if rows_left < rows_read - explained:
        run.note_unexplained("prepare", rows_read - explained, rows_left)
