"""A deployment: a service that loaded a release and answers with it."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp


class Deployment(Record):
    """One start of the service.

    Args:
        model: Id of the model.
        version: Version that was loaded.
        alias: Alias it was asked for by; None when asked for by number.
        release: Digest of the Release record.
        decisions: Digests of the decisions that allowed it (approvals, the last move of the alias).
        environment: Id of the environment that serves.
        sdk_version: Version of vendorkit that serves.
        started_at: When, UTC.
    """

    schema_name: ClassVar[str] = "vendorkit/deployment/1"

    model: str
    version: int
    alias: str | None
    release: Digest
    decisions: tuple[Digest, ...]
    environment: Digest
    sdk_version: str
    started_at: Timestamp
