"""Train: run the vendor's pipeline under lineage; gives a candidate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vendorkit.adapters.pipeline import Pipeline, load_pipeline
from vendorkit.adapters.store import Candidate
from vendorkit.adapters.tables import digest_frame
from vendorkit.errors import BadInput, Fault
from vendorkit.tracking.recorder import Recorder, track

SAMPLE_ROWS = 50


def train(repo: Path | None = None, model: str | None = None) -> Candidate:
    """Prepare, train and store one candidate.

    Args:
        repo: The engagement; by default the nearest folder upwards with `engagement.yaml`.
        model: Id of the model surface; needed where the engagement has several.

    Raises:
        BadInput: The pipeline does not keep its contract (the vendor's own error is named with its line), or a
            dataset is not what was frozen.
    """
    with track("train", model=model, repo=repo) as run:
        surface = run.manifest.surface(run.model_id)
        pipeline = load_pipeline(run.repo / surface.path, surface.module)
        frames = {dataset: run.input(dataset) for dataset in surface.datasets}
        if not frames:
            raise BadInput("Train on what?", [Fault(f"surfaces: {surface.id}", "lists no datasets.")])
        rows_read = len(next(iter(frames.values())))
        prepared = pipeline.prepare(frames)
        run.prepared = digest_frame(prepared)
        features = _features(run, prepared, pipeline)
        _note_lost_rows(run, rows_read, len(prepared))
        run.features(features, frame=prepared)
        fitted = pipeline.train(prepared, run.seed)
        pipeline.predict(fitted, prepared[features].head(SAMPLE_ROWS).copy())
        return run.candidate(fitted, predict=pipeline.functions["predict"])


def _features(run: Recorder, prepared: pd.DataFrame, pipeline: Pipeline) -> list[str]:
    """All columns of the prepared table but the label, which must be there and complete."""
    where = f"{pipeline.folder.name}/{pipeline.module}.py prepare()"
    if run.label is None:
        fix = "Add `label: {column: ..., source: ...}` to one of the model's datasets in engagement.yaml."
        raise BadInput(
            "What is the label?", [Fault("datasets", "none of the model's datasets names a label.", fix)]
        )
    column = run.label.column
    if column not in prepared.columns:
        has = ", ".join(prepared.columns)
        raise BadInput(
            "The label is missing.", [Fault(where, f"returned no column {column!r}; it has: {has}.")]
        )
    missing = int(prepared[column].isna().sum())
    if missing:
        raise BadInput("The label has gaps.", [Fault(where, f"{column} is missing in {missing} rows.")])
    return [name for name in prepared.columns if name != column]


def _note_lost_rows(run: Recorder, rows_read: int, rows_left: int) -> None:
    """Rows that prepare() left out without saying why stand in the lineage as a filter without a reason."""
    explained = sum(step.rows_before - step.rows_after for step in run.filters)
    if rows_left < rows_read - explained:
        run.note_unexplained("prepare", rows_read - explained, rows_left)
