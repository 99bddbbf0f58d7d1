"""Move an alias: promote an approved release, or roll back to the one before.

The log of decisions is the truth and the alias follows it. A move that was killed between the two is completed by
the next, and until then the service refuses the alias.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry, Version
from vendorkit.documents.openlineage import decision_events
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.decision import Decision
from vendorkit.records.manifest import Manifest
from vendorkit.trust.approvals import usable
from vendorkit.trust.log import Log, append, decision_fault, log_of, refuse_tampered
from vendorkit.trust.people import Authority, Deciding, authority_of
from vendorkit.trust.releases import find_version

ALIAS = re.compile(r"(?!latest$|v\d+$)[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Moved:
    """What a move did.

    Args:
        decision: The record of it; the earlier one where it was recorded before.
        changed: False when the alias already pointed there by that record.
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
        return (
            f"{where} now points to version {decision.version}, before to {before}. {decision.kind} {decision.digest}"
        )


def promote(
    repo: Path, model: str, version: int, alias: str, deciding: Deciding, *, registry: Registry | None = None
) -> Moved:
    """Point an alias to an approved release.

    A promotion to where the alias is by the log already is not recorded again; the alias is mended if it was moved.

    Raises:
        BadInput: No such version, or no name for an alias.
        Refused: It is not approved, not what was published, or somebody moved the alias meanwhile.
    """
    _name_of_alias(alias)
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    _refuse_outsider(authority, deciding.actor, None)
    registry = registry or Registry.open(repo)
    log = log_of(registry, model)
    found = find_version(registry, model, version)
    return _told(repo, manifest, _move(registry, log, authority, found, alias, "promotion", deciding))


def rollback(repo: Path, model: str, alias: str, deciding: Deciding, *, registry: Registry | None = None) -> Moved:
    """Point an alias back to the release that it pointed to before. Done twice, it goes back two.

    A rollback that was recorded, but killed before the alias followed, is completed instead.

    Raises:
        BadInput: There is none before.
        Refused: The person has no authority to roll back, or the release before is no longer fit.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    _refuse_outsider(authority, deciding.actor, manifest.operations.rollback.authority if manifest.operations else None)
    registry = registry or Registry.open(repo)
    log = log_of(registry, model)
    refuse_tampered(log, model)
    last = log.move(alias, authority)
    if last and last.decision.kind == "rollback" and registry.alias(model, alias) != last.decision.version:
        version = last.decision.version
    else:
        version = _version_before(log, model, alias, authority)
    found = find_version(registry, model, version)
    return _told(repo, manifest, _move(registry, log, authority, found, alias, "rollback", deciding))


def _told(repo: Path, manifest: Manifest, moved: Moved) -> Moved:
    """Tell the catalogue of lineage, where there is one, that an alias moved."""
    if moved.changed:
        send(repo, lambda: decision_events(manifest, moved.decision))
    return moved


def _version_before(log: Log, model: str, alias: str, authority: Authority) -> int:
    """The version that was live before the present one."""
    trail: list[int] = []
    for signed in log.moves(alias):
        if decision_fault(signed, authority):
            continue
        if signed.decision.kind == "promotion":
            trail.append(signed.decision.version)
        else:
            trail = trail[:-1]
    if len(trail) < 2:
        faults = [Fault(f"{model}@{alias}", "has pointed to one version only.")]
        raise BadInput("There is nothing to go back to.", faults)
    return trail[-2]


def _move(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    alias: str,
    kind: Literal["promotion", "rollback"],
    deciding: Deciding,
) -> Moved:
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        usable(registry, version, Path(folder), authority, log)
    last = log.move(alias, authority)
    if last and last.decision.version == version.number:
        return Moved(last.decision, changed=_follow(registry, authority, version.model, alias))
    before = last.decision.version if last else None
    signed = append(registry, log, authority, version, kind, deciding, alias=alias, from_version=before)
    _follow(registry, authority, version.model, alias)
    return Moved(signed.decision, changed=True)


def _follow(registry: Registry, authority: Authority, model: str, alias: str) -> bool:
    """Let the alias follow the log until both agree, for another move may be recorded meanwhile; True if it moved."""
    moved = False
    while True:
        last = log_of(registry, model).move(alias, authority)
        if last is None or registry.alias(model, alias) == last.decision.version:
            return moved
        registry.set_alias(model, alias, last.decision.version)
        moved = True


def _name_of_alias(alias: str) -> None:
    """An alias that MLflow takes: `latest` and version numbers have a meaning of their own there."""
    if not ALIAS.fullmatch(alias):
        says = "is no name for an alias; expected small letters, digits, - and _, not latest and not v1."
        raise BadInput("Which alias?", [Fault("--alias", f"{alias!r} {says}")])


def _refuse_outsider(authority: Authority, actor: str, may: tuple[str, ...] | None) -> None:
    if not authority.people[actor].internal:
        says = "works for the vendor; only the client's own people move an alias."
        raise Refused(f"{actor} cannot move an alias.", [Fault(f"people.{actor}", says)])
    if may is not None and actor not in may:
        says = f"is not in operations.rollback.authority: {', '.join(may)}."
        raise Refused(f"{actor} cannot roll back.", [Fault(f"people.{actor}", says)])
