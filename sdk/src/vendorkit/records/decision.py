"""Decisions about releases: who approved, refused, promoted, rolled back or retired what, why and when.

They form one append-only chain for each model: every decision names the one before it by digest.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vendorkit.records.base import Digest, Record, Timestamp, Value, added
from vendorkit.records.manifest.words import Day, day

DecisionKind = Literal[
    "approval", "refusal", "promotion", "emergency", "rollback", "deprecation", "retirement", "withdrawal", "archival"
]
ENDINGS: tuple[DecisionKind, ...] = ("deprecation", "retirement", "withdrawal")
"""The decisions about the end of a release: callers are warned, it is blocked, or neither after all."""


class ApprovalRule(Value):
    """How many approvals a release needs, and by whom.

    Args:
        approvals: By so many different internal people who did not make it.
        roles: For each of these roles of the manifest, one of them has it.
    """

    approvals: Annotated[int, Field(ge=1, le=20)] = 1
    roles: tuple[str, ...] = ()


STRICTEST = ApprovalRule(approvals=2, roles=("model-risk",))
"""What a release needs where no policy says otherwise."""


class Ending(Value):
    """How a release ends.

    Args:
        warn_from: First day (UTC) on which callers are warned; None: never.
        block_from: First day on which it is no longer used; None: it is only deprecated.
        replacement: MODEL/VERSION to use instead.
    """

    warn_from: Day | None = None
    block_from: Day | None = None
    replacement: str | None = None

    def warns(self, on: date) -> bool:
        """Whether callers are warned on a day."""
        return self.warn_from is not None and day(self.warn_from) <= on

    def blocks(self, on: date) -> bool:
        """Whether it is no longer used on a day."""
        return self.block_from is not None and day(self.block_from) <= on


class Leave(Value):
    """Whether a release may be used, by what was decided about it.

    Args:
        ending: How it ends, where that was decided.
        refused: What keeps it from being used at once: refusals, approvals that do not count any more.
    """

    ending: Ending | None = None
    refused: tuple[str, ...] = ()


class Decision(Record):
    """One signed decision.

    Args:
        kind: What was decided.
        model: Id of the model.
        version: The version that it is about; for a rollback the one gone back to.
        release: Digest of that version's Release record.
        candidate: Digest of its Run record.
        gate_report: Digest of its GateReport record.
        actor: Person id of the manifest.
        reason: Why, in the actor's words.
        at: When, UTC.
        alias: The alias that moved; None where none did.
        from_version: Where the alias pointed before; None when it was new or nothing moved.
        previous: Digest of the model's decision before this one; None for the first.
        ending: From when callers are warned, and from when it is blocked; of a deprecation or retirement.
        archive: Digest of the bundle that holds the release from then on; of an archival.
    """

    schema_name: ClassVar[str] = "vendorkit/decision/1"

    kind: DecisionKind
    model: str
    version: int
    release: Digest
    candidate: Digest
    gate_report: Digest
    actor: str
    reason: str
    at: Timestamp
    alias: str | None
    from_version: int | None
    previous: Digest | None
    ending: Ending | None = added(None)
    archive: Digest | None = added(None)
