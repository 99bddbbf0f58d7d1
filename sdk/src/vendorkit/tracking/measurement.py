"""Has stored models measured apart from this process: one child for each measurement, so that none spoils another.

One process imports the libraries once, with a hash seed of its own, and forks a child for each measurement; vendor
code runs in the children only. What depends on order or on leftovers shows, two versions of the same vendor code
never meet, and what dies or hangs takes nothing else with it. What a child does is in `measures`; this side loads
neither vendor code nor what it needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

TIME_LIMIT_SECONDS = 1800
AT_ONCE = 2
"""Measurements that run side by side; those that are timed run alone."""

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """The stored model that is measured.

    Args:
        model_folder: Folder of a stored model with its `code/`.
        module: Module in `code/`.
        shown: How messages call the model's folder.
        format_name: Format of the stored model.
        format_types: Types that loading allows.
        base: The engagement, which the sources of snapshots are relative to.
        datasets: Dataset id to its snapshot (JSON), for all datasets of the model.
        label: Label column of the prepared table.
        features: Feature columns that the model is given.
        seed: The seed that it was trained with.
        task: `binary`, `multiclass`, `regression` or `forecasting`.
        contract: What its service takes (JSON); empty where no service is asked.
    """

    model_folder: str
    module: str
    shown: str
    format_name: str
    format_types: list[str]
    base: str
    datasets: dict[str, str]
    label: str | None
    features: list[str]
    seed: int = 0
    task: str = "binary"
    contract: str = ""


@dataclass(frozen=True)
class Job:
    """One measurement.

    Args:
        subject: The model.
        measure: Name of the measure in `measures.MEASURES`.
        given: What the measure needs besides, as JSON values.
    """

    subject: Subject
    measure: str
    given: dict[str, Any] = field(default_factory=dict)


class Measurements:
    """The process that measures. Use it in a `with`: it ends with all that it started.

    Args:
        limit_seconds: How long one measurement may take.
        spawn: Start a new interpreter for each measurement in place of a fork: slower, for systems where a fork is
            not safe after libraries are loaded.
    """

    def __init__(self, limit_seconds: float = TIME_LIMIT_SECONDS, *, spawn: bool = sys.platform == "darwin") -> None:
        self._limit_seconds = limit_seconds
        self._folder = tempfile.TemporaryDirectory(prefix="vendorkit-")
        self._path = Path(self._folder.name)
        self._number = 0
        command = [sys.executable, "-m", "vendorkit.tracking.measuring", *(["--spawn"] if spawn else [])]
        # Another seed than the one that trained, also where the surroundings fix it.
        environment = {**os.environ, "PYTHONHASHSEED": str(int.from_bytes(os.urandom(2)) + 1)}
        with (self._path / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what still runs, and let go. Does nothing the second time."""
        if self._process.stdin and self._process.stdout:
            self._process.stdin.close()  # the process ends its children and itself
            self._process.wait()
            self._process.stdout.close()
        self._folder.cleanup()

    @property
    def ended(self) -> bool:
        """Whether the process is gone: then nothing can be measured any more."""
        return self._process.poll() is not None

    def measure(
        self, jobs: Mapping[str, Job], *, at_once: int = AT_ONCE, told: Callable[[], None] = lambda: None
    ) -> dict[str, Found | str]:
        """Measure, and wait for all.

        Args:
            jobs: Measurements by name.
            at_once: How many run side by side.
            told: Called whenever one ended.

        Returns:
            By the same names what was found, or a text that says why it could not be measured.
        """
        waiting, found = dict(jobs), dict[str, "Found | str"]()
        folders: dict[str, str] = {}
        while waiting or folders:
            while waiting and len(folders) < at_once:
                name, job = next(iter(waiting.items()))
                folders[str(self._start(job))] = name
                del waiting[name]
            ended = self._next_ended()
            if ended is None:
                why = f"the measuring process gave no answer: {last_words(self._path / 'log.txt')}"
                return {**dict.fromkeys(jobs, why), **found}
            found[folders.pop(ended["folder"])] = _answer(Path(ended["folder"]), ended["how"])
            told()
        return found

    def _start(self, job: Job) -> Path:
        self._number += 1
        folder = self._path / str(self._number)
        folder.mkdir()
        (folder / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
        order = json.dumps({"folder": str(folder), "limit_seconds": self._limit_seconds})
        if self._process.stdin and not self.ended:
            try:
                self._process.stdin.write(order.encode() + b"\n")
                self._process.stdin.flush()
            except BrokenPipeError:  # it died: who waits for the answer hears of it
                pass
        return folder

    def _next_ended(self) -> dict[str, str] | None:
        """The next measurement that ended; None where the process died."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        return json.loads(line) if line.endswith(b"\n") else None


def arrays(found: Found) -> dict[str, Numbers]:
    """The arrays that a measurement left beside its answer."""
    return dict(found.get("arrays", {}))


def _answer(folder: Path, how: str) -> Found | str:
    answer = folder / "answer.json"
    if not answer.exists():
        words = last_words(folder / "log.txt")
        return f"the measuring process gave no answer ({how}){f': {words}' if words != SILENT else ''}"
    value = json.loads(answer.read_text("utf-8"))
    if value["fault"]:
        return str(value["fault"])
    found = dict(value["found"])
    if (folder / "arrays.npz").exists():
        with np.load(folder / "arrays.npz", allow_pickle=False) as saved:
            found["arrays"] = {name: saved[name] for name in saved.files}
    return found


SILENT = "it said nothing"


def last_words(path: Path) -> str:
    """The last line that a process wrote to a file."""
    with path.open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 2_000))
        lines = log.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else SILENT
