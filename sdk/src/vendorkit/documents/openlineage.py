"""OpenLineage: the steps of a release as run events, with the official facets and one of our own.

Events are plain JSON values; tests hold them and each facet against the official schemas. Nothing is sent here.
Each run id follows from the record that it tells about, so that sending an event twice changes nothing. There is
no column lineage: which input columns a feature was made from is known to the vendor's code alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from vendorkit.documents.openlineage_facets import Json, Namer, facet, training_facet
from vendorkit.records.decision import Decision, Ending
from vendorkit.records.evidence import Evidence
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import BenchmarkUse, GateReport, GateResult
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
MODEL_TYPES = {"number": "double", "integer": "long", "string": "string", "boolean": "boolean"}
DECIDED = ("kind", "version", "actor", "reason", "alias", "from_version", "archive")
"""What a decision's event has as tags, besides how the release ends and the digest of its record."""
STATUS = {"pass": "pass", "fail": "fail", "error": "fail"}
"""A gate that could not run is not a pass."""


def events_of(evidence: Evidence) -> list[Json]:
    """Every event of a release, oldest first: trained, gated, published, decided."""
    published = publish_events(evidence)
    about = [event for decision in evidence.decisions for event in decision_events(evidence.manifest, decision)]
    trained = train_events(evidence.manifest, evidence.run, evidence.features, evidence.snapshots)
    return [*trained, *gate_events(evidence.manifest, evidence.run, evidence.report), *published, *about]


def train_events(manifest: Manifest, run: Run, features: FeatureSet, snapshots: Sequence[Snapshot]) -> list[Json]:
    """START and COMPLETE of a training run.

    Args:
        manifest: Names owners and systems of record.
        run: Its record.
        features: The features that it used.
        snapshots: The frozen datasets that it read.
    """
    namer = Namer(manifest, run.model, run.sdk_version)
    parameters = [{"key": "seed", "name": "seed", "value": str(run.seed)}]
    parameters += [{"key": key, "name": key, "value": str(value)} for key, value in sorted(run.parameters.items())]
    facets = {
        "parent": _parent(namer, run.digest),
        "processing_engine": facet(
            namer, "ProcessingEngineRunFacet", name="vendorkit", version=run.sdk_version,
            openlineageAdapterVersion=run.sdk_version,
        ),
        "executionParameters": facet(namer, "ExecutionParametersRunFacet", parameters=parameters),
        "vendorkit_training": training_facet(namer, run, features),
    }  # fmt: skip
    ended = _later(run.started_at, run.seconds)
    inputs = [_input(namer, run, snapshot) for snapshot in snapshots]
    both = {"run": {"runId": run.run_id, "facets": facets}, "job": _job(namer, "train", "TASK", run), "inputs": inputs}
    outputs = [_candidate(namer, run, features)]
    return [
        _delivery(namer, "START", run.started_at, run.digest),
        _event(namer, "START", run.started_at, **both, outputs=[]),
        _event(namer, "COMPLETE", ended, **both, outputs=outputs),
    ]


def gate_events(manifest: Manifest, run: Run, report: GateReport) -> list[Json]:
    """What the gates said about a candidate, as one completed run with its tests."""
    namer = Namer(manifest, run.model, run.sdk_version)
    tests = [_test(result) for result in report.results]
    facets = {"parent": _parent(namer, run.digest), "test": facet(namer, "TestRunFacet", tests=tests)}
    inputs = [_candidate(namer, run), *(_benchmark(namer, use) for use in report.benchmarks)]
    kind = "COMPLETE" if report.passed else "FAIL"
    return _whole(namer, report.digest, "gate", facets, report.asked_at, inputs=inputs, outputs=[], run=run, end=kind)


def publish_events(evidence: Evidence) -> list[Json]:
    """The registration of a release, as one completed run."""
    run, release = evidence.run, evidence.release
    namer = Namer(evidence.manifest, run.model, run.sdk_version)
    facets = {"parent": _parent(namer, run.digest)}
    facts: Json = {"inputs": [_candidate(namer, run)], "outputs": [_registered(namer, evidence)], "run": run}
    at = release.published_at
    return [
        *_whole(namer, release.digest, "publish", facets, at, **facts),
        _delivery(namer, "COMPLETE", at, run.digest),
    ]


def decision_events(manifest: Manifest, decision: Decision) -> list[Json]:
    """A decision about a release, as one completed run; one that moves an alias has the alias as its output."""
    namer = Namer(manifest, decision.model)
    parts = {**decision.to_value(), **(decision.ending.model_dump() if decision.ending else {})}
    told = {key: parts[key] for key in (*DECIDED, *Ending.model_fields) if parts.get(key) is not None} | {
        "record": decision.digest
    }
    tags = [{"key": key, "value": str(part), "source": "vendorkit"} for key, part in told.items()]
    facets = {"parent": _parent(namer, decision.candidate), "tags": facet(namer, "TagsRunFacet", tags=tags)}
    inputs = [_model(namer, decision.model, decision.release)]
    outputs = [_model(namer, f"{decision.model}@{decision.alias}", decision.release)] if decision.alias else []
    return _whole(namer, decision.digest, decision.kind, facets, decision.at, inputs=inputs, outputs=outputs)


def _whole(
    namer: Namer, digest: str, step: str, facets: Json, at: str, *, run: Run | None = None, end: str = "COMPLETE",
    **sides: Any,
) -> list[Json]:  # fmt: skip
    """START and end of a step that takes no time worth telling."""
    both = {"run": {"runId": run_id(digest), "facets": facets}, "job": _job(namer, step, "COMMAND", run), **sides}
    return [_event(namer, kind, at, **both) for kind in ("START", end)]


def run_id(digest: str) -> str:
    """The run id (UUID, version 5) that belongs to a record."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, digest))


def _event(namer: Namer, kind: str, at: str, **parts: Any) -> Json:
    return {"eventType": kind, "eventTime": at, "producer": namer.producer, "schemaURL": SPEC, **parts}


def _job(namer: Namer, step: str, kind: str, run: Run | None) -> Json:
    manifest, surface = namer.manifest, namer.surface
    owners = [(surface.owner, "OWNER"), (manifest.accountable, "ACCOUNTABLE")]
    says = f"{step} of model {surface.id}: {manifest.engagement.title}. {manifest.engagement.use_case}"
    facets = {
        "jobType": facet(namer, "JobTypeJobFacet", processingType="BATCH", integration="VENDORKIT", jobType=kind),
        "documentation": facet(namer, "DocumentationJobFacet", description=says, contentType="text/plain"),
        "ownership": facet(namer, "OwnershipJobFacet", owners=[namer.owner(who, role) for who, role in owners]),
    }
    if run and namer.code_url:
        place = {"url": namer.code_url, "repoUrl": namer.code_url, "path": surface.path, "version": run.code.commit}
        facets["sourceCodeLocation"] = facet(namer, "SourceCodeLocationJobFacet", type="git", **place)
    return {"namespace": namer.namespace, "name": f"{surface.id}.{step}", "facets": facets}


def _delivery(namer: Namer, kind: str, at: str, candidate: str) -> Json:
    """The way of one candidate from training to registration, which all steps about it belong to."""
    known = {"runId": run_id(f"delivery of {candidate}"), "facets": {}}
    return _event(namer, kind, at, run=known, job=_job(namer, "delivery", "DAG", None), inputs=[], outputs=[])


def _parent(namer: Namer, candidate: str) -> Json:
    job = {"namespace": namer.namespace, "name": f"{namer.surface.id}.delivery"}
    return facet(namer, "ParentRunFacet", run={"runId": run_id(f"delivery of {candidate}")}, job=job)


def _input(namer: Namer, run: Run, snapshot: Snapshot) -> Json:
    """A frozen dataset, with what its snapshot says about every column."""
    fields = [{"name": column.name, "type": column.type, "ordinal_position": place}
              for place, column in enumerate(snapshot.columns, 1)]  # fmt: skip
    facets = {
        "schema": facet(namer, "SchemaDatasetFacet", fields=fields),
        "version": facet(namer, "DatasetVersionDatasetFacet", datasetVersion=snapshot.content_digest),
        "dataSource": namer.data_source(snapshot.source),
    }
    declared = next((entry for entry in namer.manifest.datasets if entry.id == snapshot.dataset), None)
    if declared:
        says = f"Dataset {declared.id}; data contract {declared.contract}; frozen {snapshot.taken_at}."
        facets["documentation"] = facet(namer, "DocumentationDatasetFacet", description=says, contentType="text/plain")
        facets["ownership"] = facet(namer, "OwnershipDatasetFacet", owners=[namer.owner(declared.owner, "OWNER")])
    nulls = {column.name: {"nullCount": column.nulls} for column in snapshot.columns}
    seen = {
        "inputStatistics": facet(namer, "InputStatisticsInputDatasetFacet", rowCount=snapshot.rows),
        "dataQualityMetrics": facet(
            namer, "DataQualityMetricsInputDatasetFacet", rowCount=snapshot.rows, columnMetrics=nulls
        ),
    }
    return {**namer.dataset(snapshot.source, snapshot.dataset), "facets": facets, "inputFacets": seen}


def _benchmark(namer: Namer, use: BenchmarkUse) -> Json:
    facets = {"version": facet(namer, "DatasetVersionDatasetFacet", datasetVersion=use.content_digest)}
    seen = {"inputStatistics": facet(namer, "InputStatisticsInputDatasetFacet", rowCount=use.rows)}
    benchmark = next((entry for entry in namer.manifest.benchmarks if entry.id == use.id), None)
    source = (benchmark.source if benchmark else None) or use.id
    return {**namer.dataset(source, use.id), "facets": facets, "inputFacets": seen}


def _candidate(namer: Namer, run: Run, features: FeatureSet | None = None) -> Json:
    """The trained model, known by the digest of its run."""
    known = _model(namer, f"{run.model}.candidate", run.digest)
    if features:
        fields = [{"name": feature.name, "type": MODEL_TYPES[feature.type], "ordinal_position": place}
                  for place, feature in enumerate(features.features, 1)]  # fmt: skip
        known["facets"]["schema"] = facet(namer, "SchemaDatasetFacet", fields=fields)
        size = sum(artifact.bytes for artifact in run.artifacts)
        counted = {"fileCount": len(run.artifacts), "size": size}
        known["outputFacets"] = {"outputStatistics": facet(namer, "OutputStatisticsOutputDatasetFacet", **counted)}
    return known


def _registered(namer: Namer, evidence: Evidence) -> Json:
    known = _model(namer, evidence.release.model, evidence.release.digest)
    says = f"Release {evidence.name} in the model registry."
    known["facets"]["documentation"] = facet(namer, "DocumentationDatasetFacet", description=says)
    owners = [namer.owner(namer.surface.owner, "OWNER")]
    known["facets"]["ownership"] = facet(namer, "OwnershipDatasetFacet", owners=owners)
    return known


def _model(namer: Namer, name: str, digest: str) -> Json:
    facets = {
        "version": facet(namer, "DatasetVersionDatasetFacet", datasetVersion=digest),
        "datasetType": facet(namer, "DatasetTypeDatasetFacet", datasetType="MODEL"),
    }
    return {"namespace": namer.registry, "name": name, "facets": facets}


def _test(result: GateResult) -> Json:
    value = {
        "name": result.id,
        "status": STATUS[result.verdict],
        "severity": "error",
        "type": result.kind,
        "description": result.claim,
        "expected": result.limit,
        "actual": None if result.value is None else str(result.value),
        "params": {
            key: part
            for key, part in (("benchmark", result.benchmark), ("metric", result.metric), ("n", result.n))
            if part is not None
        },
    }
    return {key: part for key, part in value.items() if part is not None}


def _later(at: str, seconds: float) -> str:
    moment = datetime.fromisoformat(at) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
