"""A candidate on its way to become a release: what the engagement says of it now, and what is live beside it.

Publishing and drafting the documents both begin here, so that what is drafted is what is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.engagement import MANIFEST, read_file
from vendorkit.adapters.environment import LOCKFILE
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Candidate, Store
from vendorkit.records.canonical import digest_bytes
from vendorkit.records.contract import Contract, contract_of
from vendorkit.records.decision import ApprovalRule
from vendorkit.records.document_format import DocumentFormats, runbook_of, words_files
from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import Against, GateReport
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.seen_file import SeenFile
from vendorkit.trust.dossier import dossier_of
from vendorkit.trust.fitness import Case


@dataclass(frozen=True)
class Candidacy:
    """A candidate with all that is declared and written about it.

    Args:
        manifest: What is declared now.
        candidate: The candidate.
        report: Its gate report, None where gates were not asked.
        contract: What it offers to callers.
        declared: Path to what lies there: manifest, lock, words, runbook, data contracts.
        live: The version that is live, None where none is.
    """

    manifest: Manifest
    candidate: Candidate
    report: GateReport | None
    contract: Contract
    declared: Mapping[str, SeenFile]
    live: Version | None = None

    @property
    def against(self) -> Against | None:
        """The live version as a gate report names it."""
        return Against(model=self.live.model, version=self.live.number, release=self.live.tags["release"]) \
            if self.live else None  # fmt: skip

    @property
    def files(self) -> dict[str, bytes]:
        """The regular files among what is declared."""
        return {path: seen.data for path, seen in self.declared.items() if seen.data is not None}

    def case(self, formats: DocumentFormats, gates: tuple[Gate, ...]) -> Case:
        """What is to be judged before it becomes a release.

        Args:
            formats: The form of the documents.
            gates: The gates that it must pass, the platform's among them.
        """
        model, lock = self.candidate.run.model, self.declared[LOCKFILE].data
        runbook = runbook_of(self.manifest, model)
        return Case(
            manifest=self.manifest,
            run=self.candidate.run,
            contract=self.contract,
            report=self.report,
            live=self.against,
            lockfile=LOCKFILE,
            lock=None if lock is None else digest_bytes(lock),
            words=tuple((file, self.declared[file.path]) for file in words_files(self.manifest, model)),
            runbook=(runbook, self.declared[runbook]),
            formats=formats,
            gates=gates,
        )

    def dossier(self, requirements: str, rule: ApprovalRule | None = None) -> Dossier:
        """What its documents are rendered from."""
        candidate = self.candidate
        return Dossier(
            name=f"candidate {candidate.digest[7:19]}",
            manifest=self.manifest,
            run=candidate.run,
            features=candidate.features,
            contract=self.contract,
            report=self.report,
            snapshots=candidate.snapshots,
            files=self.files,
            requirements=requirements,
            rule=rule,
        )

    def live_dossier(self, registry: Registry, folder: Path) -> Dossier | None:
        """What is known of the live version, fetched into a folder; None where none is live."""
        return dossier_of(registry, self.live, folder) if self.live else None


def candidacy_of(repo: Path, manifest: Manifest, candidate: Candidate) -> Candidacy:
    """A candidate with what the engagement says of it now; nothing is asked of the registry."""
    run = candidate.run
    contracts = [manifest.dataset(source.dataset).contract for source in run.inputs]
    words = [file.path for file in words_files(manifest, run.model)]
    paths = dict.fromkeys([MANIFEST, LOCKFILE, *words, runbook_of(manifest, run.model), *contracts])
    return Candidacy(
        manifest=manifest,
        candidate=candidate,
        report=Store(repo).report(candidate.digest),
        contract=contract_of(manifest, run, candidate.features),
        declared={path: read_file(repo, path) for path in paths},
    )
