"""Decisions about releases: who approved, refused, promoted or rolled back what, why and when.

They form one append-only chain for each model: every decision names the one before it by digest.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Timestamp

DecisionKind = Literal["approval", "refusal", "promotion", "rollback"]


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
        alias: The alias that moved; None for approval and refusal.
        from_version: Where the alias pointed before; None when it was new or nothing moved.
        previous: Digest of the model's decision before this one; None for the first.
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
