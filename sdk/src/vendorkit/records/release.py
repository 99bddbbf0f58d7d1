"""The release record: what was registered as one version of a model, all of it by digest."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp
from vendorkit.records.run import Artifact, Person


class Release(Record):
    """One registered model version. Its number is given by the registry and is not part of it.

    Args:
        model: Id of the model and name in the registry.
        candidate: Digest of the Run record.
        gate_report: Digest of the GateReport record.
        features: Digest of the FeatureSet record.
        contract: Digest of the Contract record.
        snapshots: Digests of the Snapshot records of all inputs.
        files: Every other file of the release: model, code, records and lock file.
        publisher: Who published, as git knows them.
        published_at: When, UTC.
    """

    schema_name: ClassVar[str] = "vendorkit/release/1"

    model: str
    candidate: Digest
    gate_report: Digest
    features: Digest
    contract: Digest
    snapshots: tuple[Digest, ...]
    files: tuple[Artifact, ...]
    publisher: Person
    published_at: Timestamp
