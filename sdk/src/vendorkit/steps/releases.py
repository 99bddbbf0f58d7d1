"""Releases: what is registered, approved and live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.trust.approvals import standing
from vendorkit.trust.log import Log, log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import Subject


@dataclass(frozen=True)
class ReleaseLine:
    """One release as a line.

    Args:
        model, version: Its name.
        release: Digest of its record.
        author: Who trained it.
        approvals: Internal people whose signed yes verifies and stands.
        aliases: Aliases that point to it by the log of decisions.
        status: `live`, `approved`, `refused`, `registered`; `suspect` where the registry was changed past the rules
            (a version or alias made by hand, a log that was tampered with), or a move was interrupted.
        created_at: When it was registered.
    """

    model: str
    version: int
    release: str
    author: str
    approvals: tuple[str, ...]
    aliases: tuple[str, ...]
    status: str
    created_at: str


def releases(repo: Path, model: str | None = None, *, registry: Registry | None = None) -> tuple[ReleaseLine, ...]:
    """All releases of one model, or of all models of the engagement, oldest first.

    What stands here is what the registry says, with signatures checked; files are verified when they are used.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    registry = registry or Registry.open(repo)
    lines: list[ReleaseLine] = []
    for name in [model] if model else [surface.id for surface in manifest.models()]:
        versions, aliases, log = registry.versions(name), registry.aliases(name), log_of(registry, name)
        moves = {alias: log.move(alias, authority) for alias in {*aliases, *log.aliases}}
        moved = {alias: move.decision.version if move else None for alias, move in moves.items()}
        sound = not log.faults
        lines += [_line(version, log, authority, aliases, moved, sound=sound) for version in versions]
    return tuple(lines)


def _line(
    version: Version,
    log: Log,
    authority: Authority,
    aliases: Mapping[str, int],
    moved: Mapping[str, int | None],
    *,
    sound: bool,
) -> ReleaseLine:
    tags, number = version.tags, version.number
    release, candidate, report = (tags.get(name, "") for name in ("release", "candidate", "gate_report"))
    made_by = frozenset(tags.get("made_by", "").casefold().split())
    approvals, faults = standing(Subject(version.name, release, candidate, report, made_by), log, authority)
    here = sorted(alias for alias, target in moved.items() if target == number)
    pointing = sorted(alias for alias, target in aliases.items() if target == number)
    if not sound or not release or pointing != here:
        status = "suspect"
    elif any(fault.where.startswith("refusal") for fault in faults):
        status = "refused"
    elif approvals:
        status = "live" if here else "approved"
    else:
        status = "suspect" if here else "registered"
    return ReleaseLine(
        model=version.model,
        version=number,
        release=release,
        author=tags.get("author", ""),
        approvals=tuple(signed.decision.actor for signed in approvals),
        aliases=tuple(here),
        status=status,
        created_at=version.created_at,
    )
