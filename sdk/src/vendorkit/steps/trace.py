"""Trace: from a prediction or a release down to data, code and environment; or to the first broken link."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vendorkit.adapters import predictions
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.canonical import digest_json
from vendorkit.records.deployment import Deployment
from vendorkit.trust.approvals import approval_fault, standing
from vendorkit.trust.log import Log, decision_fault, log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ReleaseFiles, find_version, verify_release

LOGS = ".vendorkit/predictions"
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
    """

    chain: tuple[Link, ...]
    missing: tuple[str, ...]

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


def trace(repo: Path, subject: str, *, logs: Path | None = None, registry: Registry | None = None) -> TraceAnswer:
    """Follow the chain of records.

    Args:
        repo: The engagement.
        subject: A prediction id, or MODEL/VERSION.
        logs: Folder that holds prediction logs by model; by default the engagement's.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: It is neither, or is not known.
    """
    authority = authority_of(repo, read_manifest(repo))
    named = RELEASE.fullmatch(subject)
    start = _Start(named[1], int(named[2])) if named else _from_prediction(logs or repo / LOGS, subject)
    registry = registry or Registry.open(repo)
    log = log_of(registry, start.model)
    missing = [*start.missing, *(str(fault) for fault in log.faults)]
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        try:
            files = verify_release(registry, find_version(registry, start.model, start.version), Path(scratch))
        except (Refused, BadInput) as error:
            if named and isinstance(error, BadInput):
                raise
            return TraceAnswer(start.chain, (*missing, error.says, *(str(fault) for fault in error.faults)))
    chain = [*start.chain, _of_release(files), *_of_decisions(log, files, authority), *_of_evidence(files)]
    missing += [str(fault) for fault in standing(files.subject, log, authority)[1]]
    if start.deployment:
        missing += _deployment_faults(start.deployment, files, log, authority)
    return TraceAnswer(tuple(chain), tuple(missing))


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


def _of_release(files: ReleaseFiles) -> Link:
    release = files.release
    says = f"{files.version.name}: {len(release.files)} files, all as published"
    return Link("release", release.digest, release.published_at, release.publisher.email, says)


def _of_decisions(log: Log, files: ReleaseFiles, authority: Authority) -> list[Link]:
    """Everything that was decided about a release; it is said what does not count."""
    links = []
    for signed in log.about(files.release.digest):
        decision = signed.decision
        moves = decision.alias is not None
        why = decision_fault(signed, authority) if moves else approval_fault(signed, files.subject, authority)
        moved = f" {decision.alias} from {decision.from_version or 'nowhere'}" if moves else ""
        says = f"{decision.kind}{moved}: {decision.reason or 'no reason given'}"
        if why:
            says += f" (does not count: {why})"
        links.append(Link(decision.kind, decision.digest, decision.at, decision.actor, says))
    return links


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
