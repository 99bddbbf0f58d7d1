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
from vendorkit.trust.log import Log, Signed, decision_fault, read_log
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ReleaseFiles, find_version, verify_release

RELEASE = re.compile(r"^(?P<model>[^/@\s]+)/(?P<version>\d+)$")


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


def trace(
    repo: Path, subject: str, *, logs: Path | None = None, registry: Registry | None = None
) -> TraceAnswer:
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
    named = RELEASE.match(subject)
    chain: list[Link] = []
    missing: list[str] = []
    if named:
        model, version, deployment = named["model"], int(named["version"]), None
    else:
        row, folder = _prediction(logs or repo / ".vendorkit" / "predictions", subject)
        model, version = str(row["model"]), int(row["version"])
        says = f"{model}/{version} answered {row['score']}"
        chain.append(Link("prediction", subject, str(row["at"]), "", says))
        deployment = predictions.find_deployment(folder, str(row["deployment"]))
        if deployment is None:
            missing.append(f"deployment {row['deployment']}: its record is not in the prediction log")
        else:
            chain.append(_of_deployment(deployment))
    registry = registry or Registry.open(repo / ".vendorkit" / "registry")
    log = read_log(registry.decisions(model), model)
    missing += [str(fault) for fault in log.faults]
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        try:
            files = verify_release(registry, find_version(registry, model, version), Path(scratch))
        except (Refused, BadInput) as error:
            if named and isinstance(error, BadInput):
                raise
            return TraceAnswer(tuple(chain), (*missing, error.says, *(str(fault) for fault in error.faults)))
    if deployment and deployment.release != files.release.digest:
        missing.append(
            f"release: the deployment served {deployment.release}, registered is {files.release.digest}"
        )
    chain += _of_release(files)
    decided, undecided = _of_decisions(log, files, authority, deployment)
    return TraceAnswer((*chain, *decided, *_of_evidence(files)), (*missing, *undecided))


def _prediction(logs: Path, subject: str) -> tuple[dict[str, Any], Path]:
    for folder in sorted(path for path in logs.glob("*") if path.is_dir()):
        row = predictions.find(folder, subject)
        if row is not None:
            return row, folder
    says = f"is not in the prediction logs below {logs}, and is not MODEL/VERSION."
    raise BadInput("Trace what?", [Fault(subject, says)])


def _of_deployment(deployment: Deployment) -> Link:
    asked = f"@{deployment.alias}" if deployment.alias else f"/{deployment.version}"
    says = f"served {deployment.model}{asked} with vendorkit {deployment.sdk_version}"
    return Link("deployment", deployment.digest, deployment.started_at, "", says)


def _of_release(files: ReleaseFiles) -> list[Link]:
    release, version = files.release, files.version
    says = f"{version.model}/{version.number}: {len(release.files)} files, all as published"
    return [Link("release", release.digest, release.published_at, release.publisher.email, says)]


def _of_decisions(
    log: Log, files: ReleaseFiles, authority: Authority, deployment: Deployment | None
) -> tuple[list[Link], list[str]]:
    """Decisions about this release; those that do not count are said and missing."""
    release = files.release.digest
    about = [signed for signed in log.accepted if signed.decision.release == release]
    links, missing = [], []
    for signed in about:
        decision = signed.decision
        why = _why_not(signed, files, authority)
        moved = f" {decision.alias} from {decision.from_version or 'nowhere'}" if decision.alias else ""
        says = f"{decision.kind}{moved}: {decision.reason or 'no reason given'}"
        links.append(Link(decision.kind, decision.digest, decision.at, decision.actor, says))
        if why:
            missing.append(f"{decision.kind} by {decision.actor} does not count: {why}")
    if not any(signed.decision.kind == "approval" for signed in about):
        missing.append("approval: nobody has approved this release")
    known = {signed.decision.digest for signed in log.accepted}
    if deployment:
        missing += [
            f"decision {digest}: not in the log" for digest in deployment.decisions if digest not in known
        ]
    return links, missing


def _why_not(signed: Signed, files: ReleaseFiles, authority: Authority) -> str | None:
    person = authority.people.get(signed.decision.actor)
    if signed.decision.kind == "approval" and person and person.email.casefold() in files.authors:
        return "they made the release"
    return decision_fault(signed, authority)


def _of_evidence(files: ReleaseFiles) -> list[Link]:
    """Gate report, run, features, data, code and environment of a verified release."""
    report, run, code = files.report, files.run, files.run.code
    passed = sum(result.verdict == "pass" for result in report.results)
    files_says = f"commit {code.commit}" + (" with changes" if code.dirty else "")
    who = ", ".join(code.committers)
    links = [
        Link(
            "gate-report",
            report.digest,
            report.asked_at,
            "",
            f"{passed} of {len(report.results)} gates passed",
        ),
        Link(
            "run",
            run.digest,
            run.started_at,
            run.author.email,
            f"trained in {run.seconds:.1f} s, seed {run.seed}",
        ),
        Link(
            "feature-set",
            files.features.digest,
            run.started_at,
            "",
            f"{len(files.features.features)} features",
        ),
    ]
    links += [
        Link("snapshot", snapshot.digest, snapshot.taken_at, "", f"{snapshot.dataset}: {snapshot.rows} rows, "
             f"content {snapshot.content_digest}")
        for snapshot in files.snapshots
    ]  # fmt: skip
    python = f"Python {run.environment.python} on {run.environment.platform}"
    sources = digest_json([source.model_dump() for source in code.files])
    links.append(Link("code", sources, run.started_at, who, files_says))
    links.append(
        Link("environment", run.environment.id, run.started_at, "", f"{python}, lock {run.environment.lock}")
    )
    return links
