"""The approvals that a release has, and whether it may be used."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters.registry import Registry, Version
from vendorkit.errors import Fault, Refused
from vendorkit.trust.log import Log, Signed, decision_fault, refuse_tampered
from vendorkit.trust.people import Authority
from vendorkit.trust.releases import ReleaseFiles, Subject, verify_release


def standing(subject: Subject, log: Log, authority: Authority) -> tuple[tuple[Signed, ...], list[Fault]]:
    """The approvals that count, and what keeps a release from being used.

    The last word of each person counts. One approval is needed. A refusal blocks, and so does one whose signature
    no longer verifies: nobody gets rid of a no by spoiling it. Whoever refused may approve later.

    Returns:
        Valid approvals, and faults: empty when the release may be used.
    """
    words = [signed for signed in log.about(subject.release) if signed.decision.kind in ("approval", "refusal")]
    approvals, ignored, blocking = [], [], []
    for actor, signed in {word.decision.actor: word for word in words}.items():
        decision = signed.decision
        why = approval_fault(signed, subject, authority)
        if decision.kind == "refusal":
            doubt = f" (its signature does not count: {why})" if why else ""
            blocking.append(Fault(f"refusal by {actor}", f"stands: {decision.reason}{doubt}"))
        elif why:
            ignored.append(Fault(f"approval by {actor}", f"does not count: {why}."))
        else:
            approvals.append(signed)
    if approvals:
        return tuple(approvals), blocking
    nobody = Fault(subject.name, "has no approval by an internal person who did not make it.")
    return (), [nobody, *ignored, *blocking]


def approval_fault(signed: Signed, subject: Subject, authority: Authority) -> str | None:
    """Why an approval or refusal does not count for a release; None when it does."""
    decision = signed.decision
    if (decision.release, decision.candidate, decision.gate_report) != subject.digests:
        return "it is about other bytes than these"
    person = authority.people.get(decision.actor)
    if person and person.email.casefold() in subject.authors:
        return f"{decision.actor} made this release and cannot approve it"
    return decision_fault(signed, authority)


def usable(
    registry: Registry, version: Version, folder: Path, authority: Authority, log: Log
) -> tuple[ReleaseFiles, tuple[Signed, ...]]:
    """A release that is whole and approved, with the approvals that count.

    Raises:
        Refused: It is neither; every reason is named.
    """
    refuse_tampered(log, version.model)
    files = verify_release(registry, version, folder)
    approvals, faults = standing(files.subject, log, authority)
    if faults:
        fix = f"An internal person who did not make it runs `vendorkit approve {version.name}`."
        raise Refused(f"{version.name} is not approved.", faults, fix=fix)
    return files, approvals
