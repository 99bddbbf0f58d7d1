"""Measures a stored model in a fresh process: `prepare` repeated, and every benchmark scored.

A fresh process, with another hash seed, shows what depends on order or on leftovers; and two versions of the same
vendor code never meet in one interpreter. `python -m vendorkit.tracking.measurement JOB` is that process: it
reads a job file and writes its answer beside it; it prints nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
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

TIME_LIMIT_SECONDS = 1800


@dataclass(frozen=True)
class Job:
    """What is measured.

    Args:
        model_folder: Folder of a stored model with its `code/`.
        module: Module in `code/`.
        shown: How messages call the model's folder.
        format_name: Format of the stored model.
        format_types: Types that loading allows.
        base: The engagement, which the sources of snapshots are relative to.
        datasets: Dataset id to its snapshot (JSON), for all datasets of the model.
        benchmarks: Benchmark id to the dataset id that it stands in for, and its own snapshot (JSON).
        label: Label column of the prepared table.
        features: Feature columns that the model is given.
        repeat_prepare: Whether to prepare the training data again.
    """

    model_folder: str
    module: str
    shown: str
    format_name: str
    format_types: list[str]
    base: str
    datasets: dict[str, str]
    benchmarks: dict[str, tuple[str, str]]
    label: str | None
    features: list[str]
    repeat_prepare: bool


@dataclass(frozen=True)
class Measured:
    """What came out. A text in place of a value says why it could not be measured.

    Args:
        prepared: Content digest of `prepare` on the training data.
        scores: By benchmark: labels and scores, each of shape `(n_rows,)`, or why not.
    """

    prepared: str = ""
    prepared_fault: str = ""
    scores: dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | str] = field(default_factory=dict)


class Measurement:
    """A measurement under way; several may run side by side.

    Args:
        job: What is measured.
        limit_seconds: How long `wait` waits at most.
    """

    def __init__(self, job: Job, limit_seconds: float = TIME_LIMIT_SECONDS) -> None:
        self._job = job
        self._limit_seconds = limit_seconds
        self._folder = tempfile.TemporaryDirectory(prefix="vendorkit-")
        self._path = Path(self._folder.name)
        (self._path / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
        command = [sys.executable, "-m", "vendorkit.tracking.measurement", str(self._path / "job.json")]
        environment = {**os.environ, "PYTHONHASHSEED": str(int.from_bytes(os.urandom(2)) + 1)}
        self._log = (self._path / "log.txt").open("wb")
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # so that it can be ended with all processes that it starts
        )

    def wait(self) -> Measured:
        """The answer; a process that died or ran too long is an answer too."""
        try:
            ended = _ended(self._process.wait(self._limit_seconds))
        except subprocess.TimeoutExpired:
            ended = f"no answer after {self._limit_seconds:g} s"
        self._end()
        try:
            return self._read(ended)
        finally:
            self._folder.cleanup()

    def cancel(self) -> None:
        """Stop it, where the caller gives up. Does nothing after `wait`."""
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def _read(self, ended: str) -> Measured:
        answer = self._path / "answer.json"
        if not answer.exists():
            why = f"the measuring process gave no answer ({ended}): {self._last_words()}"
            return Measured(prepared_fault=why, scores=dict.fromkeys(self._job.benchmarks, why))
        value = json.loads(answer.read_text("utf-8"))
        scores: dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | str] = dict(value["faults"])
        for name, file in value["scores"].items():
            with np.load(self._path / file, allow_pickle=False) as arrays:
                scores[name] = (arrays["label"], arrays["score"])
        return Measured(value["prepared"], value["prepared_fault"], scores)

    def _last_words(self) -> str:
        with (self._path / "log.txt").open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 2_000))
            lines = log.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}{', perhaps for want of memory' if name == 'SIGKILL' else ''}"


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
