"""The approvals that a release has, and whether it may be used."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters.registry import Registry, Version
from vendorkit.errors import Fault, Refused
from vendorkit.trust.log import Log, Signed, decision_fault
from vendorkit.trust.people import Authority
from vendorkit.trust.releases import ReleaseFiles, verify_release

APPROVALS_NEEDED = 1


def standing(files: ReleaseFiles, log: Log, authority: Authority) -> tuple[tuple[Signed, ...], list[Fault]]:
    """The approvals that count, and what keeps the release from being used.

    The last word of each person counts. One valid refusal that stands blocks the release.

    Returns:
        Valid approvals, and faults: empty when the release may be used.
    """
    last = {signed.decision.actor: signed for signed in log.about(files.release.digest)}
    approvals, faults = [], []
    for actor, signed in last.items():
        why = _approval_fault(signed, files, authority)
        if why:
            faults.append(Fault(f"{signed.decision.kind} by {actor}", f"does not count: {why}."))
        elif signed.decision.kind == "refusal":
            faults.append(Fault(f"refusal by {actor}", f"stands: {signed.decision.reason}"))
        else:
            approvals.append(signed)
    blocked = [fault for fault in faults if "stands:" in fault.says]
    if len(approvals) >= APPROVALS_NEEDED and not blocked:
        return tuple(approvals), []
    if len(approvals) < APPROVALS_NEEDED:
        says = f"has {len(approvals)} of {APPROVALS_NEEDED} approvals by internal people who did not make it."
        faults.insert(0, Fault(f"{files.version.model}/{files.version.number}", says))
    return tuple(approvals), faults


def _approval_fault(signed: Signed, files: ReleaseFiles, authority: Authority) -> str | None:
    decision = signed.decision
    bound = (decision.release, decision.candidate, decision.gate_report)
    if bound != (files.release.digest, files.release.candidate, files.release.gate_report):
        return "it is about other bytes than these"
    person = authority.people.get(decision.actor)
    if person and person.email.casefold() in files.authors:
        return f"{decision.actor} made this release and cannot approve it"
    return decision_fault(signed, authority)


def usable(
    registry: Registry, version: Version, folder: Path, authority: Authority, log: Log
) -> tuple[ReleaseFiles, tuple[Signed, ...]]:
    """A release that is whole and approved, with the approvals that count.

    Raises:
        Refused: It is neither; every reason is named.
    """
    subject = f"{version.model}/{version.number}"
    if log.faults:
        raise Refused(f"The decisions about {version.model} were tampered with.", log.faults)
    files = verify_release(registry, version, folder)
    approvals, faults = standing(files, log, authority)
    if faults:
        fix = f"An internal person who did not make it runs `vendorkit approve {subject}`."
        raise Refused(f"{subject} is not approved.", faults, fix=fix)
    return files, approvals
