"""The published JSON Schema: current, valid, and of the same mind as the models."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from vendorkit.records.manifest.schema import manifest_schema, schema_text

from tests.support.engagement import minimal_manifest

EXAMPLE = Path(__file__).parents[5] / "shared" / "design" / "engagement.example.yaml"


def errors(value: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(manifest_schema())
    return [error.message for error in validator.iter_errors(value)]


def test_the_packaged_file_is_current() -> None:
    packaged = resources.files("vendorkit") / "schemas" / "engagement.schema.json"
    assert json.loads(packaged.read_text("utf-8")) == json.loads(schema_text()), (
        "run: python -m vendorkit.records.manifest.schema > sdk/src/vendorkit/schemas/engagement.schema.json"
    )


def test_it_is_a_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest_schema())
    assert manifest_schema()["$schema"].endswith("2020-12/schema")


def test_it_tells_editors_what_each_key_means() -> None:
    defs = manifest_schema()["$defs"]
    assert defs["Gate"]["properties"]["slice"]["description"].startswith("Which rows: a condition")
    assert "Args" not in json.dumps(manifest_schema())


def test_it_accepts_a_valid_manifest() -> None:
    assert errors(minimal_manifest()) == []


def test_it_accepts_the_example() -> None:
    if not EXAMPLE.exists():
        pytest.skip("the design's example is not beside the repository")
    text = EXAMPLE.read_text("utf-8")
    loader = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": _without_dates()})
    assert errors(yaml.load(text, Loader=loader)) == []  # noqa: S506  (a safe loader that keeps dates as text)


def _without_dates() -> dict[str, list[Any]]:
    known = yaml.SafeLoader.yaml_implicit_resolvers
    return {sign: [pair for pair in pairs if "timestamp" not in pair[0]] for sign, pairs in known.items()}


@pytest.mark.parametrize(
    "change", [{"colour": 1}, {"schema_version": 2}, {"gates": [{"id": "g"}]}, {"people": {}}, {"accountable": 3}]
)
def test_it_refuses_a_wrong_shape(change: dict[str, Any]) -> None:
    assert errors({**minimal_manifest(), **change})
