"""What a check is and what it is given. Checks get values: they read no disk, ask no network, run nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from vendorkit.records.document_format import DocumentFormats
from vendorkit.records.finding import Verdict
from vendorkit.records.gate_report import GateReport
from vendorkit.records.licences import Dependency, LicencePolicy
from vendorkit.records.manifest import Examined, Gate
from vendorkit.records.manifest.words import Tier
from vendorkit.records.seen_file import SeenFile


@dataclass(frozen=True)
class RepositoryView:
    """What checks may know of a repository.

    Args:
        examined: The manifest with its faults.
        evidence: Digest of the bytes of `engagement.yaml`.
        as_of: The date that is judged by.
        least_version: The oldest version of the standards that the platform accepts.
        pack: Name of the policy pack.
        rendered: Managed path to the bytes that the template gives; None where that cannot be had.
        no_render: Why it cannot be had.
        files: Path to what lies there, for every managed path, every file of words and every pointer.
        documents: The form of the documents of a release.
        reports: Model to its newest gate report, where gates were asked in this working tree.
        gates: Risk tier to the kinds of gate that it asks for.
        benchmarks: Risk tier to the kinds of benchmark that it asks for.
        asked: Model to every gate that it must pass, the platform's own among them.
        licences: What the platform makes of licences.
        dependencies: What the lock installs on this system, with licences; None where that cannot be had.
        no_dependencies: Why it cannot be had.
    """

    examined: Examined
    evidence: str
    as_of: date
    pack: str
    least_version: str
    rendered: Mapping[str, bytes] | None = None
    no_render: str = ""
    files: Mapping[str, SeenFile] = field(default_factory=dict)
    documents: DocumentFormats = field(default_factory=DocumentFormats)
    reports: Mapping[str, GateReport] = field(default_factory=dict)
    gates: Mapping[Tier, tuple[str, ...]] = field(default_factory=dict)
    benchmarks: Mapping[Tier, tuple[str, ...]] = field(default_factory=dict)
    asked: Mapping[str, tuple[Gate, ...]] = field(default_factory=dict)
    licences: LicencePolicy = field(default_factory=LicencePolicy)
    dependencies: Sequence[Dependency] | None = None
    no_dependencies: str = "it was not asked for."


@dataclass(frozen=True)
class Part:
    """One answer of a check; a check that finds three things gives three.

    Args:
        verdict: `not-yet` where the evidence is missing.
        says: One plain sentence.
        where: `file:line`, with key path where there is one.
        fix: One command or edit that mends it.
        target: What a waiver would name: a path, a surface; empty for the repository as a whole.
        facts: More values for `--json`.
    """

    verdict: Verdict
    says: str
    where: str = ""
    fix: str = ""
    target: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Check(Protocol):
    """A pass/fail question asked of a repository.

    Attributes:
        id: Its id, `MAN-01`.
        title: What holds when it passes.
        why: Why it matters, one sentence.
        capability: The capabilities that it is evidence for.
        needs_template: Whether it compares with what the template gives.
    """

    id: str
    title: str
    why: str
    capability: str
    needs_template: bool

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Judge; at least one part."""
        ...
