"""Approve or refuse a release: a signed word of an internal person who did not make it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry
from vendorkit.documents.openlineage import decision_events
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.decision import Decision
from vendorkit.records.release import Release
from vendorkit.standards.policy import approval_rule
from vendorkit.trust.approvals import standing
from vendorkit.trust.log import append_beside_others, log_of
from vendorkit.trust.people import Authority, Deciding, authority_of
from vendorkit.trust.releases import Subject, find_version, verify_release


@dataclass(frozen=True)
class Decided:
    """A recorded yes or no, and what the release still lacks.

    Args:
        decision: The record.
        missing: What keeps the release from being promoted.
    """

    decision: Decision
    missing: tuple[Fault, ...]


def decide(
    repo: Path,
    kind: Literal["approval", "refusal"],
    model: str,
    version: int,
    deciding: Deciding,
    *,
    registry: Registry | None = None,
) -> Decided:
    """Record a signed approval or refusal.

    Args:
        repo: The engagement, whose people and keys count.
        kind: A yes or a no.
        model: Id of the model.
        version: Its version.
        deciding: Who, why, and with which key.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: The person may not decide about this release, the release is not what was published, or parts of
            the record that is to be approved are missing: all are named.
        BadInput: No such version, or no reason for a refusal.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    if kind == "refusal" and not deciding.reason.strip():
        raise BadInput("Why is it refused?", [Fault("--reason", "is missing.")])
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    found = find_version(registry, model, version)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        files = verify_release(registry, found, Path(folder), used=False)
    if kind == "approval":
        _refuse_gaps(files.release, found.name)
    faults = _may_not(deciding.actor, files.subject, authority)
    if faults:
        others = [name for name in authority.people if not _may_not(name, files.subject, authority)]
        fix = f"One of these may: {', '.join(others) or 'nobody in engagement.yaml'}."
        raise Refused(f"{deciding.actor} cannot decide about {found.name}.", faults, fix=fix)
    signed = append_beside_others(registry, log, authority, found, kind, deciding)
    send(repo, lambda: decision_events(manifest, signed.decision))
    missing = standing(files.subject, log_of(registry, model), authority).faults
    return Decided(signed.decision, missing)


def _refuse_gaps(release: Release, name: str) -> None:
    """What a release record lacks is supplied before anybody says yes to it."""
    faults = [Fault(f"{name}: {part}", "is missing from its release record.") for part in release.missing]
    if faults:
        fix = "Its maker publishes it again with all of it; `vendorkit publish` names what is needed."
        raise Refused(f"{name} is not complete, and cannot be approved.", faults, fix=fix)


def _may_not(actor: str, subject: Subject, authority: Authority) -> list[Fault]:
    person = authority.people[actor]
    faults = []
    if not person.internal:
        faults.append(Fault(f"people.{actor}", "works for the vendor; only the client's own people decide."))
    if person.email.casefold() in subject.authors:
        faults.append(Fault(f"people.{actor}", "trained, published or committed this release."))
    return faults
