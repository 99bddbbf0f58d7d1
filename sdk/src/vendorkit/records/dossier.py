"""Everything that is known of one candidate or release, together: what its documents are rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vendorkit.errors import BadInput
from vendorkit.records.contract import Contract
from vendorkit.records.decision import ApprovalRule
from vendorkit.records.document_format import WordsKind, words_files
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.prose import Prose, read_prose
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot


@dataclass(frozen=True)
class Dossier:
    """One candidate or release.

    Args:
        name: `credit/3`, or what a candidate is called.
        manifest: What was declared.
        run: How it came to be.
        features: What it is given.
        contract: What it offers to callers.
        report: What its gates said; None before they were asked.
        snapshots: The data.
        files: What the engagement declared and wrote, by path: words, data contracts.
        requirements: Pinned packages, one a line.
        rule: The approvals that the platform asks for; None where that does not matter.
    """

    name: str
    manifest: Manifest
    run: Run
    features: FeatureSet
    contract: Contract
    report: GateReport | None
    snapshots: tuple[Snapshot, ...]
    files: Mapping[str, bytes]
    requirements: str
    rule: ApprovalRule | None = None

    def prose(self, kind: WordsKind, subject: str) -> Prose:
        """The words of a document; without sections where there are none that can be read."""
        for file in words_files(self.manifest, self.run.model):
            if (file.kind, file.subject) == (kind, subject):
                try:
                    return read_prose(self.files.get(file.path, b""), file.path)
                except BadInput:
                    return Prose(file.path, ())
        return Prose("", ())

    @property
    def about(self) -> str:
        """Which candidate it is, when it was trained and judged, in one sentence."""
        run = self.run
        commit = f" from commit {run.code.commit[:12]}" if run.code.commit else ""
        judged = f" and judged on {self.report.asked_at[:10]}" if self.report else ""
        return f"Candidate {run.digest[:19]} was trained{commit} on {run.started_at[:10]}{judged}."

    @property
    def packages(self) -> dict[str, str]:
        """Package to version, from the pinned requirements."""
        pins = (line.partition(";")[0].partition("==") for line in self.requirements.splitlines())
        return {name.strip(): version.strip() for name, equals, version in pins if equals}
