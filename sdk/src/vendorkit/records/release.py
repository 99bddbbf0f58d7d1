"""The release record: what was registered as one version of a model, all of it by digest."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Timestamp, Value, added
from vendorkit.records.gate_report import Against
from vendorkit.records.run import Artifact, Person


class DataReference(Value):
    """A dataset that the model learned from.

    Args:
        dataset: Its id.
        snapshot: Digest of the Snapshot record.
        content_digest: Digest of its whole content.
        rows: Its rows.
    """

    dataset: str
    snapshot: Digest
    content_digest: Digest
    rows: int


class Document(Value):
    """A document of the release for people.

    Args:
        name: `card`, `datasheet-DATASET`, `release-notes`, `brief`.
        path: Its file in the release; the same as HTML lies beside it.
        digest: Digest of that file.
    """

    name: str
    path: str
    digest: Digest


class Release(Record):
    """One registered model version. Its number is given by the registry and is not part of it.

    Approvals and where it is live are not part of it either: they come later, in the signed log.

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
        commit: The commit of the code, in full.
        data: The datasets with their digests.
        metrics: What the gates found, by id of the gate.
        against: The live version that it was compared with; None for the first.
        environment: Digest of the environment that it was trained in.
        lock: Digest of the lock file.
        documents: The documents for people.
        policy: Digest of the policy pack that it was published under.
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
    commit: str = added("")
    data: tuple[DataReference, ...] = added(())
    metrics: dict[str, float] = added({})
    against: Against | None = added(None)
    environment: Digest | None = added(None)
    lock: Digest | None = added(None)
    documents: tuple[Document, ...] = added(())
    policy: Digest | None = added(None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts that a whole record has and this one has not; a release that was imported may lack some."""
        named = {document.name.partition("-")[0] for document in self.documents}
        parts = {
            "lineage": bool(self.commit and self.snapshots),
            "data references": bool(self.data),
            "environment": bool(self.environment and self.lock),
            "model card": "card" in named,
            "datasheet": "datasheet" in named,
            "release notes": "release" in named,
            "decision brief": "brief" in named,
        }
        return tuple(part for part, there in parts.items() if not there)
