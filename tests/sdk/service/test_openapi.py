"""The OpenAPI document: valid, true to the contract, and its examples are accepted by the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from vendorkit.records.contract import Behaviour
from vendorkit.service.openapi import build_openapi
from vendorkit.service.servable import Limits

from tests.support.service import GOOD, contract, deployment, running

BEHAVIOURS = [
    Behaviour(),
    Behaviour(missing="accept", invalid="refer-to-human", stale="reject-422", out_of_distribution="reject-422"),
    Behaviour(missing="use-median", out_of_distribution="reject-422"),
]


def document(behaviour: Behaviour) -> dict[str, Any]:
    return build_openapi(contract(behaviour), deployment(), Limits())


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_it_is_valid(behaviour: Behaviour) -> None:
    made = document(behaviour)
    validate(made)
    del made["info"]["version"]
    with pytest.raises(OpenAPIValidationError):
        validate(made)


def test_it_says_what_happens_field_by_field() -> None:
    age = document(Behaviour())["components"]["schemas"]["Row"]["properties"]["age"]
    assert age["x-vendorkit-behaviour"] == {
        "missing": "reject-422",
        "invalid": "reject-422",
        "out_of_distribution": "flag",
    }
    assert age["x-vendorkit-seen"] == {"minimum": 18, "maximum": 75}
    assert "Missing: the request is refused (422)." in age["description"]
    assert "answered with a warning whose action is `flag`" in age["description"]


def test_a_bound_that_refuses_is_a_bound_of_the_schema() -> None:
    strict = document(Behaviour(out_of_distribution="reject-422"))["components"]["schemas"]["Row"]["properties"]
    lax = document(Behaviour())["components"]["schemas"]["Row"]["properties"]
    assert (strict["age"]["minimum"], lax["age"]["minimum"]) == (18, -(2**63))
    assert strict["purpose"]["enum"] == ["car", "home", "other"]
    assert "enum" not in lax["purpose"]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_examples_and_answers_keep_it(behaviour: Behaviour, tmp_path: Path) -> None:
    with running(tmp_path, of=contract(behaviour)) as client:
        made = client.get("/openapi.json").json()
        validate(made)
        post = made["paths"]["/v1/predict"]["post"]
        example = post["requestBody"]["content"]["application/json"]["example"]
        answered = client.post("/v1/predict", json=example)
        assert answered.status_code == 200, answered.text
        refused = client.post("/v1/predict", json={"rows": [5]})
        answer_example = post["responses"]["200"]["content"]["application/json"]["example"]
        trace = client.get(f"/v1/predictions/{answered.json()['predictions'][0]['id']}")
    assert breaks(made, "Request", example) == []
    assert breaks(made, "Answer", answer_example) == []
    assert breaks(made, "Answer", answered.json()) == []
    assert breaks(made, "Problem", refused.json()) == []
    assert breaks(made, "Trace", trace.json()) == []
    assert breaks(made, "Problem", answered.json()) != []


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize(
    "change",
    [{}, {"age": 90}, {"age": None}, {"age": "x"}, {"income": None}, {"purpose": "boat"}, {"purpose": None}, {"z": 1}],
)
def test_the_schema_and_the_service_agree(behaviour: Behaviour, change: dict[str, Any], tmp_path: Path) -> None:
    body = {"rows": [{**GOOD, **change}]}
    with running(tmp_path, lambda frame: [0.5] * len(frame), contract(behaviour)) as client:
        made = client.get("/openapi.json").json()
        status = client.post("/v1/predict", json=body).status_code
    assert (breaks(made, "Request", body) == []) == (status == 200)


def breaks(made: dict[str, Any], schema: str, value: Any) -> list[str]:
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": made["components"]})
    return [error.message for error in validator.iter_errors(value)]
