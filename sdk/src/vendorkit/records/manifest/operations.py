"""How the surfaces are run: objectives, alerts, rollback, escalation, retraining, the rhythm of meetings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import Duration, Id, RepoPath, Text


class Objective(Value):
    """A service objective: an indicator, its target in the indicator's unit, the window it is judged over."""

    id: Id
    sli: Text
    target: float
    window: Duration


class Alert(Value):
    """Whom a signal wakes.

    Args:
        signal: What is watched.
        over: It alerts above this.
        under: It alerts below this.
        to: Person who is told.
        runbook: Page and heading that says what to do: `docs/RUNBOOK.md#input-drift`.
    """

    signal: Text
    over: float | None = None
    under: float | None = None
    to: Id
    runbook: RepoPath


class FailureModes(Value):
    """What the service does with input that is not fit, in the words of `vendorkit.records.contract`."""

    missing: Text
    stale: Text
    invalid: Text
    out_of_distribution: Text


class Rollback(Value):
    """Who may roll back, how, and within how many minutes."""

    authority: Annotated[tuple[Id, ...], Field(min_length=1)]
    command: Text
    target_minutes: Annotated[float, Field(gt=0)]


class Retrain(Value):
    """When a model is trained again, and who sees to it."""

    every: Duration
    or_when: Text | None = None
    owner: Id


class Operations(Value):
    """How the surfaces are run. `escalation` is the chain of people, first to last."""

    objectives: tuple[Objective, ...]
    alerts: tuple[Alert, ...]
    failure_modes: FailureModes
    rollback: Rollback
    escalation: Annotated[tuple[Id, ...], Field(min_length=1)]
    retrain: Retrain


class Ritual(Value):
    """A meeting that comes back: how often, who leads it, what it shows."""

    ritual: Id
    every: Duration
    chair: Id
    shows: tuple[Text, ...]
