"""Official schemas that lie beside the repository in ../shared/schemas; tests that need them skip where absent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from vendorkit.documents.openlineage_facets import TRAINING, training_facet_schema

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


@cache
def _openlineage() -> tuple[Registry, dict[str, str]]:
    folder = SCHEMAS / "openlineage"
    if not folder.exists():
        pytest.skip("needs the official schemas: ../shared/schemas/openlineage is not there")
    values = [json.loads(path.read_text("utf-8")) for path in (folder / "OpenLineage.json", *folder.glob("facets/*"))]
    ids = {value["$id"]: value for value in [*values, json.loads(training_facet_schema())]}
    registry: Registry = Registry().with_resources((name, Resource.from_contents(ids[name])) for name in ids)
    return registry, {name: name for name in ids}


def openlineage_faults(event: dict[str, Any]) -> list[str]:
    """What the official schemas say against an event and against each of its facets."""
    registry, known = _openlineage()

    def faults(pointer: str, value: Any) -> Iterator[str]:
        if pointer.partition("#")[0] not in known:
            yield f"{pointer} is no schema that is known"
            return
        validator = Draft202012Validator({"$ref": pointer}, registry=registry, format_checker=FormatChecker())
        for error in validator.iter_errors(value):
            yield f"{pointer}: {error.json_path}: {error.message}"

    found = list(faults(f"{CORE}#/$defs/RunEvent", event))
    for where, name, facet in facets_of(event):
        found += list(faults(facet["_schemaURL"], facet))
        if facet["_schemaURL"] != TRAINING:  # the official file also says under which key it belongs
            found += list(faults(facet["_schemaURL"].partition("#")[0], {name: facet}))
            found += [] if name in _keys(facet["_schemaURL"]) else [f"{where}: {name} is not the key of its schema"]
    return found


def _keys(pointer: str) -> set[str]:
    registry, _ = _openlineage()
    name = pointer.partition("#")[0]
    return set(registry.contents(name).get("properties", {})) if name in registry else set()


def facets_of(event: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, key and body of each facet of an event."""
    holders = [("run", event["run"]), ("job", event["job"])]
    holders += [("input", dataset) for dataset in event.get("inputs", [])]
    holders += [("output", dataset) for dataset in event.get("outputs", [])]
    for where, holder in holders:
        for kind in ("facets", "inputFacets", "outputFacets"):
            for name, facet in holder.get(kind, {}).items():
                yield where, name, facet
