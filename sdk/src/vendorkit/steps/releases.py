"""Releases: what is registered, approved and live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.trust.log import Log, decision_fault, read_log
from vendorkit.trust.people import Authority, authority_of


@dataclass(frozen=True)
class ReleaseLine:
    """One release as a line.

    Args:
        model, version: Its name.
        release: Digest of its record.
        author: Who trained it.
        approvals: Internal people whose signed yes verifies and stands.
        aliases: Aliases that point to it by the log of decisions.
        status: `live`, `approved`, `refused`, `registered`; `suspect` where an alias was moved past the log.
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


def releases(
    repo: Path, model: str | None = None, *, registry: Registry | None = None
) -> tuple[ReleaseLine, ...]:
    """All releases of one model, or of all models of the registry, oldest first."""
    authority = authority_of(repo, read_manifest(repo))
    registry = registry or Registry.open(repo / ".vendorkit" / "registry")
    lines: list[ReleaseLine] = []
    for name in [model] if model else registry.models():
        log = read_log(registry.decisions(name), name)
        lines += [_line(version, log, authority) for version in registry.versions(name)]
    return tuple(lines)


def _line(version: Version, log: Log, authority: Authority) -> ReleaseLine:
    release = version.tags.get("release", "")
    last = {signed.decision.actor: signed for signed in log.about(release)}
    valid = [signed.decision for signed in last.values() if decision_fault(signed, authority) is None]
    approvals = tuple(decision.actor for decision in valid if decision.kind == "approval")
    refused = any(decision.kind == "refusal" for decision in valid)
    moves = {
        signed.decision.alias: signed.decision.version for signed in log.accepted if signed.decision.alias
    }
    aliases = tuple(sorted(alias for alias, number in moves.items() if alias and number == version.number))
    if set(aliases) != set(version.aliases) or log.faults:
        status = "suspect"
    elif aliases:
        status = "live"
    else:
        status = "refused" if refused else "approved" if approvals else "registered"
    author = version.tags.get("author", "")
    return ReleaseLine(
        version.model, version.number, release, author, approvals, aliases, status, version.created_at
    )
