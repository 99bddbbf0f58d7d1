"""What is due about releases: reviews, idle models, emergencies to review, ends that were decided, waivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.predictions import last_use
from vendorkit.adapters.registry import Registry, Version
from vendorkit.records.duration import later
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.surfaces import Lifecycle, Surface
from vendorkit.records.manifest.words import day
from vendorkit.standards.policy import approval_rule
from vendorkit.trust.approvals import standing, to_review
from vendorkit.trust.endings import ending_of
from vendorkit.trust.log import Log, Signed, log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import subject_of

LOGS = ".vendorkit/predictions"
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Due:
    """One thing that somebody has to see to.

    Args:
        what: `review`, `idle`, `emergency`, `end` or `waiver`.
        subject: What it is about: a release, or a check.
        on: The day that it is due.
        state: `overdue`, `soon` (within 30 days) or `later`.
        owner: Who answers for it.
        approver: Who decides.
        says: What is due and why.
    """

    what: str
    subject: str
    on: str
    state: Literal["overdue", "soon", "later"]
    owner: str
    approver: str
    says: str


def due(
    repo: Path,
    model: str | None = None,
    *,
    as_of: date | None = None,
    logs: Path | None = None,
    registry: Registry | None = None,
) -> tuple[Due, ...]:
    """Everything that is due, the longest overdue first.

    Args:
        repo: The engagement.
        model: Only this model; waivers are left out then.
        as_of: The day that is judged by; by default today.
        logs: Folder of prediction logs by model; by default the engagement's.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: The engagement has no such model.
    """
    manifest = read_manifest(repo)
    asked = manifest.models() if model is None else (manifest.model(model),)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    registry = registry or Registry.open(repo)
    today = as_of or datetime.now(UTC).date()
    found: list[tuple[date, Due]] = []
    for surface in asked:
        log = log_of(registry, surface.id, repo)
        live = _live(log, authority)
        used = last_use((logs or repo / LOGS) / surface.id)
        for version in registry.versions(surface.id):
            moves = live.get(version.number, [])
            found += _of_release(version, moves, log, authority, surface, manifest.lifecycle, used, today)
    if model is None:
        found += _of_waivers(manifest, today)
    return tuple(entry for _, entry in sorted(found, key=lambda pair: (pair[0], pair[1].subject)))


def _live(log: Log, authority: Authority) -> dict[int, list[Signed]]:
    """Version to the moves by which aliases point to it."""
    found: dict[int, list[Signed]] = {}
    for alias in sorted(log.aliases):
        move = log.move(alias, authority)
        if move:
            found.setdefault(move.decision.version, []).append(move)
    return found


def _of_release(
    version: Version,
    moves: list[Signed],
    log: Log,
    authority: Authority,
    surface: Surface,
    lifecycle: Lifecycle | None,
    used: date | None,
    today: date,
) -> Iterator[tuple[date, Due]]:
    subject, owner = subject_of(version), surface.owner
    approver = lifecycle.approver if lifecycle else ""
    emergency = to_review(subject, log, authority) if moves else None
    if emergency:
        decision = emergency.decision
        says = f"{decision.actor} promoted it in an emergency; its approvals are missing: {decision.reason}"
        yield _due("emergency", version.name, _day(decision.at), today, owner, ", ".join(authority.rule.roles), says)
    held = ending_of(subject, log, authority)
    if held and held.ending.block_from and (moves or day(held.ending.block_from) > today):
        instead = f"; its replacement is {held.ending.replacement}" if held.ending.replacement else ""
        pointing = ", ".join(sorted(move.decision.alias or "" for move in moves))
        says = f"it is blocked from then on{f' and {pointing} still points to it' if pointing else ''}{instead}"
        yield _due("end", version.name, day(held.ending.block_from), today, owner, approver, says)
    if not moves or lifecycle is None:
        return
    looked_at = [signed.decision.at for signed in standing(subject, log, authority).approvals]
    began = max(_day(move.decision.at) for move in moves)
    reviewed = max((_day(at) for at in looked_at), default=began)
    last = f"last approved on {reviewed}" if looked_at else f"never approved, live since {reviewed}"
    says = f"{last}, reviewed every {lifecycle.review_every}"
    yield _due("review", version.name, later(reviewed, lifecycle.review_every), today, owner, approver, says)
    since = max(used, began) if used else began
    says = f"last prediction here on {used}" if used else "the prediction log is not here, or empty; live since then"
    says += f", retired after {lifecycle.retire_after_idle} without use"
    yield _due("idle", version.name, later(since, lifecycle.retire_after_idle), today, owner, approver, says)


def _of_waivers(manifest: Manifest, today: date) -> Iterator[tuple[date, Due]]:
    for waiver in manifest.waivers:
        subject = f"{waiver.check} {waiver.target}" if waiver.target else waiver.check
        says = f"the waiver ends ({waiver.ticket}): {waiver.why}"
        owner = manifest.accountable
        yield _due("waiver", subject, day(waiver.expires), today, owner, waiver.approved_by, says)


def _due(what: str, subject: str, on: date, today: date, owner: str, approver: str, says: str) -> tuple[date, Due]:
    state: Literal["overdue", "soon", "later"] = "overdue" if on <= today else "soon" if on <= today + SOON else "later"
    return on, Due(what, subject, on.isoformat(), state, owner, approver, says)


def _day(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(UTC).date()
