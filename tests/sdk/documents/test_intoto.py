"""In-toto statements about a real release, held against the fields that their specifications ask for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from vendorkit.documents.intoto import PROVENANCE, TEST_RESULT, gate_result, provenance, statements
from vendorkit.records.evidence import Evidence


def test_both_are_statements_about_the_files_of_the_model(evidence: Evidence) -> None:
    files = {artifact.path: artifact.digest for artifact in evidence.release.files}
    for statement in statements(evidence):
        assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
        assert statement["_type"] == "https://in-toto.io/Statement/v1"
        named, *subjects = statement["subject"]
        assert named == {"name": "credit/1", "digest": {"sha256": evidence.release.digest[7:]}}
        assert len(subjects) > 2
        assert all(files[entry["name"]] == f"sha256:{entry['digest']['sha256']}" for entry in subjects)
    assert [statement["predicateType"] for statement in statements(evidence)] == [PROVENANCE, TEST_RESULT]


def test_provenance_holds_no_password(evidence: Evidence) -> None:
    systems = evidence.manifest.systems.model_copy(update={"code": "https://me:secret@git.bank.example/a?token=secret"})
    told = provenance(replace(evidence, manifest=evidence.manifest.model_copy(update={"systems": systems})))
    assert "git+https://git.bank.example/a" in json.dumps(told)
    assert "secret" not in json.dumps(told)


def test_provenance_has_the_shape_of_slsa_and_claims_no_level(evidence: Evidence) -> None:
    predicate = provenance(evidence)["predicate"]
    assert set(predicate) == {"buildDefinition", "runDetails"}
    build, details = predicate["buildDefinition"], predicate["runDetails"]
    assert set(build) == {"buildType", "externalParameters", "internalParameters", "resolvedDependencies"}
    assert build["internalParameters"]["seed"] == evidence.run.seed
    digests = {entry.get("uri") or entry.get("name"): entry["digest"] for entry in build["resolvedDependencies"]}
    assert digests["git+https://git.bank.example/vendors/acme-credit"] == {"gitCommit": evidence.run.code.commit}
    assert digests["applications"] == {"sha256": evidence.snapshots[0].content_digest[7:]}
    assert digests["uv.lock"] == {"sha256": (evidence.run.environment.lock or "")[7:]}
    assert set(details) == {"builder", "metadata", "byproducts"}
    assert details["builder"]["id"].startswith("urn:")
    times = [datetime.fromisoformat(details["metadata"][name]) for name in ("startedOn", "finishedOn")]
    assert times[0] <= times[1]
    assert "level" not in json.dumps(predicate).lower()


def test_the_gates_are_a_test_result(evidence: Evidence) -> None:
    predicate = gate_result(evidence)["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["passedTests"] == [result.id for result in evidence.report.results]
    assert predicate["failedTests"] == []
    assert {entry["name"] for entry in predicate["configuration"]} == {"gates of engagement.yaml", "holdout"}
