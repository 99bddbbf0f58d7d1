"""Facets of OpenLineage: the versions of the official ones that are written, names of datasets, and our own facet."""

from __future__ import annotations

import re
from importlib import resources
from importlib.metadata import version as installed
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from vendorkit.records.features import FeatureSet
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Run

Json = dict[str, Any]

FACETS = {
    "DatasetTypeDatasetFacet": "1-0-1",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "DataQualityMetricsInputDatasetFacet": "1-0-3",
    "DocumentationDatasetFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "ExecutionParametersRunFacet": "1-0-0",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "JobTypeJobFacet": "2-0-4",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "OwnershipDatasetFacet": "1-0-1",
    "OwnershipJobFacet": "1-0-1",
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "SchemaDatasetFacet": "1-2-0",
    "SourceCodeLocationJobFacet": "1-1-0",
    "TagsRunFacet": "1-0-0",
    "TestRunFacet": "1-0-1",
}
"""Official facets and their versions, as of the specification 2-0-2."""

TRAINING = "urn:vendorkit:openlineage:training-run-facet:1"
"""What `_schemaURL` of our facet says: the `$id` of the schema that `training_facet_schema` gives."""


class Namer:
    """Names that events give to things of one engagement.

    Args:
        manifest: The engagement.
        model: Id of the model surface.
        sdk_version: Version of vendorkit that wrote the records; by default the installed one.
    """

    def __init__(self, manifest: Manifest, model: str, sdk_version: str | None = None) -> None:
        self.manifest = manifest
        self.surface = manifest.surface(model)
        self.namespace = manifest.engagement.id
        self.producer = f"urn:vendorkit:{sdk_version or installed('vendorkit')}"
        self.code_url = _address(manifest.systems.code)
        self.registry = _address(manifest.systems.models or "") or f"vendorkit://{self.namespace}/models"

    def owner(self, person: str, role: str) -> Json:
        """A person as an owner."""
        return {"name": f"user:{self.manifest.people[person].contact}", "type": role}

    def dataset(self, source: str, fallback: str) -> Json:
        """Namespace and name of a dataset: by its URL where it has one, else by its path in the repository."""
        if "://" not in source:
            return {"namespace": self.code_url or f"vendorkit://{self.namespace}/code", "name": source or fallback}
        place, _, table = source.partition("#")
        parts = urlsplit(without_secrets(place))
        path = parts.path.strip("/").replace("/", ".")
        return {
            "namespace": f"{parts.scheme}://{parts.netloc}",
            "name": ".".join(name for name in (path, table) if name) or fallback,
        }

    def data_source(self, source: str) -> Json:
        """Where a dataset lies, without passwords."""
        named = self.dataset(source, "data")
        uri = without_secrets(source.partition("#")[0]) if "://" in source else named["namespace"]
        return facet(self, "DatasourceDatasetFacet", name=named["namespace"], uri=uri)


def facet(namer: Namer, kind: str, **parts: Any) -> Json:
    """One official facet; parts that are None are left out."""
    where = f"https://openlineage.io/spec/facets/{FACETS[kind]}/{kind}.json#/$defs/{kind}"
    kept = {key: part for key, part in parts.items() if part is not None}
    return {"_producer": namer.producer, "_schemaURL": where, **kept}


def training_facet(namer: Namer, run: Run, features: FeatureSet) -> Json:
    """What the official facets have no place for: label, review, features, seed, filters, environment."""
    reviewed = [entry for entry in namer.manifest.datasets if entry.human_review]
    read = {source.dataset for source in run.inputs}
    label = {"label": run.label.model_dump(mode="json")} if run.label else {}  # the client sends no nulls
    lock = {"lock": run.environment.lock} if run.environment.lock else {}
    return {
        "_producer": namer.producer,
        "_schemaURL": TRAINING,
        "candidate": run.digest,
        "task": run.task,
        "seed": run.seed,
        **label,
        "humanReview": [
            {"dataset": entry.id, "policy": entry.human_review.policy, "cohort": entry.human_review.cohort}
            for entry in reviewed
            if entry.human_review and entry.id in read
        ],
        "features": {
            "digest": features.digest,
            "names": [feature.name for feature in features.features],
            "definition": features.definition,
        },
        "filters": [
            {"name": step.name, "reason": step.reason, "rowsBefore": step.rows_before, "rowsAfter": step.rows_after}
            for step in run.filters
        ],
        "environment": {
            "id": run.environment.id,
            **lock,
            "python": run.environment.python,
            "platform": run.environment.platform,
        },
        "snapshots": [{"dataset": source.dataset, "digest": source.snapshot} for source in run.inputs],
    }


def training_facet_schema() -> str:
    """The JSON Schema (2020-12) of our facet, as it is packaged."""
    return (resources.files("vendorkit") / "schemas" / "training-run-facet.schema.json").read_text("utf-8")


def _address(text: str) -> str | None:
    """A text as an address without passwords; None where it is none."""
    return without_secrets(text) if re.match(r"[a-z][a-z0-9+.-]*://[^\s/]", text) else None


def without_secrets(url: str) -> str:
    """An address without user, password and query, in which tokens travel."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
