"""The words that the manifest's sections share: ids, dates, durations, paths, closed lists of choices."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

OperatingModel = Literal["internal-only", "vendor-only", "hybrid", "project-handoff", "embedded-pod"]
Stage = Literal["kickoff", "delivery", "handoff", "steady", "closed"]
Tier = Literal["low", "medium", "high"]
SurfaceKind = Literal["model", "endpoint", "pipeline", "features", "dataset", "dashboard", "report"]
Task = Literal["binary", "multiclass", "regression", "forecasting"]
BenchmarkKind = Literal["frozen", "historical", "known-bad", "stress"]
GateKind = Literal[
    "performance", "segment", "fairness", "latency", "memory", "business", "data", "determinism", "change"
]

STAGES: tuple[Stage, ...] = ("kickoff", "delivery", "handoff", "steady", "closed")
"""The stages of an engagement, in order."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"\S")]
"""Some words, not only white space."""

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""Lower-case letters, digits, `-` and `_`, at most 63."""

Contact = Annotated[str, StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$")]
"""An e-mail address. It is a principal in `allowed_signers`, so it has no wildcard, space, quote or comma."""

Duration = Annotated[str, StringConstraints(pattern=r"^P([0-9]+[YMWD])+(T([0-9]+[HMS])+)?$|^PT([0-9]+[HMS])+$")]
"""An ISO 8601 duration: `P6M`, `PT1H`."""

CheckId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-[0-9]{2}$")]
ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}:[A-Za-z_][A-Za-z0-9_]{0,62}$")]
"""A function of a module: `rules:declines_bankrupts`."""

Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$")]


def _day(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("expected a date like 2026-09-30")
    date.fromisoformat(text)
    return text


def _inside(text: str) -> str:
    parts = text.replace("\\", "/").split("/")
    if text.startswith(("/", "\\", "~")) or ".." in parts or re.match(r"[A-Za-z]:", text):
        raise ValueError("expected a path inside the repository, without ..")
    return text


def _inside_or_url(text: str) -> str:
    return text if re.match(r"[a-z][a-z0-9+.-]*://", text) else _inside(text)


Day = Annotated[str, AfterValidator(_day), Field(json_schema_extra={"format": "date"})]
"""A date, `2026-09-30`, kept as the text that was written."""

RepoPath = Annotated[Text, AfterValidator(_inside)]
"""A path relative to the top of the repository."""

Source = Annotated[Text, AfterValidator(_inside_or_url)]
"""A path inside the repository, or the URL of a table: `duckdb://data/bank.duckdb#loans`."""


def day(text: str) -> date:
    """A `Day` as a date."""
    return date.fromisoformat(text)


def since(stage: Stage, first: Stage) -> bool:
    """Whether `stage` is `first` or later."""
    return STAGES.index(stage) >= STAGES.index(first)
