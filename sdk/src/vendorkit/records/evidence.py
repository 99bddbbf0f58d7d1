"""Evidence: everything that is known about one release, as verified values. What documents are rendered from."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.records.contract import Contract
from vendorkit.records.decision import Decision
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.release import Release
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot


@dataclass(frozen=True)
class Evidence:
    """A release with all records that it stands on. Whoever makes this value has verified the records.

    Args:
        version: Its number in the registry.
        release, run, report, features, contract, snapshots: Its records.
        manifest: The manifest as it was published with it.
        lock: The bytes of the lock file that was published with it.
        decisions: What was decided about it and counts, oldest first.
    """

    version: int
    release: Release
    run: Run
    report: GateReport
    features: FeatureSet
    contract: Contract
    snapshots: tuple[Snapshot, ...]
    manifest: Manifest
    lock: bytes
    decisions: tuple[Decision, ...] = ()

    @property
    def name(self) -> str:
        """`credit/3`."""
        return f"{self.release.model}/{self.version}"

    def snapshot(self, dataset: str) -> Snapshot:
        """The snapshot of a dataset that the run read."""
        return next(snapshot for snapshot in self.snapshots if snapshot.dataset == dataset)
