"""Who takes part and where work happens: people, the vendor with its agreement, the systems of record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vendorkit.records.base import Value
from vendorkit.records.manifest.words import Contact, Id, RepoPath, Text


class Person(Value):
    """Someone who is named elsewhere in the manifest by id.

    Args:
        name: Name or post.
        org: `internal` works for the client, `vendor` for the vendor.
        role: What they do here.
        contact: E-mail address; the principal of their key in `allowed_signers`.
        stack: Tools that they know.
        hours_cap_per_month: Hours that they may bill in a month; None where the vendor's common cap holds.
    """

    name: Text
    org: Literal["internal", "vendor"]
    role: Text
    contact: Contact
    stack: tuple[Text, ...] = ()
    hours_cap_per_month: Annotated[float, Field(gt=0, le=744)] | None = None


class Capacity(Value):
    """What the vendor may spend.

    Args:
        billing: How it is billed, for instance `monthly-hours`.
        fte: Full-time equivalents.
        hours_cap_per_month: Hours in a month for all vendor people together.
        notice_weeks: Weeks of notice before the capacity changes.
        cover: Vendor person to the person who stands in for them.
    """

    billing: Text
    fte: Annotated[float, Field(ge=0)] | None = None
    hours_cap_per_month: Annotated[float, Field(gt=0)] | None = None
    notice_weeks: Annotated[float, Field(ge=0)] | None = None
    cover: dict[Id, Id] = Field(default_factory=dict)


class Agreement(Value):
    """Where each of the eight clauses is written: `file#heading`, or the contract's number and section."""

    reproducibility: Text | None = None
    artifact_ownership: Text | None = None
    metadata_export: Text | None = None
    transfer_at_milestones: Text | None = None
    incident_assistance: Text | None = None
    audit_access: Text | None = None
    subcontracting: Text | None = None
    exit: Text | None = None


class Proprietary(Value):
    """A service of the vendor that the work depends on, and the way out.

    Args:
        service: Its name.
        used_for: What for.
        export: Where its content is exported to.
        format: Format of the export.
        fallback: What replaces it.
        tested_by: The drill that tried the fallback.
    """

    service: Text
    used_for: Text
    export: RepoPath
    format: Text
    fallback: RepoPath
    tested_by: Text | None = None


class Vendor(Value):
    """The vendor. An empty list of proprietary services means none, stated on purpose."""

    name: Text
    capacity: Capacity
    agreement: Agreement
    proprietary: tuple[Proprietary, ...]


class Systems(Value):
    """The systems of record; work elsewhere is shadow work."""

    code: Text
    ci: Text | None = None
    models: Text | None = None
    images: Text | None = None
    data: Text | None = None
    lineage: Text | None = None
    metrics: Text | None = None
    tickets: Text | None = None
    on_call: Text | None = None
