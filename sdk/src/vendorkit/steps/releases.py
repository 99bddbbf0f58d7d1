"""Releases: what is registered, approved, live and retired, now or at a moment; and what was in production when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.errors import BadInput, Fault
from vendorkit.records.decision import Ending
from vendorkit.standards.policy import approval_rule
from vendorkit.trust.approvals import Standing, standing, to_review
from vendorkit.trust.endings import archival_of, ending_of
from vendorkit.trust.log import Log, Signed, decision_fault, log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ARCHIVED, subject_of


@dataclass(frozen=True)
class ReleaseLine:
    """One release as a line.

    Args:
        model, version: Its name.
        release: Digest of its record.
        author: Who trained it.
        approvals: Internal people whose signed yes verifies and stands.
        aliases: Aliases that point to it by the log of decisions.
        status: `live`, `approved`, `refused`, `registered`; `emergency` where it is live by an emergency promotion
            and its approvals are still missing; `deprecated` and `retired` from the days that were decided;
            `archived` once its model lies in a bundle;
            `suspect` where the registry was changed past the rules (a version or alias made by hand, a log that
            was tampered with), or a move was interrupted.
        created_at: When it was registered.
        to_review: What an emergency promotion went without, and by whom it was; empty where there is nothing.
        ending: How it ends, where that was decided.
        doubts: Why it is suspect; empty where it is not.
    """

    model: str
    version: int
    release: str
    author: str
    approvals: tuple[str, ...]
    aliases: tuple[str, ...]
    status: str
    created_at: str
    to_review: tuple[str, ...] = ()
    ending: Ending | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Production:
    """A time that an alias pointed to a release, by the signed history.

    Args:
        model, alias: The alias.
        version: The version that it pointed to.
        release: Digest of its record.
        since: When it was moved there.
        until: When it was moved away; None: it is still there, as far as was asked for.
        kind: `promotion`, `emergency` or `rollback`.
        actor: Who moved it there.
        reason: Why.
        record: Digest of the decision.
    """

    model: str
    alias: str
    version: int
    release: str
    since: str
    until: str | None
    kind: str
    actor: str
    reason: str
    record: str


def moment_of(text: str) -> tuple[datetime, datetime]:
    """The first and the last moment of a day (UTC), or twice the same for a time.

    Raises:
        BadInput: It is neither `2026-11-22` nor `2026-11-22T10:00:00Z`.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        says = f"{text!r} is neither a date like 2026-11-22 nor a time like 2026-11-22T10:00:00Z."
        raise BadInput("As of when?", [Fault("--as-of", says)]) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        found.astimezone(UTC)  # the first and the last day of the calendar may be none in UTC
    except OverflowError:
        raise BadInput("As of when?", [Fault("--as-of", f"{text!r} is beyond the calendar.")]) from None
    return found, found if "T" in text or " " in text else datetime.combine(found.date(), time.max, UTC)


def releases(
    repo: Path, model: str | None = None, *, as_of: datetime | None = None, registry: Registry | None = None
) -> tuple[ReleaseLine, ...]:
    """All releases of one model, or of all models of the engagement, oldest first.

    What stands here is what the registry says, with signatures checked; files are verified when they are used.

    Args:
        repo: The engagement.
        model: Only this model.
        as_of: As it was then, by the signed history; by default as it is.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: The model is neither one of the engagement nor registered.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    registry = registry or Registry.open(repo)
    lines: list[ReleaseLine] = []
    for name in [model] if model else [surface.id for surface in manifest.models()]:
        versions, pointing, log = registry.versions(name), registry.aliases(name), log_of(registry, name, repo)
        if not versions:
            manifest.model(name)  # another engagement's may have releases, a misspelt one has none
        if as_of:
            log = log.until(as_of)
            versions = [version for version in versions if datetime.fromisoformat(version.created_at) <= as_of]
        moves = {alias: log.move(alias, authority) for alias in {*log.aliases, *(() if as_of else pointing)}}
        moved = {alias: move.decision.version if move else None for alias, move in moves.items()}
        if as_of:  # where the aliases of the registry pointed then, nobody signed
            pointing = {alias: target for alias, target in moved.items() if target}
        on = _On(log, authority, pointing, moved, as_of or datetime.now(UTC))
        lines += [_line(version, on) for version in versions]
    return tuple(lines)


@dataclass(frozen=True)
class _On:
    """What the lines of one model have in common: its decisions, and where aliases point by registry and log."""

    log: Log
    authority: Authority
    pointing: Mapping[str, int]
    moved: Mapping[str, int | None]
    moment: datetime


def _line(version: Version, on: _On) -> ReleaseLine:
    tags, number = version.tags, version.number
    subject = subject_of(version)
    found = standing(subject, on.log, on.authority)
    here = sorted(alias for alias, target in on.moved.items() if target == number)
    doubts = _doubts(version, on)
    emergency = to_review(subject, on.log, on.authority) if here else None
    held = ending_of(subject, on.log, on.authority)
    ending, today = held.ending if held else None, on.moment.astimezone(UTC).date()
    if doubts:
        status = "suspect"
    elif found.refusals:
        status = "refused"
    elif ARCHIVED in tags and archival_of(subject, on.log, on.authority):
        status = "archived"
    elif ending and ending.blocks(today):
        status = "retired"
    elif found.missing:
        status = "emergency" if emergency else "suspect" if here else "registered"
        doubts = [str(fault) for fault in found.missing] if status == "suspect" else []
    elif ending and ending.warns(today):
        status = "deprecated"
    else:
        status = "live" if here else "approved"
    return ReleaseLine(
        model=version.model,
        version=number,
        release=tags.get("release", ""),
        author=tags.get("author", ""),
        approvals=tuple(signed.decision.actor for signed in found.approvals),
        aliases=tuple(here),
        status=status,
        created_at=version.created_at,
        to_review=_open_points(emergency, found) if emergency else (),
        ending=ending,
        doubts=tuple(doubts),
    )


def _open_points(emergency: Signed, found: Standing) -> tuple[str, ...]:
    """What an emergency promotion went without, and by whom it was."""
    decision = emergency.decision
    by = f"emergency promotion by {decision.actor} at {decision.at}: {decision.reason}"
    return by, *map(str, found.faults)


def _doubts(version: Version, on: _On) -> list[str]:
    """How the registry was changed past the rules, as far as it concerns a version."""
    doubts = [str(fault) for fault in on.log.faults]
    if not version.tags.get("release"):
        doubts.append("it carries no release record, so it was not published by vendorkit")
    for alias in sorted(on.moved.keys() | on.pointing.keys()):
        known, signed = on.pointing.get(alias), on.moved.get(alias)
        if known != signed and version.number in (known, signed):
            says = f"points to {_number(known)}, by the signed decisions it should point to {_number(signed)}"
            doubts.append(f"alias {alias} {says}")
    return doubts


def _number(version: int | None) -> str:
    return f"version {version}" if version else "nothing"


def in_production(
    repo: Path, model: str | None, since: datetime, until: datetime, *, registry: Registry | None = None
) -> tuple[Production, ...]:
    """What aliases pointed to between two moments, by the signed history, oldest first.

    Moves whose signature does not count are left out, as the service leaves them out.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    registry = registry or Registry.open(repo)
    found: list[Production] = []
    for name in [model] if model else [surface.id for surface in manifest.models()]:
        log = log_of(registry, name, repo)
        for alias in sorted(log.aliases):
            found += _stays(log, name, alias, authority)
    return tuple(stay for stay in found if _overlaps(stay, since, until))


def _stays(log: Log, model: str, alias: str, authority: Authority) -> list[Production]:
    moves = [signed.decision for signed in log.moves(alias) if decision_fault(signed, authority) is None]
    ends = [*(move.at for move in moves[1:]), None]
    return [
        Production(
            model=model,
            alias=alias,
            version=move.version,
            release=move.release,
            since=move.at,
            until=end,
            kind=move.kind,
            actor=move.actor,
            reason=move.reason,
            record=move.digest,
        )
        for move, end in zip(moves, ends, strict=True)
    ]


def _overlaps(stay: Production, since: datetime, until: datetime) -> bool:
    ended = datetime.fromisoformat(stay.until) if stay.until else None
    return datetime.fromisoformat(stay.since) <= until and (ended is None or ended > since)
