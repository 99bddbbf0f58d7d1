"""Benchmarks that are scored in batches and counted in a table engine: too large for memory, or on Spark by choice.

Nothing here knows gates: what is counted is asked for, and counts are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from vendorkit.adapters.tables import ROW, Engine, TableSource, copy_frozen, open_engine, tally
from vendorkit.errors import BadInput
from vendorkit.records.class_scores import class_column
from vendorkit.records.tallies import Asked, Tallies
from vendorkit.tracking import plan
from vendorkit.tracking.batches import NUMBER, TEXT, Scoring, fit
from vendorkit.tracking.measurement import Found, Job
from vendorkit.tracking.plan import Benchmarks
from vendorkit.tracking.rows import coded

BINS = 50
"""Bins of the score histograms that a report draws."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A benchmark that was scored in batches.

    Args:
        source: The scored rows in the engine.
        engine: What counts them.
        base: All rows, with their score histogram for a task of yes and no.
        live: Whether the live version's scores stand beside them.
        columns: Kept column to why it cannot be used, empty where it can.
        rows: By `candidate` and `current` the arrays as measured in memory, where they fit.
        classes: The classes of a task that has some.
        apart: Why the live version cannot be compared with, where that shows only when both were scored.
        known: What was counted already.
    """

    source: TableSource
    engine: str
    base: Tallies
    live: bool
    columns: Mapping[str, str]
    rows: Mapping[str, Found] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    apart: str = ""
    known: dict[Asked, Tallies | str] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.base.n.sum())

    def tallies(self, asks: Mapping[str, Asked]) -> dict[str, Tallies | str]:
        """What was asked, by the same names; equal questions are counted once. A text says why it cannot be."""
        for asked in asks.values():
            if asked not in self.known:
                self.known[asked] = self._tally(asked)
        return {name: self.known[asked] for name, asked in asks.items()}

    def _tally(self, asked: Asked) -> Tallies | str:
        why = [f"column {name!r} cannot be used: {self.columns[name].rstrip('.')}." for name in asked.columns
               if self.columns.get(name)]  # fmt: skip
        try:
            return why[0] if why else tally(self.source, replace(asked, classes=len(self.classes)))
        except BadInput as error:
            return "; ".join(str(fault) for fault in error.faults) or error.says


@dataclass(frozen=True)
class Tallying:
    """The benchmarks that are counted in an engine. Use it in a `with`.

    Args:
        benchmarks: Those benchmarks.
        url: The engine that counts them, opened when it is first needed.
        scratch: Folder for what is scored.
    """

    benchmarks: Benchmarks
    url: str
    scratch: Path

    @cached_property
    def engine(self) -> Engine:
        """What counts.

        Raises:
            BadInput: There is no such engine.
            Unavailable: It cannot be reached.
        """
        return open_engine(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if "engine" in self.__dict__:
            self.engine.close()

    def jobs(self, scoring: Mapping[str, Job]) -> dict[str, Job]:
        """Jobs that score benchmarks, `candidate/holdout`, with those of these benchmarks made to go in batches."""
        found = {}
        for name, job in scoring.items():
            if name.partition("/")[2] not in self.benchmarks:
                found[name] = job
            elif self.engine.scores:
                found[name] = replace(job, measure="column_kinds")
            else:
                given = {**job.given, "target": str(self._target(name))}
                found[name] = replace(job, measure="score_in_batches", given=given)
        return found

    def opened(
        self, jobs: Mapping[str, Job], measured: Mapping[str, Found | str], task: str
    ) -> dict[str, Opened | str]:
        """Each benchmark by its name, scored; or why it is not.

        Args:
            jobs: Those of `jobs`.
            measured: What they gave.
            task: Task of the model.
        """
        found: dict[str, Opened | str] = {}
        for name in self.benchmarks:
            if f"candidate/{name}" not in jobs:
                continue
            try:
                found[name] = self._opened(name, jobs, measured, task)
            except BadInput as error:
                found[name] = "; ".join(str(fault) for fault in error.faults) or error.says
        return found

    def _opened(self, name: str, jobs: Mapping[str, Job], measured: Mapping[str, Found | str], task: str) -> Opened:
        answers = {whose: measured.get(f"{whose}/{name}") for whose in ("candidate", "current")}
        own = answers["candidate"]
        if own is None or isinstance(own, str):
            raise BadInput(own or "it was not measured")
        if self.engine.scores:
            self._score(name, [whose for whose, each in answers.items() if isinstance(each, Mapping)], jobs, measured)
        classes, theirs = (_classes(each) for each in answers.values())
        differ = f"it tells the classes {', '.join(theirs)} apart, the candidate {', '.join(classes)}"
        apart = differ if theirs and theirs != classes else ""
        live = isinstance(answers["current"], Mapping) and not apart
        source = self.engine.scored(
            self._target(f"candidate/{name}"), self._target(f"current/{name}") if live else None
        )
        binary = task == "binary"
        asked = Asked(
            live="live" if live else "",
            threshold=0.5 if binary else None,
            score_bins=BINS if binary else 0,
            classes=len(classes),
            confusion=bool(classes),
        )
        base = tally(source, asked)
        why = {column: "" if kind in (NUMBER, TEXT) else kind for column, kind in own["columns"].items()}
        opened = Opened(source, self.engine.name, base, live, why, classes=classes, apart=apart)
        return replace(opened, rows=_rows(opened)) if opened.n <= plan.MOST_ROWS else opened

    def _score(
        self, name: str, whose: Iterable[str], jobs: Mapping[str, Job], measured: Mapping[str, Found | str]
    ) -> None:
        """Let the engine itself score the benchmark, from a verified copy."""
        benchmark = self.benchmarks[name]
        copy = self.scratch / f"{name}.parquet"
        subjects = {each: jobs[f"{each}/{name}"].subject for each in whose}
        copy_frozen(benchmark.snapshot, Path(next(iter(subjects.values())).base), copy)
        for each, subject in subjects.items():
            answer: Any = measured[f"{each}/{name}"]
            scoring = Scoring(subject, benchmark.given, fit(answer["columns"]), tuple(answer.get("classes", ())))
            self.engine.score(copy, scoring, scoring.schema, self._target(f"{each}/{name}"))

    def _target(self, name: str) -> Path:
        return self.scratch / f"{name.replace('/', '-')}-scored.parquet"


def _classes(found: Found | str | None) -> tuple[str, ...]:
    return tuple(found.get("classes", ())) if isinstance(found, Mapping) else ()


def _rows(opened: Opened) -> dict[str, Found]:
    """The scored rows in memory, in the form that a measurement in memory gives."""
    table = opened.source.to_pandas().sort_values(ROW, ignore_index=True)
    kept = [name for name, why in opened.columns.items() if not why]
    arrays: dict[str, np.ndarray[Any, Any]] = {"label": table["label"].to_numpy()}
    for at, name in enumerate(kept):
        values: pd.Series[Any] = table[name]
        arrays[f"levels-{at}"], arrays[f"codes-{at}"] = coded(values)
    columns = {name: why or kept.index(name) for name, why in opened.columns.items()}
    scores = {"candidate": ("score", ""), **({"current": ("live", "live ")} if opened.live else {})}
    found: dict[str, Found] = {}
    for whose, (name, start) in scores.items():
        names = [f"{start}{class_column(place)}" for place in range(len(opened.classes))]
        score = table[names].to_numpy() if names else table[name].to_numpy()
        told = {"classes": list(opened.classes)} if names else {}
        found[whose] = {"rows": len(table), "columns": columns, **told, "arrays": {**arrays, "score": score}}
    return found
