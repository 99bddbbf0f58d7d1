"""Whom the engagement trusts: its people, and whose key is whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import read_file
from vendorkit.adapters.signatures import Revoked, parse_revoked
from vendorkit.errors import BadInput, Fault
from vendorkit.records.decision import STRICTEST, ApprovalRule
from vendorkit.records.manifest import Manifest

SIGNERS_FILE = "allowed_signers"
REVOKED_FILE = "revoked_keys"
LONGEST_REASON = 2000


@dataclass(frozen=True)
class Member:
    """A person of the manifest, as far as trust goes: id, e-mail address, whether the client's own, and role."""

    id: str
    email: str
    internal: bool
    role: str = ""


@dataclass(frozen=True)
class Authority:
    """Whom the engagement trusts.

    Args:
        people: By person id.
        signers: Content of `allowed_signers`.
        revoked: The keys of `revoked_keys`, and since when each is.
        rule: The approvals that a release needs.
        tier: The risk tier that asks for them.
        rolling_back: Person ids of `operations.rollback.authority`: they roll back and promote in an emergency.
        ending: Person id of `lifecycle.approver`, who retires releases.
    """

    people: Mapping[str, Member]
    signers: str
    revoked: tuple[Revoked, ...] = ()
    rule: ApprovalRule = STRICTEST
    tier: str = ""
    rolling_back: tuple[str, ...] = ()
    ending: str | None = None


@dataclass(frozen=True)
class Deciding:
    """Who decides, why, and with which key.

    Args:
        actor: Person id of the manifest.
        reason: Why, in their words; may be empty for a yes.
        key: Their SSH key file.
    """

    actor: str
    reason: str
    key: Path


def deciding(repo: Path, manifest: Manifest, actor: str | None, reason: str, key: Path | None) -> Deciding:
    """Who decides: the person named, or the one whom git knows; with the key given, or git's signing key.

    Raises:
        BadInput: The person is not in the manifest, or there is no key: both are named.
    """
    faults = []
    if actor is None:
        _, email = repository.identity(repo)
        known = manifest.person_by_contact(email)
        actor = known[0] if known else ""
        if not known:
            fix = f"Name yourself: --as {'|'.join(manifest.people)}."
            faults.append(Fault("people", f"none has the contact {email}, which git knows you by.", fix))
    elif actor not in manifest.people:
        faults.append(Fault("--as", f"{actor} is not among the people of engagement.yaml."))
    if len(reason) > LONGEST_REASON or not reason.replace("\n", "").isprintable():
        says = f"is {len(reason)} characters; expected plain text of at most {LONGEST_REASON}."
        faults.append(Fault("--reason", says))
    chosen = key or repository.signing_key(repo)
    if chosen is None:
        faults.append(Fault("--key", "is missing, and git has no SSH key in user.signingKey."))
    if faults or chosen is None:
        raise BadInput("Who decides?", faults)
    return Deciding(actor, reason, chosen)


def authority_of(repo: Path, manifest: Manifest, rule: ApprovalRule = STRICTEST) -> Authority:
    """The authority of an engagement: the people of its manifest, `allowed_signers` and `revoked_keys`.

    Args:
        repo: The engagement.
        manifest: Its manifest.
        rule: The approvals that the policy pack asks of a release of this tier; whoever moves, serves or judges
            releases must say it.

    Raises:
        BadInput: `revoked_keys` is no such list: a key must not count because its line was mistyped.
    """
    people = {
        name: Member(name, person.contact, internal=person.org == "internal", role=person.role)
        for name, person in manifest.people.items()
    }
    signers = read_file(repo, SIGNERS_FILE).data or b""
    return Authority(
        people=people,
        signers=signers.decode("utf-8", errors="replace"),
        revoked=_revoked(repo),
        rule=rule,
        tier=manifest.engagement.risk_tier,
        rolling_back=manifest.operations.rollback.authority if manifest.operations else (),
        ending=manifest.lifecycle.approver if manifest.lifecycle else None,
    )


def _revoked(repo: Path) -> tuple[Revoked, ...]:
    seen = read_file(repo, REVOKED_FILE)
    if seen.kind == "missing":
        return ()
    if seen.data is None:
        raise BadInput("The list of revoked keys cannot be read.", [Fault(REVOKED_FILE, f"is a {seen.kind}.")])
    return parse_revoked(seen.data.decode("utf-8", errors="replace"), REVOKED_FILE)
