"""The process that measures: `python -m vendorkit.tracking.measuring JOB`.

It reads a job file and writes its answer beside it; it prints nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
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
from vendorkit.tracking.measurement import Job


def main(job_path: Path) -> None:
    """Do the job of a job file."""
    value = json.loads(job_path.read_text("utf-8"))
    job = Job(**value)
    answer: dict[str, Any] = {"prepared": "", "prepared_fault": "", "scores": {}, "faults": {}}
    pipeline, model, why = _load(job)
    if why or pipeline is None:
        answer["prepared_fault"] = why
        answer["faults"] = dict.fromkeys(job.benchmarks, why)
    else:
        if job.repeat_prepare:
            digest = _or_why(lambda: digest_frame(_prepare(pipeline, job, {})))
            key = "prepared" if str(digest).startswith("sha256:") else "prepared_fault"
            answer[key] = str(digest)
        for place, (name, (dataset, snapshot)) in enumerate(job.benchmarks.items()):
            scored = _or_why(partial(_score, pipeline, model, job, {dataset: snapshot}))
            if isinstance(scored, str):
                answer["faults"][name] = scored
                continue
            file = f"scores-{place}.npz"
            np.savez(job_path.parent / file, label=scored[0], score=scored[1])
            answer["scores"][name] = file
    making = job_path.parent / "answer.making"
    making.write_text(json.dumps(answer), encoding="utf-8")
    making.replace(job_path.parent / "answer.json")


def _load(job: Job) -> tuple[Pipeline | None, Any, str]:
    folder = Path(job.model_folder)
    try:
        pipeline = load_pipeline(folder / "code", job.module, needs=("predict",), shown=job.shown)
        model = load_model(folder, ModelFormat(name=job.format_name, types=tuple(job.format_types)))
    except VendorkitError as error:
        return None, None, _one_line(error)
    return pipeline, model, ""


def _prepare(pipeline: Pipeline, job: Job, instead: dict[str, str]) -> pd.DataFrame:
    """The prepared table of the model's datasets, with benchmarks in place of some of them."""
    snapshots = {**job.datasets, **instead}
    base = Path(job.base)
    frames = {name: read_frozen(Snapshot.parse(text, name), base) for name, text in snapshots.items()}
    if "prepare" in pipeline.functions:
        return pipeline.prepare(frames)
    return frames[next(iter(instead or snapshots))]


def _score(pipeline: Pipeline, model: Any, job: Job, instead: dict[str, str]) -> tuple[Any, Any]:
    frame = _prepare(pipeline, job, instead)
    missing = [name for name in [*job.features, *([job.label] if job.label else [])] if name not in frame]
    if missing:
        raise ValueError(f"the prepared table lacks {', '.join(missing)}")
    given = pipeline.predict(model, frame[job.features])
    score = given[("score" if "score" in given else given.columns[0])] if isinstance(given, pd.DataFrame) else given
    label = frame[job.label].to_numpy(dtype=float) if job.label else np.full(len(frame), np.nan)
    return label, np.asarray(score, dtype=float)


def _or_why(measure: Callable[[], Any]) -> Any:
    """A measurement, or the reason why there is none."""
    try:
        return measure()
    except VendorkitError as error:
        return _one_line(error)
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"


def _one_line(error: VendorkitError) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
