"""The `track` hooks: record inputs, filters, features, label, seed, code and environment while a model is made."""

from __future__ import annotations

import inspect
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uuid_utils

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import find_engagement, read_manifest, recorded_answers
from vendorkit.adapters.environment import environment
from vendorkit.adapters.models import save_model, usable
from vendorkit.adapters.pipeline import Pipeline, Place, is_loading, load_pipeline, mismatch
from vendorkit.adapters.store import (
    Candidate,
    Store,
    describe_file,
    differing_files,
    list_files,
    list_sources,
    read_record,
)
from vendorkit.adapters.tables import read_frozen
from vendorkit.errors import BadInput, Fault
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_json
from vendorkit.records.features import FeatureSet
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Artifact, Code, Filter, Input, Label, ModelFormat, Person, Run, Template
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.describe import describe_features
from vendorkit.tracking.golden import golden_rows

DEFAULT_SEED = 0
"""Seed where the manifest does not declare `reproduce.seed` yet."""

_current: ContextVar[Recorder | None] = ContextVar("vendorkit_run", default=None)


class Recorder:
    """One run while it is recorded. Made by `track`.

    Author, code and commit are those of the beginning: what is edited or committed while a model trains did not
    make it.
    """

    def __init__(
        self, repo: Path, manifest: Manifest, model_id: str, stage: str, code_formats: tuple[str, ...] = ()
    ) -> None:
        self.repo = repo
        self.manifest = manifest
        self.model_id = model_id
        self.stage = stage
        self._code_formats = code_formats
        self.seed = manifest.reproduce.seed if manifest.reproduce else DEFAULT_SEED
        self.task = manifest.surface(model_id).task or "binary"
        self.prepared: str | None = None
        self._started_at = now()
        self._clock = time.monotonic()
        self._author = repository.identity(repo)
        self._head = repository.head(repo)
        self._was_dirty = repository.is_dirty(repo)
        self._sources = self._list_sources()
        self._inputs: dict[str, Input] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._filters: list[Filter] = []
        self._parameters: dict[str, str | int | float | bool] = {}
        self._label: Label | None = None
        self._features: FeatureSet | None = None
        self._frame: pd.DataFrame | None = None

    def input(self, dataset: str, *, label: str | None = None) -> pd.DataFrame:
        """Read a dataset of the manifest, verified against its snapshot.

        Args:
            dataset: Id of the dataset.
            label: Source of its label, where the manifest does not name it.

        Raises:
            BadInput: The model may not use it, it has no snapshot yet, it cannot be read, or its content is not
                what was frozen; every difference is named.
        """
        entry = self.manifest.dataset(dataset)
        if dataset not in self.manifest.surface(self.model_id).datasets:
            fix = f"List it under `datasets` of surface {self.model_id} in engagement.yaml."
            raise BadInput("Not a dataset of this model.", [Fault(f"datasets: {dataset}", "is not listed.", fix)])
        if not (self.repo / entry.pointer).exists():
            fix = f"Run `vendorkit snapshot {dataset}` and commit {entry.pointer}."
            raise BadInput("The dataset is not frozen yet.", [Fault(entry.pointer, "does not exist.", fix)])
        snapshot = read_record(Snapshot, self.repo / entry.pointer, entry.pointer)
        frame = read_frozen(snapshot, self.repo)
        self._inputs[dataset] = Input(
            dataset=dataset,
            snapshot=snapshot.digest,
            content_digest=snapshot.content_digest,
            rows=snapshot.rows,
            taken_at=snapshot.taken_at,
        )
        self._snapshots[dataset] = snapshot
        if entry.label and entry.label.column:
            policy = entry.label.policy or ""
            self._label = Label(column=entry.label.column, source=label or entry.label.source, policy=policy)
        self._frame = frame
        return frame

    def filter(self, name: str, before: pd.DataFrame, after: pd.DataFrame, *, reason: str) -> pd.DataFrame:
        """Record rows that were left out, and why. Gives `after`.

        Raises:
            BadInput: No reason, or more rows after than before.
        """
        faults = []
        if not reason.strip():
            faults.append(Fault(f"filter: {name}", "has no reason; say why these rows are left out."))
        if len(after) > len(before):
            faults.append(Fault(f"filter: {name}", f"gives {len(after)} rows from {len(before)}."))
        if faults:
            raise BadInput("The filter cannot be recorded.", faults)
        self._filters.append(Filter(name=name, reason=reason, rows_before=len(before), rows_after=len(after)))
        self._frame = after
        return after

    def features(self, names: Sequence[str], *, frame: pd.DataFrame | None = None) -> None:
        """Record which columns the model is given, in order.

        Args:
            names: Column names.
            frame: The training rows; by default the table that `input` or `filter` gave last.

        Raises:
            BadInput: No table was read yet, a column is missing or of another type, or it is the label.
        """
        rows = frame if frame is not None else self._frame
        if rows is None:
            raise BadInput("Features of what?", [Fault("features", "no table was read yet.", "Call input() first.")])
        if self._label is not None and self._label.column in names:
            says = f"{self._label.column}: is the label, which nobody knows yet when the model is asked."
            raise BadInput("The label is no feature.", [Fault("features", says, "Leave it out.")])
        definition = digest_json([source.model_dump() for source in self._sources])
        self._features = describe_features(self.model_id, rows, names, definition)

    def parameters(self, **values: str | float | bool) -> None:
        """Record training parameters by name: text, finite numbers, true or false.

        Raises:
            BadInput: Values of another type; all are named.
        """
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
        faults = [
            Fault(f"parameters: {name}", f"is {value!r}, expected text, a finite number, true or false.")
            for name, value in plain.items()
            if not isinstance(value, str | int | float | bool) or _beyond_json(value)
        ]
        if faults:
            raise BadInput("The parameters cannot be recorded.", faults)
        self._parameters.update(plain)

    @property
    def label(self) -> Label | None:
        """The label, known once the dataset that has it was read."""
        return self._label

    @property
    def filters(self) -> tuple[Filter, ...]:
        """Filters recorded so far."""
        return tuple(self._filters)

    def note_unexplained(self, name: str, rows_before: int, rows_after: int) -> None:
        """Record that rows vanished without a reason; people see the gap."""
        self._filters.append(Filter(name=name, reason="", rows_before=rows_before, rows_after=rows_after))

    def candidate(self, model: Any, *, predict: Callable[..., Any]) -> Candidate:
        """Store the fitted model with everything that was recorded.

        Args:
            model: The fitted model.
            predict: `predict(model, frame)`; must be defined in the model's module.

        Raises:
            BadInput: No input, no features, or a `predict` that could not be called again later.
        """
        module = self._module_of(predict)
        missing = [("input", self._inputs), ("features", self._features)]
        faults = [Fault(f"run.{name}()", "was not called.") for name, value in missing if not value]
        if faults or self._features is None:
            raise BadInput("The run is not complete.", faults, fix="A candidate needs its data and its features.")
        code = self._code(module)
        with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
            model_folder = Path(folder) / "model"
            self._copy_sources(model_folder / "code")
            stored = save_model(model, model_folder, self._code_formats)
            run = self._run(self._features, code, stored, list_files(model_folder))
            asked = Pipeline(Place(self._folder, module, self._surface_path), {"predict": predict})
            answers = golden_rows(self._features.features, partial(asked.predict, usable(model)))
            run = run.model_copy(update={"golden": answers})
            snapshots = tuple(self._snapshots.values())
            return Store(self.repo).add_candidate(run, self._features, snapshots, model_folder)

    def _run(self, features: FeatureSet, code: Code, stored: ModelFormat, artifacts: tuple[Artifact, ...]) -> Run:
        name, email = self._author
        return Run(
            run_id=str(uuid_utils.uuid7()),
            stage=self.stage,
            engagement=self.manifest.engagement.id,
            model=self.model_id,
            task=self.task,
            inputs=tuple(self._inputs.values()),
            filters=tuple(self._filters),
            features=features.digest,
            prepared=self.prepared,
            label=self._label,
            seed=self.seed,
            parameters=self._parameters,
            code=code,
            environment=environment(self.repo),
            sdk_version=version("vendorkit"),
            template=self._template(),
            author=Person(name=name, email=email),
            started_at=self._started_at,
            seconds=round(time.monotonic() - self._clock, 3),
            model_format=stored,
            artifacts=artifacts,
        )

    @property
    def _surface_path(self) -> str:
        return self.manifest.surface(self.model_id).path

    @property
    def _folder(self) -> Path:
        return self.repo / self._surface_path

    def _list_sources(self) -> tuple[Artifact, ...]:
        return tuple(describe_file(path, self._folder) for path in list_sources(self._folder))

    def _copy_sources(self, target: Path) -> None:
        """Copy the code that ran.

        Raises:
            BadInput: It is not the code any more that was there when the run began.
        """
        for source in self._sources:
            copy = target / source.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                shutil.copyfile(self._folder / source.path, copy)
        new = {source.path for source in self._list_sources()} - {source.path for source in self._sources}
        faults = differing_files(target, self._sources) + [Fault(path, "is new.") for path in sorted(new)]
        if faults:
            faults = [Fault(f"{self._surface_path}/{fault.where}", fault.says) for fault in faults]
            raise BadInput("The code of the model changed while it was trained.", faults, fix="Train again.")

    def _module_of(self, predict: Callable[..., Any]) -> str:
        """The module in the model's folder that `predict` can be loaded from again."""
        function = inspect.unwrap(predict) if callable(predict) else None
        where, fix = "candidate(predict=...)", f"Define predict(model, frame) in a module of {self._surface_path}/."
        if not inspect.isfunction(function):
            says = f"is a {type(predict).__qualname__}, expected a function of a module."
            raise BadInput("predict cannot be called again later.", [Fault(where, says, fix)])
        path = Path(function.__code__.co_filename).resolve()
        says = mismatch("predict", predict)
        if function.__module__ == "__main__":
            says = f"lives in the script that runs ({path.name}), which nobody imports again."
        elif function.__qualname__ != "predict":
            says = f"is called {function.__qualname__}, expected a plain function named predict."
        elif path.parent != self._folder.resolve():
            says = f"lives in {path}, not in {self._surface_path}/."
        if says:
            raise BadInput("predict cannot be called again later.", [Fault(where, says, fix)])
        if function.__module__ != path.stem:  # imported under another name: see that it works by its own
            load_pipeline(self._folder, path.stem, needs=("predict",), shown=self._surface_path)
        return path.stem

    def _code(self, module: str) -> Code:
        head = self._head
        return Code(
            commit=head.commit if head else "",
            dirty=self._was_dirty or repository.is_dirty(self.repo),
            committers=tuple(sorted({head.author, head.committer})) if head else (),
            module=module,
            files=self._sources,
        )

    def _template(self) -> Template | None:
        if not (self.repo / ANSWERS_FILE).exists():
            return None
        answers = recorded_answers(self.repo)
        return Template(source=str(answers.get("_src_path", "")), version=str(answers.get("_commit", "")))


def _beyond_json(value: object) -> bool:
    """Whether a number has no exact place in JSON."""
    if isinstance(value, int):
        return abs(value) >= 2**53
    return isinstance(value, float) and not math.isfinite(value)


@contextmanager
def track(
    name: str = "train",
    *,
    model: str | None = None,
    repo: Path | None = None,
    allows: Callable[[Manifest], tuple[str, ...]] = lambda _: (),
) -> Iterator[Recorder]:
    """Record a training run.

    Args:
        name: The stage that is tracked.
        model: Id of the model surface; needed where the engagement has several.
        repo: The engagement; by default the nearest folder upwards with `engagement.yaml`.
        allows: Gives the formats that carry code and may be used, by the manifest.

    Raises:
        BadInput: There is no engagement or no such model, git does not know who trains, another run is being
            recorded, or a model's module trains while it is imported.
    """
    if is_loading():
        fix = "Put it below `if __name__ == '__main__':`, or into a script of its own."
        raise BadInput("A model's module must not train when it is imported.", [Fault("track()", "was called.", fix)])
    if _current.get() is not None:
        raise BadInput("A run is being recorded already.", [Fault("track()", "cannot stand within another.")])
    root = find_engagement(repo)
    manifest = read_manifest(root)
    recorder = Recorder(root, manifest, manifest.model(model).id, name, allows(manifest))
    token = _current.set(recorder)
    try:
        yield recorder
    finally:
        _current.reset(token)


def record_filter(name: str, before: pd.DataFrame, after: pd.DataFrame, *, reason: str) -> pd.DataFrame:
    """Leave rows out inside `prepare`, and say why. Gives `after`.

    Outside of a recorded run (when a gate or the service calls `prepare`) it only gives `after`.
    """
    recorder = _current.get()
    return recorder.filter(name, before, after, reason=reason) if recorder else after
