"""Move an alias: promote an approved release, or roll back to the one before.

The log of decisions is the truth and the alias follows it. A move that was killed between the two is completed by
the next, and until then the service refuses the alias.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.decision import Decision
from vendorkit.trust.approvals import usable
from vendorkit.trust.log import Log, append, read_log
from vendorkit.trust.people import Authority, Deciding, authority_of
from vendorkit.trust.releases import find_version


@dataclass(frozen=True)
class Moved:
    """What a move did.

    Args:
        decision: The record of it; the earlier one where nothing had to move.
        changed: False when the alias already pointed there.
    """

    decision: Decision
    changed: bool

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        decision = self.decision
        return {
            "model": decision.model,
            "version": decision.version,
            "record": decision.digest,
            "actor": decision.actor,
            "alias": decision.alias,
            "from": decision.from_version,
            "to": decision.version,
            "changed": self.changed,
        }

    def to_text(self) -> str:
        """As one sentence."""
        decision = self.decision
        where = f"{decision.model}@{decision.alias}"
        if not self.changed:
            return f"{where} already points to version {decision.version}, moved by {decision.actor} at {decision.at}."
        before = f"version {decision.from_version}" if decision.from_version else "nowhere"
        return f"{where} now points to version {decision.version}, before to {before}. {decision.kind} {decision.digest}"


def promote(
    repo: Path, model: str, version: int, alias: str, deciding: Deciding, *, registry: Registry | None = None
) -> Moved:
    """Point an alias to an approved release.

    Raises:
        Refused: It is not approved, not what was published, or somebody moved the alias meanwhile.
    """
    registry = registry or Registry.open(repo / ".vendorkit" / "registry")
    log = read_log(registry.decisions(model), model)
    return _move(repo, registry, log, find_version(registry, model, version), alias, "promotion", deciding)


def rollback(
    repo: Path, model: str, alias: str, deciding: Deciding, *, registry: Registry | None = None
) -> Moved:
    """Point an alias back to the release that it pointed to before.

    Raises:
        BadInput: There is none before.
        Refused: The person has no authority to roll back, or the release before is no longer fit.
    """
    registry = registry or Registry.open(repo / ".vendorkit" / "registry")
    log = read_log(registry.decisions(model), model)
    before = _version_before(log, alias)
    if before is None:
        raise BadInput(
            "There is nothing to go back to.", [Fault(f"{model}@{alias}", "never pointed elsewhere.")]
        )
    return _move(repo, registry, log, find_version(registry, model, before), alias, "rollback", deciding)


def _version_before(log: Log, alias: str) -> int | None:
    """The version that was live before the present one; rollbacks step back, so that two go back two."""
    trail: list[int] = []
    for signed in log.accepted:
        decision = signed.decision
        if decision.alias != alias:
            continue
        if decision.kind == "promotion":
            trail.append(decision.version)
        elif len(trail) > 1:
            trail.pop()
    return trail[-2] if len(trail) > 1 else None


def _move(
    repo: Path, registry: Registry, log: Log, version: Version, alias: str, kind: str, deciding: Deciding
) -> Moved:
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    may = manifest.operations.rollback.authority if manifest.operations and kind == "rollback" else None
    _refuse_outsider(authority, deciding.actor, may)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        usable(registry, version, Path(folder), authority, log)
    last = log.move(alias)
    if last and last.decision.version == version.number:
        _follow(registry, version.model, alias)
        return Moved(last.decision, changed=False)
    signed = append(
        registry,
        log,
        authority,
        version,
        kind="promotion" if kind == "promotion" else "rollback",
        actor=deciding.actor,
        reason=deciding.reason,
        key=deciding.key,
        alias=alias,
        from_version=last.decision.version if last else None,
    )
    _follow(registry, version.model, alias)
    return Moved(signed.decision, changed=True)


def _follow(registry: Registry, model: str, alias: str) -> None:
    """Let the alias follow the log, and look again: another move may have been recorded meanwhile."""
    while True:
        last = read_log(registry.decisions(model), model).move(alias)
        if last is None or registry.alias(model, alias) == last.decision.version:
            return
        registry.set_alias(model, alias, last.decision.version)


def _refuse_outsider(authority: Authority, actor: str, may: tuple[str, ...] | None) -> None:
    if not authority.people[actor].internal:
        says = "works for the vendor; only the client's own people move an alias."
        raise Refused(f"{actor} cannot move an alias.", [Fault(f"people.{actor}", says)])
    if may is not None and actor not in may:
        says = f"is not in operations.rollback.authority: {', '.join(may)}."
        raise Refused(f"{actor} cannot roll back.", [Fault(f"people.{actor}", says)])
