"""An acceptance: the internal person named for a milestone took it over, as it was packed."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp


class Acceptance(Record):
    """One accepted milestone.

    Args:
        engagement: Id of the engagement.
        milestone: Id of the milestone.
        pack: Digest of the Pack record: of everything in the archive.
        archive: Digest of the archive's bytes.
        commit: Commit that was packed.
        releases: Digests of the Release records in it.
        actor: Person id of the manifest: the milestone's `accepted_by`.
        reason: In the actor's words; may be empty.
        at: When, UTC.
    """

    schema_name: ClassVar[str] = "vendorkit/acceptance/1"

    engagement: str
    milestone: str
    pack: Digest
    archive: Digest
    commit: str
    releases: tuple[Digest, ...]
    actor: str
    reason: str
    at: Timestamp
