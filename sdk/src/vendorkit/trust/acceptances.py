"""Acceptances: signed by the person whom the milestone names, and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.adapters.signatures import refusal, sign
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.acceptance import Acceptance
from vendorkit.records.canonical import load_json, to_canonical
from vendorkit.records.manifest.delivery import Milestone
from vendorkit.trust.people import SIGNERS_FILE, Authority, Deciding


@dataclass(frozen=True)
class SignedAcceptance:
    """An acceptance with the signature under it."""

    acceptance: Acceptance
    signature: str

    def to_bytes(self) -> bytes:
        """As it is kept in `records/`."""
        return to_canonical({"acceptance": self.acceptance.to_value(), "signature": self.signature})

    @classmethod
    def parse(cls, data: bytes, where: str) -> SignedAcceptance:
        """Read what `to_bytes` wrote.

        Raises:
            BadInput: It is not that; `faults` has what is wrong.
        """
        value = load_json(data, where)
        if not isinstance(value, dict) or set(value) != {"acceptance", "signature"}:
            raise BadInput("Not an acceptance.", [Fault(where, "expected an acceptance and its signature.")])
        signature = value["signature"]
        if not isinstance(signature, str) or not signature.isascii():
            raise BadInput("Not an acceptance.", [Fault(f"{where}: signature", "expected an armoured signature.")])
        return cls(Acceptance.parse(to_canonical(value["acceptance"]), where), signature)


def sign_acceptance(
    acceptance: Acceptance, milestone: Milestone, authority: Authority, deciding: Deciding
) -> SignedAcceptance:
    """Sign an acceptance.

    Raises:
        Refused: The key is not that of the person whom the milestone names.
    """
    signed = SignedAcceptance(acceptance, sign(acceptance.to_bytes(), deciding.key))
    why = acceptance_fault(signed, milestone, authority)
    if why:
        fix = f"The line `EMAIL KEYTYPE KEY` of {milestone.accepted_by} belongs into {SIGNERS_FILE}."
        raise Refused("The signature does not count.", [Fault(f"acceptance of {milestone.id}", f"{why}.")], fix=fix)
    return signed


def refuse_others(milestone: Milestone, actor: str) -> None:
    """Go no further for anybody but the person whom the milestone names.

    Raises:
        Refused: It is somebody else.
    """
    if actor != milestone.accepted_by:
        says = f"is accepted by {milestone.accepted_by} only, as engagement.yaml says."
        raise Refused(f"{actor} cannot accept {milestone.id}.", [Fault(f"milestone {milestone.id}", says)])


def acceptance_fault(signed: SignedAcceptance, milestone: Milestone, authority: Authority) -> str | None:
    """Why an acceptance does not count for a milestone; None when it does."""
    acceptance = signed.acceptance
    person = authority.people.get(acceptance.actor)
    if acceptance.milestone != milestone.id:
        return f"it is about {acceptance.milestone}"
    if acceptance.actor != milestone.accepted_by:
        return f"{acceptance.actor} is not {milestone.accepted_by}, whom engagement.yaml names"
    if person is None or not person.internal:
        return f"{acceptance.actor} is not one of the client's own people"
    if not authority.signers.strip():
        return f"{SIGNERS_FILE} is missing, empty or a link, so that no key is known"
    signers, revoked = authority.signers, authority.revoked
    return refusal(acceptance.to_bytes(), signed.signature, person.email, signers, acceptance.at, revoked)
