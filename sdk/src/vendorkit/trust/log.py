"""The log of decisions about one model: a chain of signed records, read and extended.

The registry orders the entries; an entry counts when it names the last one that counts. Of two people who decide
at the same moment one wins, and the other is told: a compare-and-set without a lock. What the chain cannot show by
itself is that its very last entries were deleted: the next entry shows it, by its place, and so does a folder that
saw them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.signatures import refusal, sign
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.canonical import load_json, to_canonical
from vendorkit.records.decision import Decision, DecisionKind, Ending
from vendorkit.trust.memory import Memory
from vendorkit.trust.people import SIGNERS_FILE, Authority, Deciding

CLOCKS_DIFFER = timedelta(minutes=5)
"""By so much the clocks of those who decide and of those who read may differ."""

MOST_TRIES = 10
"""So often a decision is signed before it gives way to others who decide at the same time."""

Done = TypeVar("Done")


class Overtaken(Refused):
    """Somebody else decided meanwhile; nothing was changed."""


_checked = lru_cache(maxsize=4096)(refusal)
"""The same signature over the same bytes by the same keys is checked once in a process."""


@dataclass(frozen=True)
class Signed:
    """A decision with the signature under it.

    Args:
        decision: What was decided.
        signature: As its actor signed it.
        before: The entries before it in the log that bear a later time.
    """

    decision: Decision
    signature: str
    before: tuple[Signed, ...] = field(default=(), compare=False, repr=False)

    def to_text(self) -> str:
        """As it is kept in the registry."""
        return to_canonical({"decision": self.decision.to_value(), "signature": self.signature}).decode()


@dataclass(frozen=True)
class Log:
    """The decisions about one model.

    Args:
        accepted: The chain, oldest first. An entry counts when it names the accepted one before it; one that
            lost a race to another names an older one and has no effect. Signatures are another matter.
        faults: Entries that are gone or fit nowhere: the log was tampered with.
        places: The last place that was read in the registry, also of entries that had no effect.
    """

    accepted: tuple[Signed, ...]
    faults: tuple[Fault, ...]
    places: int = field(default=0, compare=False)

    @property
    def head(self) -> str | None:
        """Digest of the last accepted decision, which the next one must name."""
        return self.accepted[-1].decision.digest if self.accepted else None

    def move(self, alias: str, authority: Authority) -> Signed | None:
        """The last move of an alias that was signed by somebody who may."""
        return next(
            (signed for signed in reversed(self.moves(alias)) if decision_fault(signed, authority) is None), None
        )

    def moves(self, alias: str) -> tuple[Signed, ...]:
        """All moves of an alias, oldest first, whoever signed them."""
        return tuple(signed for signed in self.accepted if signed.decision.alias == alias)

    @property
    def aliases(self) -> frozenset[str]:
        """All aliases that were ever moved."""
        return frozenset(signed.decision.alias for signed in self.accepted if signed.decision.alias)

    def until(self, moment: datetime) -> Log:
        """The log as it was at a moment, by the times that the decisions bear."""
        return Log(tuple(signed for signed in self.accepted if _time(signed) <= moment), self.faults)

    def about(self, release: str) -> tuple[Signed, ...]:
        """Everything that was decided about a release, oldest first."""
        return tuple(signed for signed in self.accepted if signed.decision.release == release)


def log_of(registry: Registry, model: str, repo: Path | None = None) -> Log:
    """The log of a model as the registry holds it now.

    Args:
        registry: Where it lies.
        model: The model.
        repo: The engagement that looks: it remembers the last decision, and a log that lost it has a fault.
    """
    if repo is None:
        return read_log(registry.decisions(model), model)
    memory = Memory(repo, registry, model)  # before the log is read: another process may remember more by then
    log = read_log(registry.decisions(model), model)
    if memory.head and memory.head not in {signed.decision.digest for signed in log.accepted}:
        says = f"lost the decision that was its last one at {memory.at}."
        says += f" If the registry was set back on purpose, delete {memory.path}."
        return Log(log.accepted, (*log.faults, Fault(f"{model}.decisions", says)), log.places)
    if not log.faults:
        memory.keep(log.head)
    return log


def read_log(entries: Sequence[tuple[int, str]], model: str) -> Log:
    """Walk a log. Signatures are not looked at here.

    Args:
        entries: Place, counted from 1, and text of each entry, in the order of places.
        model: The model that all of it must be about.
    """
    accepted: list[Signed] = []
    last: str | None = None
    known: set[str | None] = {None}
    faults = []
    newest = datetime.min.replace(tzinfo=UTC)
    held = {place for place, _ in entries}
    for place in range(1, max(held, default=0) + 1):
        if place not in held:
            faults.append(Fault(f"{model}.decisions/{place}", "was deleted."))
    for place, text in entries:
        where = f"{model}.decisions/{place}"
        try:
            signed, digest = _parse_signed(text, where)
        except BadInput as error:
            faults += list(error.faults)
            continue
        decision = signed.decision
        if decision.model != model:
            faults.append(Fault(where, f"is about {decision.model}, not {model}."))
        elif decision.previous == last:
            moment = _time(signed)
            later = tuple(entry for entry in accepted if _time(entry) > moment) if moment < newest else ()
            newest = max(newest, moment)
            accepted.append(Signed(decision, signed.signature, later))
            last = digest
            known.add(digest)
        elif decision.previous not in known:
            faults.append(Fault(where, "names a decision before it that is not in the log."))
    return Log(tuple(accepted), tuple(faults), max(held, default=0))


@lru_cache(maxsize=4096)
def _parse_signed(text: str, where: str) -> tuple[Signed, str]:
    """An entry, and the digest of its decision. A process reads a log several times, and parses each entry once."""
    value = load_json(text, where)
    if not isinstance(value, dict) or set(value) != {"decision", "signature"}:
        raise BadInput("Not a decision.", [Fault(where, "expected a decision and its signature.")])
    decision, signature = Decision.parse(to_canonical(value["decision"]), where), value["signature"]
    if not isinstance(signature, str) or not signature.isascii():
        raise BadInput("Not a decision.", [Fault(f"{where}: signature", "expected an armoured signature.")])
    try:
        datetime.fromisoformat(decision.at)
    except ValueError as error:
        raise BadInput("Not a decision.", [Fault(f"{where}: at", f"{error}.")]) from error
    return Signed(decision, signature), decision.digest


def decision_fault(signed: Signed, authority: Authority) -> str | None:
    """Why a signed decision does not count; None when it is signed by an internal person, at a time to be believed."""
    return _signature_fault(signed, authority) or _time_fault(signed, authority)


def _signature_fault(signed: Signed, authority: Authority) -> str | None:
    """Why a decision is not that of an internal person; None when it is signed by one."""
    decision = signed.decision
    person = authority.people.get(decision.actor)
    if person is None:
        return f"{decision.actor} is not among the people of engagement.yaml"
    if not person.internal:
        return f"{decision.actor} works for the vendor; decisions are the client's"
    if not authority.signers.strip():
        return f"{SIGNERS_FILE} is missing, empty or a link, so that no key is known"
    signers, revoked = authority.signers, authority.revoked
    return _checked(decision.to_bytes(), signed.signature, person.email, signers, decision.at, revoked)


def _time_fault(signed: Signed, authority: Authority) -> str | None:
    """Why the time of a decision is not believed: nobody decides tomorrow, or before what they already saw."""
    if _time(signed) > datetime.now(UTC) + CLOCKS_DIFFER:
        return f"it is dated {signed.decision.at}, which is still to come"
    for earlier in signed.before:
        # An entry that does not count itself (anybody may have written it) casts no doubt on those behind it.
        if decision_fault(earlier, authority) is None:
            return f"it is dated {signed.decision.at}, before the {earlier.decision.kind} that it follows"
    return None


def _time(signed: Signed) -> datetime:
    return datetime.fromisoformat(signed.decision.at)


def refuse_tampered(log: Log, model: str) -> None:
    """Go no further with a log that is not what was written.

    Raises:
        Refused: It was tampered with.
    """
    if log.faults:
        fix = "Find out who wrote to the registry, and restore it from its backup."
        raise Refused(f"The decisions about {model} were tampered with.", log.faults, fix=fix)


def append(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    kind: DecisionKind,
    deciding: Deciding,
    *,
    alias: str | None = None,
    from_version: int | None = None,
    ending: Ending | None = None,
    archive: str | None = None,
) -> Signed:
    """Sign a decision and add it to the log as the next one.

    Args:
        log: The log as it was when the decision was made.
        version: The version that it is about.
        kind: What is decided.
        deciding: Who decides, why, and with which key.
        alias: The alias that moves.
        from_version: Where it pointed.
        ending: How the release ends, for a deprecation or retirement.
        archive: Digest of the bundle, for an archival.

    Raises:
        Refused: The actor may not decide, or the key is not theirs.
        Overtaken: Somebody else decided meanwhile.
    """
    refuse_tampered(log, version.model)
    _see_it_newest(registry, log, version.model)
    decision = Decision(
        kind=kind,
        model=version.model,
        version=version.number,
        release=version.tags["release"],
        candidate=version.tags["candidate"],
        gate_report=version.tags["gate_report"],
        actor=deciding.actor,
        reason=deciding.reason,
        at=_next_time(log, authority),
        alias=alias,
        from_version=from_version,
        previous=log.head,
        ending=ending,
        archive=archive,
    )
    signed = Signed(decision, sign(decision.to_bytes(), deciding.key))
    why = decision_fault(signed, authority)
    if why:
        fix = f"Sign with a key of that person in {SIGNERS_FILE} (`EMAIL KEYTYPE KEY`), neither expired nor revoked."
        raise Refused("The signature does not count.", [Fault(f"{kind} by {deciding.actor}", f"{why}.")], fix=fix)
    with registry.turn(version.model):  # a key may have asked for its passphrase: nobody waits for that
        _see_it_newest(registry, log, version.model)
        registry.append_decision(version.model, signed.to_text(), version)
    _see_it_accepted(log_of(registry, version.model), decision)
    return signed


def append_beside_others(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    kind: Literal["approval", "refusal"],
    deciding: Deciding,
) -> Signed:
    """Append an approval or refusal, signed again where others decided meanwhile what cannot change a mind: about
    other releases, or another approval of this one. A refusal stands beside whatever others said or did: it must not
    get lost because somebody promoted the release in the same moment.

    Raises:
        Refused: As `append`.
        Overtaken: The release was refused, moved or ended meanwhile (for a refusal: its actor said something else),
            or others decide all the time.
    """
    release = version.tags["release"]

    def unmoved(newer: Log) -> bool:
        since = newer.about(release)[len(log.about(release)) :]
        if kind == "refusal":
            return all(signed.decision.actor != deciding.actor for signed in since)
        return all(signed.decision.kind == "approval" for signed in since)

    def decide(newest: Log) -> Signed:
        return append(registry, newest, authority, version, kind, deciding)

    return beside_others(registry, version.model, log, decide, unmoved)


def beside_others(
    registry: Registry, model: str, log: Log, decide: Callable[[Log], Done], unmoved: Callable[[Log], bool]
) -> Done:
    """Decide by a log, and where somebody else was first, again by the newer one, in a turn of one's own.

    Args:
        registry, model, log: Whose log it is, and what was read of it.
        decide: Appends a decision to a log.
        unmoved: Whether a newer log leaves standing what the decision was made for.

    Raises:
        Overtaken: It does not, or others decide all the time.
    """
    with suppress(Overtaken):
        return decide(log)
    with registry.turn(model, lease=True):
        for _ in range(MOST_TRIES - 1):
            log = log_of(registry, model)
            if not unmoved(log):
                break
            with suppress(Overtaken):
                return decide(log)
    raise _overtaken(log)


def _next_time(log: Log, authority: Authority) -> str:
    """The time of the next decision: now, or that of the last one where another clock is a little ahead.

    Raises:
        Refused: The last decision that counts is dated in the future: what follows it would not count one day.
    """
    present = datetime.now(UTC)
    limit = present + CLOCKS_DIFFER
    ahead = [signed for signed in log.accepted if _time(signed) > present]
    far = [signed for signed in ahead if _time(signed) > limit and _signature_fault(signed, authority) is None]
    if far:
        last = far[-1].decision
        fault = Fault(f"{last.kind} by {last.actor}", f"is dated {last.at}, and it is {present:%Y-%m-%dT%H:%M:%SZ}.")
        fix = "Set the clock of whichever machine is wrong; if it was theirs, decide again after that time."
        raise Refused("The last decision is dated in the future.", [fault], fix=fix)
    return max((signed.decision.at for signed in ahead if _time(signed) <= limit), default=now())


def _see_it_newest(registry: Registry, log: Log, model: str) -> None:
    """Look once more before anything is signed: who lost already adds nothing to the log, and costs others nothing."""
    if registry.decisions(model, after=log.places):
        newer = log_of(registry, model)
        refuse_tampered(newer, model)
        if newer.head != log.head:
            raise _overtaken(newer)


def _see_it_accepted(log: Log, decision: Decision) -> None:
    refuse_tampered(log, decision.model)
    if all(signed.decision != decision for signed in log.accepted):
        raise _overtaken(log)


def _overtaken(log: Log) -> Overtaken:
    last = log.accepted[-1].decision
    says = f"holds a newer decision: {last.kind} of version {last.version} by {last.actor} at {last.at}."
    fix = "Look at it with `vendorkit releases`, then decide again."
    return Overtaken("Somebody else decided meanwhile; nothing was changed.", [Fault(last.model, says)], fix=fix)
