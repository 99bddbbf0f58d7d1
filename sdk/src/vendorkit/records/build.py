"""A build: a table that a surface delivers, from which frozen data and code it was made, and that its contract held."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp
from vendorkit.records.run import Input


class Build(Record):
    """A delivered table that keeps its contract.

    Args:
        surface: Id of the surface in the manifest.
        kind: Its kind: `features`, `dataset`, `report`, `dashboard` or `pipeline`.
        inputs: The frozen data that it was made of.
        code: Digest of path and content of every source file in the surface's folder.
        commit: Full git commit, empty where there is none yet.
        dirty: Whether the working tree differed from the commit.
        contract: Digest of the data contract.
        rules: How many rules of the contract were asked.
        columns: Names of the columns, in order.
        rows: Number of rows.
        content_digest: Digest over names, types and every value of every row.
        file: Digest of the Parquet file.
        query: Where people read it, as the manifest declares it; None where it declares nothing.
        refresh: How often it is made anew, as the manifest declares it; None where it declares nothing.
        sdk_version: Version of vendorkit that built it.
        built_at: When, UTC.
    """

    schema_name: ClassVar[str] = "vendorkit/build/1"

    surface: str
    kind: str
    inputs: tuple[Input, ...]
    code: Digest
    commit: str
    dirty: bool
    contract: Digest
    rules: int
    columns: tuple[str, ...]
    rows: int
    content_digest: Digest
    file: Digest
    query: str | None
    refresh: str | None
    sdk_version: str
    built_at: Timestamp
