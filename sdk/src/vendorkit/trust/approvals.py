"""The approvals that a release has, what is still missing, and whether it may be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.signatures import signing_key
from vendorkit.errors import Fault, Refused
from vendorkit.trust.endings import ended, ending_of
from vendorkit.trust.log import Log, Signed, decision_fault, refuse_tampered
from vendorkit.trust.people import Authority
from vendorkit.trust.releases import ReleaseFiles, Subject, verify_release


@dataclass(frozen=True)
class Standing:
    """Where a release stands with those who decide about it.

    Args:
        approvals: Those that count.
        missing: What is still missing, and words that do not count; empty when it has all approvals.
        refusals: Refusals that stand.
    """

    approvals: tuple[Signed, ...]
    missing: tuple[Fault, ...]
    refusals: tuple[Fault, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What keeps it from being used."""
        return self.missing + self.refusals


def standing(subject: Subject, log: Log, authority: Authority) -> Standing:
    """The approvals that count, and what keeps a release from being used.

    The last word of each person counts. How many approvals are needed, and of which roles, says the policy pack by
    risk tier. A refusal blocks, and so does one whose signature no longer verifies: nobody gets rid of a no by
    spoiling it. Whoever refused may approve later.
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
    missing = _missing(subject, approvals, authority)
    return Standing(tuple(approvals), (*missing, *ignored) if missing else (), tuple(blocking))


def _missing(subject: Subject, approvals: list[Signed], authority: Authority) -> list[Fault]:
    """What the rule asks for and the approvals do not give. One person with two ids, or one key, is one person."""
    actors = [signed.decision.actor for signed in approvals]
    rule, given = authority.rule, [authority.people[actor] for actor in actors]
    faults = []
    people = {person.email.casefold() for person in given}
    keys = {signing_key(signed.signature) for signed in approvals}
    distinct = min(len(people), len(keys))
    if distinct < rule.approvals:
        who = "an internal person who did not make it"
        if rule.approvals == 1:
            says = f"has no approval by {who}."
        else:
            by = f" ({', '.join(actors)})" if actors else ""
            needed = f"{rule.approvals} approvals{by} that tier {authority.tier} needs"
            says = f"has {distinct} of {needed}, each by {who}."
        faults.append(Fault(subject.name, says))
        if len(keys) < len(people):
            faults.append(Fault(subject.name, "several of its approvals are signed with one key: that is one person."))
    for role in rule.roles:
        if not any(person.role == role for person in given):
            having = [name for name, person in authority.people.items() if person.role == role and person.internal]
            can = f"can give it: {', '.join(having)}" if having else "nobody in engagement.yaml has that role"
            says = f"has no approval by somebody with role {role}, which tier {authority.tier} needs; {can}."
            faults.append(Fault(subject.name, says))
    return faults


def approval_fault(signed: Signed, subject: Subject, authority: Authority) -> str | None:
    """Why an approval, refusal or emergency promotion does not count for a release; None when it does."""
    decision = signed.decision
    if (decision.release, decision.candidate, decision.gate_report) != subject.digests:
        return "it is about other bytes than these"
    person = authority.people.get(decision.actor)
    if person and person.email.casefold() in subject.authors:
        return f"{decision.actor} made this release and cannot approve it"
    return decision_fault(signed, authority)


def emergency_fault(signed: Signed | None, subject: Subject, authority: Authority) -> str | None:
    """Why a move does not stand in for missing approvals; None when it is an emergency promotion that does."""
    if signed is None or signed.decision.kind != "emergency":
        return "it is no emergency promotion"
    if signed.decision.actor not in authority.rolling_back:
        return f"{signed.decision.actor} is not in operations.rollback.authority"
    if not signed.decision.reason.strip():
        return "it names no reason"
    return approval_fault(signed, subject, authority)


def to_review(subject: Subject, log: Log, authority: Authority) -> Signed | None:
    """The emergency promotion of a release whose approvals are still missing; None when there is nothing to review."""
    if not standing(subject, log, authority).faults:
        return None
    moves = (signed for signed in reversed(log.about(subject.release)) if signed.decision.kind == "emergency")
    return next((signed for signed in moves if decision_fault(signed, authority) is None), None)


def usable(
    registry: Registry,
    version: Version,
    folder: Path,
    authority: Authority,
    log: Log,
    *,
    move: Signed | None = None,
    emergency: bool = False,
    used: bool = True,
) -> tuple[ReleaseFiles, tuple[Signed, ...]]:
    """A release that is whole, approved and not retired, with the approvals that count.

    Args:
        registry, version: What is to be used.
        folder: Where its files go.
        authority: Whom the engagement trusts.
        log: The decisions about its model.
        move: The move by which it is used; a valid emergency promotion stands in for missing approvals.
        emergency: Whether such a promotion is about to be recorded.
        used: As for `verify_release`.

    Raises:
        Refused: It is not; every reason is named.
    """
    refuse_tampered(log, version.model)
    files = verify_release(registry, version, folder, used=used)
    return files, refuse_unusable(files.subject, log, authority, move=move, emergency=emergency)


def refuse_unusable(
    subject: Subject,
    log: Log,
    authority: Authority,
    *,
    move: Signed | None = None,
    emergency: bool = False,
) -> tuple[Signed, ...]:
    """The approvals that count for a verified release; arguments as for `usable`.

    Raises:
        Refused: It is not approved, refused, or retired; every reason is named.
    """
    faults = unapproved(subject, log, authority, move=move, emergency=emergency)
    if faults:
        fix = f"An internal person who did not make it runs `vendorkit approve {subject.name}`."
        raise Refused(f"{subject.name} is not approved.", faults, fix=fix)
    ending = ending_of(subject, log, authority)
    if ending and ending.ending.blocks(datetime.now(UTC).date()):
        raise ended(subject.name, ending)
    return standing(subject, log, authority).approvals


def unapproved(
    subject: Subject, log: Log, authority: Authority, *, move: Signed | None = None, emergency: bool = False
) -> tuple[Fault, ...]:
    """What keeps a release from being used, its end aside; arguments as for `usable`."""
    found = standing(subject, log, authority)
    excused = emergency or emergency_fault(move, subject, authority) is None
    return found.refusals if excused else found.faults
