"""Has a stored model measured in a fresh process: `prepare` repeated, and every benchmark scored.

A fresh process, with another hash seed, shows what depends on order or on leftovers; and two versions of the same
vendor code never meet in one interpreter. What that process does is in `measuring`; this side loads neither vendor
code nor what it needs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

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
        command = [sys.executable, "-m", "vendorkit.tracking.measuring", str(self._path / "job.json")]
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
