"""How releases end: the deprecation or retirement that holds for one, and where its model went after that."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.errors import Fault, Refused
from vendorkit.records.decision import ENDINGS, Ending
from vendorkit.trust.log import Log, Signed, decision_fault
from vendorkit.trust.people import Authority
from vendorkit.trust.releases import Subject


@dataclass(frozen=True)
class Ended:
    """The decision that ends a release, and what it says."""

    signed: Signed
    ending: Ending


def ending_of(subject: Subject, log: Log, authority: Authority) -> Ended | None:
    """The deprecation or retirement that holds; None where there is none, or it was withdrawn.

    The last one counts. As with a refusal, nobody gets rid of a retirement by spoiling its signature: one that no
    longer verifies still blocks, unless a valid one says otherwise; whatever loosens must verify.
    """
    held: Ended | None = None
    valid = False
    for signed in log.about(subject.release):
        decision = signed.decision
        if decision.kind not in ENDINGS:
            continue
        counts = ending_fault(signed, subject, authority) is None
        if counts:
            held = Ended(signed, decision.ending) if decision.kind != "withdrawal" and decision.ending else None
            valid = True
        elif decision.kind == "retirement" and decision.ending and not valid:
            held = Ended(signed, decision.ending)
    return held


def ending_fault(signed: Signed, subject: Subject, authority: Authority) -> str | None:
    """Why a deprecation, retirement or withdrawal does not count for a release; None when it does."""
    decision = signed.decision
    if (decision.release, decision.candidate, decision.gate_report) != subject.digests:
        return "it is about other bytes than these"
    if decision.actor != authority.ending:
        return f"{decision.actor} is not lifecycle.approver"
    return decision_fault(signed, authority)


def archival_of(subject: Subject, log: Log, authority: Authority) -> Signed | None:
    """The last archival of a release that counts; None where there is none.

    That its actor was lifecycle.approver was seen when it was signed: what is gone does not come back when another
    person takes over.
    """
    for signed in reversed(log.about(subject.release)):
        decision = signed.decision
        about = (decision.release, decision.candidate, decision.gate_report)
        if decision.kind == "archival" and about == subject.digests and decision_fault(signed, authority) is None:
            return signed
    return None


def ended(name: str, found: Ended) -> Refused:
    """The refusal to use a retired release."""
    decision, ending = found.signed.decision, found.ending
    because = f": {decision.reason}" if decision.reason else ""
    fix = f"Use {ending.replacement}." if ending.replacement else "No replacement is named; ask its owner."
    fault = Fault(f"retirement by {decision.actor}", f"blocks it from {ending.block_from}{because}.")
    return Refused(f"{name} is retired.", [fault], fix=fix)
