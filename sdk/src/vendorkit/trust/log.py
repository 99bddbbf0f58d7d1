"""The log of decisions about one model: a chain of signed records, read and extended.

The registry orders the entries; an entry counts when it names the last one that counts. Of two people who decide
at the same moment one wins, and the other is told: a compare-and-set without a lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.signatures import refusal, sign
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import load_json, to_canonical
from vendorkit.records.decision import Decision, DecisionKind
from vendorkit.trust.people import Authority


@dataclass(frozen=True)
class Signed:
    """A decision with the signature under it."""

    decision: Decision
    signature: str

    def to_text(self) -> str:
        """As it is kept in the registry."""
        return to_canonical({"decision": self.decision.to_value(), "signature": self.signature}).decode()


@dataclass(frozen=True)
class Log:
    """The decisions about one model.

    Args:
        accepted: The chain, oldest first. An entry counts when it names the accepted one before it; one that
            lost a race to another names an older one and has no effect.
        faults: Entries that fit nowhere: the log was tampered with.
    """

    accepted: tuple[Signed, ...]
    faults: tuple[Fault, ...]

    @property
    def head(self) -> str | None:
        """Digest of the last accepted decision, which the next one must name."""
        return self.accepted[-1].decision.digest if self.accepted else None

    def move(self, alias: str) -> Signed | None:
        """The last move of an alias."""
        moves = [signed for signed in self.accepted if signed.decision.alias == alias]
        return moves[-1] if moves else None

    def about(self, release: str) -> tuple[Signed, ...]:
        """Approvals and refusals of a release."""
        return tuple(
            signed
            for signed in self.accepted
            if signed.decision.release == release and signed.decision.kind in ("approval", "refusal")
        )


def read_log(texts: Sequence[str], model: str) -> Log:
    """Walk the log in the registry's order. Signatures are not looked at here."""
    accepted: list[Signed] = []
    known: set[str | None] = {None}
    faults = []
    for place, text in enumerate(texts, start=1):
        where = f"{model}.decisions/{place}"
        try:
            signed = _parse_signed(text, where)
        except BadInput as error:
            faults += list(error.faults)
            continue
        if signed.decision.model != model:
            faults.append(Fault(where, f"is about {signed.decision.model}, not {model}."))
        elif signed.decision.previous == (accepted[-1].decision.digest if accepted else None):
            accepted.append(signed)
            known.add(signed.decision.digest)
        elif signed.decision.previous not in known:
            faults.append(Fault(where, "names a decision before it that is not in the log."))
    return Log(tuple(accepted), tuple(faults))


def _parse_signed(text: str, where: str) -> Signed:
    value = load_json(text, where)
    if not isinstance(value, dict) or set(value) != {"decision", "signature"}:
        raise BadInput("Not a decision.", [Fault(where, "expected a decision and its signature.")])
    return Signed(Decision.parse(to_canonical(value["decision"]), where), str(value["signature"]))


def decision_fault(signed: Signed, authority: Authority) -> str | None:
    """Why a signed decision does not count; None when it is signed by an internal person."""
    decision = signed.decision
    person = authority.people.get(decision.actor)
    if person is None:
        return f"{decision.actor} is not among the people of engagement.yaml"
    if not person.internal:
        return f"{decision.actor} works for the vendor; decisions are the client's"
    return refusal(decision.to_bytes(), signed.signature, person.email, authority.signers, decision.at)


def append(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    *,
    kind: DecisionKind,
    actor: str,
    reason: str,
    key: Path,
    alias: str | None = None,
    from_version: int | None = None,
) -> Signed:
    """Sign a decision and add it to the log as the next one.

    Args:
        log: The log as it was when the decision was made.
        version: The version that it is about.
        actor: Person id of who decides.
        key: Their SSH key.
        alias: The alias that moves.
        from_version: Where it pointed.

    Raises:
        Refused: The actor may not decide, the key is not theirs, or somebody else decided meanwhile.
    """
    decision = Decision(
        kind=kind,
        model=version.model,
        version=version.number,
        release=version.tags["release"],
        candidate=version.tags["candidate"],
        gate_report=version.tags["gate_report"],
        actor=actor,
        reason=reason,
        at=now(),
        alias=alias,
        from_version=from_version,
        previous=log.head,
    )
    signed = Signed(decision, sign(decision.to_bytes(), key))
    why = decision_fault(signed, authority)
    if why:
        fix = "The line `EMAIL KEYTYPE KEY` of an internal person belongs into allowed_signers."
        raise Refused("The signature does not count.", [Fault(f"{kind} by {actor}", f"{why}.")], fix=fix)
    registry.append_decision(version.model, signed.to_text(), version)
    after = read_log(registry.decisions(version.model), version.model)
    if decision.digest not in {entry.decision.digest for entry in after.accepted}:
        last = after.accepted[-1].decision
        says = f"{last.actor} recorded a {last.kind} of version {last.version} at {last.at}."
        fix = "Look at it with `vendorkit releases`, then decide again."
        raise Refused(
            "Somebody else decided meanwhile; nothing was changed.", [Fault(version.model, says)], fix=fix
        )
    return signed
