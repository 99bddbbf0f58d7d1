"""OpenLineage: every event and every facet of a real release keeps the official schemas, and says what is true."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from vendorkit.documents.openlineage import decision_events, events_of, gate_events
from vendorkit.documents.openlineage_facets import FACETS, TRAINING, Namer, training_facet_schema
from vendorkit.records.evidence import Evidence
from vendorkit.records.run import Filter

from tests.support.engagement import manifest, minimal_manifest
from tests.support.schemas import facets_of, openlineage_faults


@pytest.fixture(scope="module")
def events(evidence: Evidence) -> list[dict[str, Any]]:
    return events_of(evidence)


def named(events: list[dict[str, Any]], job: str, kind: str = "COMPLETE") -> dict[str, Any]:
    (found,) = (event for event in events if event["job"]["name"] == job and event["eventType"] == kind)
    return found


def with_datasets(**changes: Any) -> list[dict[str, Any]]:
    return [{**minimal_manifest()["datasets"][0], **changes}]


def test_every_event_and_facet_keeps_the_official_schemas(events: list[dict[str, Any]]) -> None:
    assert [openlineage_faults(event) for event in events] == [[] for _ in events]


def test_a_facet_that_breaks_its_schema_would_be_found(events: list[dict[str, Any]]) -> None:
    event = json.loads(json.dumps(named(events, "credit.train")))
    event["inputs"][0]["facets"]["version"]["datasetVersion"] = 7
    event["run"]["facets"]["vendorkit_training"]["seed"] = "none"
    event["run"]["facets"]["unheard_of"] = {"_producer": "urn:x", "_schemaURL": "https://openlineage.io/nowhere"}
    found = "\n".join(openlineage_faults(event))
    assert "datasetVersion" in found
    assert "$.seed" in found
    assert "https://openlineage.io/nowhere is no schema that is known" in found


def test_a_run_has_one_beginning_and_one_end(events: list[dict[str, Any]]) -> None:
    by_run: dict[str, list[str]] = {}
    for event in events:
        by_run.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert len(by_run) == 6  # delivery, train, gate, publish, approval, promotion
    assert all(sorted(kinds) == ["COMPLETE", "START"] for kinds in by_run.values())


def test_all_official_facets_that_are_listed_are_written(events: list[dict[str, Any]]) -> None:
    written = {facet["_schemaURL"].rpartition("/")[2] for event in events for _, _, facet in facets_of(event)}
    assert written == {*FACETS, TRAINING}


def test_the_training_run_tells_its_data_and_what_came_out(evidence: Evidence, events: list[dict[str, Any]]) -> None:
    event = named(events, "credit.train")
    (read,) = event["inputs"]
    snapshot = evidence.snapshots[0]
    assert read["facets"]["version"]["datasetVersion"] == snapshot.content_digest
    assert [field["name"] for field in read["facets"]["schema"]["fields"]] == [c.name for c in snapshot.columns]
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == snapshot.rows
    assert event["outputs"][0]["facets"]["version"]["datasetVersion"] == evidence.run.digest
    assert event["run"]["runId"] == evidence.run.run_id
    assert event["job"]["facets"]["sourceCodeLocation"]["version"] == evidence.run.code.commit
    assert {"name": "user:model-risk@bank.example", "type": "OWNER"} in event["job"]["facets"]["ownership"]["owners"]


def test_our_facet_tells_what_the_official_ones_cannot(evidence: Evidence) -> None:
    review = {"policy": "data/review.md", "cohort": "underwriters-L2, n=6"}
    declared = manifest(datasets=with_datasets(human_review=review))
    filters = (Filter(name="tests", reason="never real money", rows_before=10, rows_after=8),)
    changed = replace(evidence, manifest=declared, run=evidence.run.model_copy(update={"filters": filters}))
    event = named(events_of(changed), "credit.train")
    facet = event["run"]["facets"]["vendorkit_training"]
    assert openlineage_faults(event) == []
    assert facet["label"] == {"column": "creditability", "source": "repayment ledger", "policy": ""}
    assert facet["humanReview"] == [{"dataset": "applications", **review}]
    assert facet["features"]["names"] == [feature.name for feature in evidence.features.features]
    assert facet["seed"] == evidence.run.seed
    assert facet["filters"] == [{"name": "tests", "reason": "never real money", "rowsBefore": 10, "rowsAfter": 8}]
    assert facet["environment"]["id"] == evidence.run.environment.id


def test_our_facet_has_a_schema_of_its_own() -> None:
    schema = json.loads(training_facet_schema())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == TRAINING
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate({"seed": 1})


def test_gates_are_tests_of_a_run(evidence: Evidence, events: list[dict[str, Any]]) -> None:
    event = named(events, "credit.gate")
    tests = event["run"]["facets"]["test"]["tests"]
    assert [test["name"] for test in tests] == [result.id for result in evidence.report.results]
    assert {test["status"] for test in tests} == {"pass"}
    results = tuple(result.model_copy(update={"verdict": "error"}) for result in evidence.report.results)
    failed = evidence.report.model_copy(update={"passed": False, "results": results})
    last = gate_events(evidence.manifest, evidence.run, failed)[-1]
    assert last["eventType"] == "FAIL"
    assert {test["status"] for test in last["run"]["facets"]["test"]["tests"]} == {"fail"}
    assert openlineage_faults(last) == []


def test_a_promotion_gives_the_alias(evidence: Evidence, events: list[dict[str, Any]]) -> None:
    event = named(events, "credit.promotion")
    assert event["outputs"][0]["name"] == "credit@champion"
    tags = {tag["key"]: tag["value"] for tag in event["run"]["facets"]["tags"]["tags"]}
    assert (tags["actor"], tags["alias"], tags["record"]) == ("ml-sre", "champion", evidence.decisions[-1].digest)
    assert named(events, "credit.approval")["outputs"] == []


def test_all_steps_belong_to_one_delivery(events: list[dict[str, Any]]) -> None:
    parents = {
        event["run"]["facets"]["parent"]["run"]["runId"] for event in events if event["run"]["facets"].get("parent")
    }
    assert parents == {named(events, "credit.delivery")["run"]["runId"]}


def test_the_same_release_gives_the_same_events(evidence: Evidence, events: list[dict[str, Any]]) -> None:
    assert events_of(evidence) == events
    first, second = evidence.decisions
    ids = [decision_events(evidence.manifest, decision)[0]["run"]["runId"] for decision in (first, second)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("source", "namespace", "name"),
    [
        ("data/a.csv", "https://git.bank.example/vendors/acme-credit", "data/a.csv"),
        ("postgres://joe:secret@db.example:5432/risk#public.loans", "postgres://db.example:5432", "risk.public.loans"),
        ("snowflake://bank/risk?token=secret#loans", "snowflake://bank", "risk.loans"),
        ("duckdb://data/a.duckdb#t", "duckdb://data", "a.duckdb.t"),
    ],
)  # fmt: skip
def test_datasets_are_named_without_secrets(source: str, namespace: str, name: str) -> None:
    namer = Namer(manifest(), "credit", "1")
    assert namer.dataset(source, "fallback") == {"namespace": namespace, "name": name}
    assert "secret" not in json.dumps(namer.data_source(source))
