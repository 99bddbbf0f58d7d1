"""In-toto: statements (version 1) about the files of a release: how they were made, and what the gates said.

The provenance has the shape of SLSA provenance version 1 and claims no SLSA level: nothing here says how well the
builder was protected. Statements are unsigned; the decisions about a release are what is signed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vendorkit.documents.openlineage_facets import without_secrets
from vendorkit.records.evidence import Evidence

Json = dict[str, Any]
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
BUILD = "urn:vendorkit:build:train:1"
"""The kind of build: `vendorkit train`, whose parameters are those of the run record."""


def statements(evidence: Evidence) -> list[Json]:
    """The statements about a release: provenance, and the result of the gates."""
    return [provenance(evidence), gate_result(evidence)]


def provenance(evidence: Evidence) -> Json:
    """How the model was made: commit, seed, parameters, data, environment."""
    run, manifest = evidence.run, evidence.manifest
    ended = datetime.fromisoformat(run.started_at) + timedelta(seconds=run.seconds)
    code = {"uri": f"git+{without_secrets(manifest.systems.code)}", "digest": {"gitCommit": run.code.commit}}
    data = [_resource(snapshot.dataset, snapshot.content_digest, rows=snapshot.rows, snapshot=snapshot.digest)
            for snapshot in evidence.snapshots]  # fmt: skip
    lock = [_resource("uv.lock", run.environment.lock)] if run.environment.lock else []
    return _statement(evidence, PROVENANCE, {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {"engagement": run.engagement, "model": run.model, "stage": run.stage},
            "internalParameters": {"seed": run.seed, **run.parameters},
            "resolvedDependencies": [code, *data, *lock],
        },
        "runDetails": {
            "builder": {
                "id": f"urn:vendorkit:environment:{run.environment.id}",
                "version": {"vendorkit": run.sdk_version, "python": run.environment.python},
            },
            "metadata": {
                "invocationId": run.run_id,
                "startedOn": run.started_at,
                "finishedOn": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            },
            "byproducts": [_resource("records/run.json", run.digest), _resource("records/features.json", run.features)],
        },
    })  # fmt: skip


def gate_result(evidence: Evidence) -> Json:
    """What the gates said, by name."""
    report = evidence.report
    names = {verdict: [result.id for result in report.results if result.verdict == verdict]
             for verdict in ("pass", "fail", "error")}  # fmt: skip
    used = [_resource(use.id, use.content_digest) for use in report.benchmarks]
    return _statement(evidence, TEST_RESULT, {
        "result": "PASSED" if report.passed else "FAILED",
        "configuration": [_resource("gates of engagement.yaml", report.limits), *used],
        "passedTests": names["pass"],
        "warnedTests": [],
        "failedTests": [*names["fail"], *names["error"]],
    })  # fmt: skip


def _statement(evidence: Evidence, kind: str, predicate: Json) -> Json:
    subjects = [
        {"name": artifact.path, "digest": _digest(artifact.digest)}
        for artifact in evidence.release.files
        if artifact.path.startswith("model/")
    ]
    named = {"name": evidence.name, "digest": _digest(evidence.release.digest)}
    return {"_type": STATEMENT, "subject": [named, *subjects], "predicateType": kind, "predicate": predicate}


def _resource(name: str, digest: str, **more: Any) -> Json:
    return {"name": name, "digest": _digest(digest), **({"annotations": more} if more else {})}


def _digest(digest: str) -> Json:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
