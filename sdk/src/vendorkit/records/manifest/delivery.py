"""The engagement itself and its way to the end: stage, milestones, handoff, delivery metrics, waivers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import (
    CheckId,
    Day,
    Duration,
    Id,
    OperatingModel,
    RepoPath,
    Stage,
    Text,
    Tier,
    Version,
)


class Standards(Value):
    """The policy pack that the repository was last brought up to."""

    pack: Id
    version: Version


class Engagement(Value):
    """One vendor's piece of work.

    Args:
        id: Its name across the platform.
        title: Its name for people.
        use_case: The decision that is supported.
        operating_model: Who builds and who runs.
        stage: How far it is.
        risk_tier: How much harm a wrong answer does.
        regimes: Regulations that apply.
        starts: First day.
        ends: Last day of the vendor.
    """

    id: Id
    title: Text
    use_case: Text
    operating_model: OperatingModel
    stage: Stage
    risk_tier: Tier
    regimes: tuple[Id, ...] = ()
    starts: Day
    ends: Day


class Milestone(Value):
    """What is handed over by when, and which internal person accepts it."""

    id: Id
    title: Text
    due: Day
    delivers: Annotated[tuple[Id, ...], Field(min_length=1)]
    accepted_by: Id


class Shadow(Value):
    """From when on who runs it: the vendor, we with the vendor watching, we alone."""

    vendor_runs: Day
    we_run: Day
    vendor_out: Day


class Rehearsal(Value):
    """The rehearsal of the runbook: when, by whom, which drills."""

    date: Day
    by: Annotated[tuple[Id, ...], Field(min_length=1)]
    drills: Annotated[tuple[Id, ...], Field(min_length=1)]


class Handoff(Value):
    """How the vendor leaves.

    Args:
        future_owner: Internal person who owns it afterwards.
        training: The page that teaches them.
        shadow: The stages of taking over.
        rehearsal: The rehearsal of the runbook.
        cutover: The day from which we run alone.
        extend_if_failed: How long it is put off when the leaving test fails.
    """

    future_owner: Id
    training: RepoPath
    shadow: Shadow
    rehearsal: Rehearsal
    cutover: Day
    extend_if_failed: Duration


class Baseline(Value):
    """The delivery metrics before this engagement.

    Args:
        lead_time_days: From request to production.
        accepted_without_rework: Share of deliveries, 0 to 1.
        incidents_per_release: Incidents that a release caused.
        recovery_minutes: From incident to recovery.
        takeover_hours: Hours that taking over took.
    """

    lead_time_days: Annotated[float, Field(ge=0)] | None = None
    accepted_without_rework: Annotated[float, Field(ge=0, le=1)] | None = None
    incidents_per_release: Annotated[float, Field(ge=0)] | None = None
    recovery_minutes: Annotated[float, Field(ge=0)] | None = None
    takeover_hours: Annotated[float, Field(ge=0)] | None = None


class Productivity(Value):
    """What the delivery metrics are compared with."""

    baseline: Baseline


class Waiver(Value):
    """An exception from a check, for a time.

    Args:
        check: Id of the check.
        target: What it is granted for: a surface, a path; None means everything that the check looks at.
        why: The reason.
        approved_by: Internal person who granted it.
        ticket: Where it was decided.
        expires: Last day on which it holds.
    """

    check: CheckId
    target: Text | None = None
    why: Text
    approved_by: Id
    ticket: Text
    expires: Day
