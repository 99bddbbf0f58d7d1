"""Trace: from a prediction or a release down to data, code and environment; or to the first broken link."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vendorkit.adapters import predictions
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.canonical import digest_json
from vendorkit.records.decision import Decision
from vendorkit.records.deployment import Deployment
from vendorkit.records.evidence import Evidence
from vendorkit.standards.policy import approval_rule
from vendorkit.trust.approvals import approval_fault, standing
from vendorkit.trust.endings import archival_of
from vendorkit.trust.evidence import evidence_of
from vendorkit.trust.log import Log, Signed, decision_fault, log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ARCHIVED, ReleaseFiles, find_version, verify_what_is_left

LOGS = ".vendorkit/predictions"
TOLD_ELSEWHERE = frozenset({
    "schema", "kind", "model", "version", "release", "candidate", "gate_report", "actor", "reason", "at", "alias",
    "from_version", "previous",
})  # fmt: skip
"""Fields of a decision that its line shows by themselves."""
RELEASE = re.compile(r"([^/@\s]+)/([0-9]+)")


@dataclass(frozen=True)
class Link:
    """One link of the chain: what it is, its digest, when, who, and one sentence."""

    kind: str
    digest: str
    at: str
    who: str
    says: str


@dataclass(frozen=True)
class TraceAnswer:
    """The chain as far as it holds.

    Args:
        chain: From what was asked for down to data and code.
        missing: What is broken or absent; empty when the chain is complete.
        evidence: The verified records, where they were asked for and hold.
        untold: Why there are none although the chain holds: what was published elsewhere may lack its manifest.
    """

    chain: tuple[Link, ...]
    missing: tuple[str, ...]
    evidence: Evidence | None = None
    untold: tuple[Fault, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.missing

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "chain": [asdict(link) for link in self.chain],
            "complete": self.complete,
            "missing": list(self.missing),
        }


def trace(
    repo: Path,
    subject: str,
    *,
    logs: Path | None = None,
    registry: Registry | None = None,
    with_evidence: bool = False,
) -> TraceAnswer:
    """Follow the chain of records.

    Args:
        repo: The engagement.
        subject: A prediction id, or MODEL/VERSION.
        logs: Folder that holds prediction logs by model; by default the engagement's.
        registry: An open registry; by default the engagement's.
        with_evidence: Whether the records themselves are wanted, to render them.

    Raises:
        BadInput: It is neither, or is not known.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    named = RELEASE.fullmatch(subject)
    start = _Start(named[1], int(named[2])) if named else _from_prediction(logs or repo / LOGS, subject)
    registry = registry or Registry.open(repo)
    log = log_of(registry, start.model, repo)
    missing = [*start.missing, *(str(fault) for fault in log.faults)]
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        try:
            version = find_version(registry, start.model, start.version)
            files = verify_what_is_left(registry, version, Path(scratch))
        except (Refused, BadInput) as error:
            if named and isinstance(error, BadInput):
                raise
            return TraceAnswer(start.chain, (*missing, error.says, *(str(fault) for fault in error.faults)))
        evidence, untold = _evidence(log, files, authority) if with_evidence else (None, ())
    chain = [*start.chain, _of_release(files), *_of_decisions(log, files, authority), *_of_evidence(files)]
    missing += _archive_faults(files, log, authority)
    missing += [str(fault) for fault in standing(files.subject, log, authority).faults]
    if start.deployment:
        missing += _deployment_faults(start.deployment, files, log, authority)
    return TraceAnswer(tuple(chain), tuple(missing), evidence, untold)


@dataclass(frozen=True)
class _Start:
    """Where a trace begins: a version, and how it was come to."""

    model: str
    version: int
    deployment: Deployment | None = None
    chain: tuple[Link, ...] = ()
    missing: tuple[str, ...] = ()


def _from_prediction(logs: Path, subject: str) -> _Start:
    """The version that answered a prediction, by its row in the log and the record of its deployment."""
    row, folder = _prediction(logs, subject)
    model, version, digest = str(row["model"]), int(row["version"]), str(row["deployment"])
    answer = row["output"] if row["score"] is None else row["score"]
    answered = Link("prediction", subject, str(row["at"]), "", f"{model}/{version} answered {answer}")
    try:
        deployment = predictions.find_deployment(folder, digest)
    except BadInput as error:
        return _Start(model, version, None, (answered,), (f"deployment {digest}: {error.says}",))
    if deployment is None:
        says = f"deployment {digest}: its record is not in the prediction log"
        return _Start(model, version, None, (answered,), (says,))
    asked = f"@{deployment.alias}" if deployment.alias else f"/{deployment.version}"
    says = f"served {deployment.model}{asked} with vendorkit {deployment.sdk_version}"
    link = Link("deployment", deployment.digest, deployment.started_at, "", says)
    other = (deployment.model, deployment.version) != (model, version)
    faults = [f"deployment: served {deployment.model}/{deployment.version}, not {model}/{version}"] if other else []
    return _Start(model, version, deployment, (answered, link), tuple(faults))


def _prediction(logs: Path, subject: str) -> tuple[dict[str, Any], Path]:
    for folder in sorted(path for path in logs.glob("*") if path.is_dir()):
        row = predictions.find(folder, subject)
        if row is not None:
            return row, folder
    says = f"is not in the prediction logs below {logs}, and is not MODEL/VERSION."
    raise BadInput("Trace what?", [Fault(subject, says)])


def _deployment_faults(deployment: Deployment, files: ReleaseFiles, log: Log, authority: Authority) -> list[str]:
    """What does not fit between a deployment, the release that it served and the decisions that allowed it."""
    faults = []
    if deployment.release != files.release.digest:
        faults.append(f"release: the deployment served {deployment.release}, registered is {files.release.digest}")
    about = {signed.decision.digest: signed for signed in log.about(files.release.digest)}
    if not deployment.decisions:
        faults.append("deployment: names no decision that allowed it")
    for digest in deployment.decisions:
        if digest not in about:
            faults.append(f"decision {digest}: is not in the log of this release")
        elif why := decision_fault(about[digest], authority):
            faults.append(f"{about[digest].decision.kind} {digest}: does not count: {why}")
    return faults


def _archive_faults(files: ReleaseFiles, log: Log, authority: Authority) -> list[str]:
    """Why the model of a release may not be gone from the registry; empty where it is there, or was archived."""
    claimed, signed = files.version.tags.get(ARCHIVED), archival_of(files.subject, log, authority)
    if claimed is None or (signed and signed.decision.archive == claimed):
        return []
    return [f"{files.version.name}: its tags say that bundle {claimed} holds it, and no decision that counts says so"]


def _of_release(files: ReleaseFiles) -> Link:
    release = files.release
    says = f"{files.version.name}: {len(release.files)} files, all as published"
    if ARCHIVED in files.version.tags:
        says = f"{files.version.name}: archived; what is left of its {len(release.files)} files is as published"
    return Link("release", release.digest, release.published_at, release.publisher.email, says)


def _of_decisions(log: Log, files: ReleaseFiles, authority: Authority) -> list[Link]:
    """Everything that was decided about a release, and each move of an alias away from it."""
    links = []
    for signed in log.accepted:
        decision = signed.decision
        moved_on = decision.alias is not None and decision.from_version == files.version.number
        if decision.release != files.release.digest and not moved_on:
            continue
        why = _why_not(signed, files, authority)
        says = f"{_told(decision)} (does not count: {why})" if why else _told(decision)
        links.append(Link(decision.kind, decision.digest, decision.at, decision.actor, says))
    return links


def _evidence(log: Log, files: ReleaseFiles, authority: Authority) -> tuple[Evidence | None, tuple[Fault, ...]]:
    """The records to render, or why there are none."""
    try:
        return evidence_of(files, tuple(_counting(log, files, authority))), ()
    except BadInput as error:
        return None, error.faults


def _counting(log: Log, files: ReleaseFiles, authority: Authority) -> Iterator[Decision]:
    for signed in log.about(files.release.digest):
        if _why_not(signed, files, authority) is None:
            yield signed.decision


def _why_not(signed: Signed, files: ReleaseFiles, authority: Authority) -> str | None:
    """Why a decision does not count; None when it does."""
    if signed.decision.kind in ("approval", "refusal"):
        return approval_fault(signed, files.subject, authority)
    return decision_fault(signed, authority)


def _told(decision: Decision) -> str:
    """A decision of any kind in one sentence, with every field that only some kinds have."""
    if decision.alias:
        before = f"version {decision.from_version}" if decision.from_version else "nowhere"
        what = f"{decision.kind} {decision.alias} from {before} to version {decision.version}"
    else:
        what = decision.kind
    own = {key: part for key, part in decision.to_value().items() if key not in TOLD_ELSEWHERE}
    flat = {key: part for name, value in own.items()
            for key, part in (value.items() if isinstance(value, dict) else [(name, value)])}  # fmt: skip
    more = [f"{key.replace('_', ' ')} {part}" for key, part in flat.items() if part not in (None, [], "", False)]
    return f"{', '.join([what, *more])}: {decision.reason or 'no reason given'}"


def _of_evidence(files: ReleaseFiles) -> list[Link]:
    """Gate report, run, features, data, code and environment of a verified release."""
    report, run, code, place = files.report, files.run, files.run.code, files.run.environment
    passed = sum(result.verdict == "pass" for result in report.results)
    trained = f"trained in {run.seconds:.1f} s, seed {run.seed}"
    features = files.features
    sources = digest_json([source.model_dump() for source in code.files])
    python = f"Python {place.python} on {place.platform}, lock {place.lock}"
    data = [
        Link("snapshot", snapshot.digest, snapshot.taken_at, "", f"{snapshot.dataset}: {snapshot.rows} rows, "
             f"content {snapshot.content_digest}")
        for snapshot in files.snapshots
    ]  # fmt: skip
    return [
        Link("gate-report", report.digest, report.asked_at, "", f"{passed} of {len(report.results)} gates passed"),
        Link("run", run.digest, run.started_at, run.author.email, trained),
        Link("feature-set", features.digest, run.started_at, "", f"{len(features.features)} features"),
        *data,
        Link("code", sources, run.started_at, ", ".join(code.committers), f"commit {code.commit}"),
        Link("environment", place.id, run.started_at, "", python),
    ]
