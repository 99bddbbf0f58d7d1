"""Hold an engagement repository against the platform's standards.

Nothing of the repository is run, no link followed, no git configuration read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

from vendorkit.adapters.engagement import (
    MANIFEST,
    answers_in,
    manifest_bytes,
    newest_reports,
    read_file,
)
from vendorkit.adapters.installed import Installed, dependencies, installed
from vendorkit.errors import BadInput
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.canonical import digest_bytes
from vendorkit.records.document_format import words_files
from vendorkit.records.finding import Finding
from vendorkit.records.gate_report import GateReport
from vendorkit.records.licences import Dependency
from vendorkit.records.lockfile import LOCKFILE
from vendorkit.records.manifest import Examined, Manifest, examine
from vendorkit.records.seen_file import SeenFile
from vendorkit.standards.ask import ask, choose
from vendorkit.standards.base import Check, RepositoryView
from vendorkit.standards.licence_checks import LICENCE_CHECKS
from vendorkit.standards.policy import Policy, packaged_policy


@dataclass(frozen=True)
class CheckAnswer:
    """What a repository answered.

    Args:
        policy: The `pack`, its `version` and `digest`.
        as_of: The date it was judged by, `2026-11-22`.
        engagement: Id of the engagement; empty while it cannot be read.
        stage: Its stage; `unknown` while it cannot be read.
        counts: Findings by verdict: `pass`, `fail`, `waived`, `not_yet`, `not_applicable`.
        findings: At least one for each check.
    """

    policy: dict[str, str]
    as_of: str
    engagement: str
    stage: str
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing stops it."""
        return not any(finding.blocks for finding in self.findings)

    @property
    def title(self) -> str:
        """What was asked, for the head of a report."""
        pack = f"{self.policy['pack']} {self.policy['version']}"
        name = self.engagement or "this repository"
        return f"{name} (stage {self.stage}) against {pack} as of {self.as_of}"


@dataclass(frozen=True)
class Seen:
    """A repository as the checks see it.

    Args:
        read: Gives what lies at a path.
        place: Where it is, for messages.
        reports: Model to its newest gate report.
        packages: What is installed where this runs; None where that has nothing to do with the repository.
        given: Gives the managed files as the template gives them, or why they cannot be had; None where the template
            of this very version tells.
    """

    read: Callable[[str], SeenFile]
    place: str
    reports: Mapping[str, GateReport]
    packages: Callable[[], Mapping[str, Installed]] | None = None
    given: Callable[[], tuple[dict[str, bytes] | None, str]] | None = None


def check(repo: Path, ids: Iterable[str] = (), *, as_of: date, policy: Policy | None = None) -> CheckAnswer:
    """Ask the checks of a repository.

    Args:
        repo: The folder with `engagement.yaml`.
        ids: Checks or families to ask; nothing means all.
        as_of: The date that waivers and standards are judged by.
        policy: The policy pack; None means the one that comes with this version.

    Raises:
        BadInput: No such check, or no manifest that is text. Faults of a manifest are findings.
    """
    seen = Seen(partial(read_file, repo), str(repo), newest_reports(repo), installed)
    return check_seen(seen, ids, as_of=as_of, policy=policy)


def check_seen(seen: Seen, ids: Iterable[str] = (), *, as_of: date, policy: Policy | None = None) -> CheckAnswer:
    """Ask the checks of a repository that need not be a folder, for instance a commit. Else as `check`."""
    checks = choose(ids)
    rules = packaged_policy() if policy is None else policy
    text = manifest_bytes(seen.read(MANIFEST), f"{seen.place}/{MANIFEST}")
    examined = examine(text, MANIFEST)
    view = _view(seen, checks, rules, examined=examined, evidence=digest_bytes(text), as_of=as_of)
    findings = tuple(ask(checks, view, rules))
    engagement = examined.draft.engagement
    return CheckAnswer(
        policy={"pack": rules.name, "version": rules.version, "digest": rules.digest},
        as_of=as_of.isoformat(),
        engagement=engagement.id if engagement else "",
        stage=engagement.stage if engagement else "unknown",
        counts=_counts(findings),
        findings=findings,
    )


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    verdicts = ("pass", "fail", "waived", "not-yet", "not-applicable")
    return {name.replace("-", "_"): sum(found.verdict == name for found in findings) for name in verdicts}


def _view(
    seen: Seen, checks: Sequence[Check], rules: Policy, *, examined: Examined, evidence: str, as_of: date
) -> RepositoryView:
    """What the checks may know; the template is rendered only when one of them compares with it."""
    rendered: dict[str, bytes] | None = None
    no_render = "it was not asked for."
    files = {path: seen.read(path) for path in _named(examined.manifest)}
    if any(each.needs_template for each in checks):
        rendered, no_render = seen.given() if seen.given else _render(seen)
        files |= {path: seen.read(path) for path in rendered or ()}
    locked, no_lock = _locked(seen, checks)
    return RepositoryView(
        examined=examined,
        evidence=evidence,
        as_of=as_of,
        pack=rules.name,
        least_version=rules.minimum,
        rendered=rendered,
        no_render=no_render,
        files=files,
        documents=rules.documents,
        gates=rules.gates,
        benchmarks=rules.benchmarks,
        reports=seen.reports,
        asked=rules.asked(examined.manifest) if examined.manifest else {},
        licences=rules.licences,
        dependencies=locked,
        no_dependencies=no_lock,
    )


def _locked(seen: Seen, checks: Sequence[Check]) -> tuple[tuple[Dependency, ...] | None, str]:
    """What the lock installs here, with the licences that the installed packages say; or why that cannot be had."""
    if not any(each in LICENCE_CHECKS for each in checks):
        return None, "it was not asked for."
    if seen.packages is None:
        return None, "the packages of the repository are not installed where this runs."
    lock = seen.read(LOCKFILE)
    if lock.data is None:
        return None, f"{LOCKFILE} is {'missing' if lock.kind == 'missing' else 'no plain file'}."
    try:
        return dependencies(lock.data, seen.packages()), ""
    except BadInput as error:
        return None, " ".join(str(error).split())


def _named(manifest: Manifest | None) -> list[str]:
    """Paths that the manifest names and checks read: words of documents, pointers of data and benchmarks."""
    if manifest is None:
        return []
    words = [file.path for model in manifest.models() for file in words_files(manifest, model.id)]
    return [*words, *(each.pointer for each in manifest.datasets), *(each.path for each in manifest.benchmarks)]


def _render(seen: Seen) -> tuple[dict[str, bytes] | None, str]:
    """The managed files as the template gives them, or why they cannot be had."""
    from vendorkit.adapters.template import managed_files  # noqa: PLC0415  (copier is heavy)

    try:
        answers = answers_in(seen.read(ANSWERS_FILE))
        other = _other_version(str(answers.get("_commit", "")))
        return (None, other) if other else (managed_files(answers), "")
    except BadInput as error:
        return None, " ".join(str(error).split())


def _other_version(recorded: str) -> str:
    """Why this version cannot judge a repository that another released template made; empty when it can."""
    tag = re.fullmatch(r"v?([0-9]+\.[0-9]+\.[0-9]+)", recorded)
    here = version("vendorkit")
    if tag is None or tag[1] == here:
        return ""
    return f"it was made by template {tag[1]} and this is vendorkit {here}; check with the pinned version."
