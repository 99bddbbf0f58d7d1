"""The OpenAPI 3.1 document of a service, made from its contract: fields, types, ranges and what happens to
input that is not fit, field by field.
"""

from __future__ import annotations

from typing import Any

from vendorkit.records.contract import Behaviour, Contract
from vendorkit.records.deployment import Deployment
from vendorkit.records.features import Feature
from vendorkit.service.fields import ACCEPT, LARGEST_INTEGER, REJECT
from vendorkit.service.frame import synthetic_row
from vendorkit.service.problems import KINDS, MEDIA_TYPE, MOST_FAULTS
from vendorkit.service.servable import Limits

EXAMPLE_ID = "0199f2a4-7c00-7000-8000-000000000000"


def build_openapi(contract: Contract, deployment: Deployment, limits: Limits) -> dict[str, Any]:
    """The document as plain JSON values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{contract.model}: {contract.task}",
            "version": str(deployment.version),
            "description": _describe(contract, limits),
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/v1/predict": {"post": _predict(contract, deployment)},
            "/v1/predictions/{id}": {"get": _prediction()},
            "/health/live": {"get": _plain("live", "Whether the process runs", "Status", 500)},
            "/health/ready": {"get": _plain("ready", "Whether requests are welcome", "Status", 500, 503)},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _plain("openapi", "This document", "Document", 500)},
        },
        "components": {"schemas": _schemas(contract, limits)},
    }


def _predict(contract: Contract, deployment: Deployment) -> dict[str, Any]:
    answer = {
        "model": deployment.model,
        "version": deployment.version,
        "predictions": [{"id": EXAMPLE_ID, "score": 0.5, "warnings": []}],
    }
    return {
        "operationId": "predict",
        "summary": "Score rows; every answer is logged under its id",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Request"},
                    "example": {"rows": [synthetic_row(contract)]},
                }
            },
        },
        "responses": {
            "200": {
                "description": "One prediction for each row, in order",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}, "example": answer}},
            },
            **_problems(400, 408, 410, 413, 415, 422, 500, 503),
        },
    }


def _prediction() -> dict[str, Any]:
    operation = _plain("trace", "What an answer was made from", "Trace", 404, 422, 500, 503)
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/Id"}}
    return {**operation, "parameters": [identifier]}


def _plain(name: str, summary: str, schema: str, *problems: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    responses = {"200": {"description": summary, "content": content}, **_problems(*problems)}
    return {"operationId": name, "summary": summary, "responses": responses}


def _metrics() -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    answer = {"description": "Figures in the text format of Prometheus", "content": content}
    return {
        "operationId": "metrics",
        "summary": "Figures for Prometheus",
        "responses": {"200": answer, **_problems(500)},
    }


def _problems(*statuses: int) -> dict[str, Any]:
    titles = dict(KINDS.values())
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": titles[status], "content": content} for status in statuses}


def _schemas(contract: Contract, limits: Limits) -> dict[str, Any]:
    rows = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Row"},
        "minItems": 1,
        "maxItems": limits.max_rows,
    }
    as_of = {"type": ["string", "null"], "format": "date-time", "description": _describe_age(contract)}
    return {
        "Request": _object({"rows": rows, "as_of": as_of}, required=["rows"]),
        "Row": _row(contract),
        "Answer": _object(
            {
                "model": {"type": "string"},
                "version": {"type": "integer"},
                "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
            }
        ),
        "Prediction": _object(
            {
                "id": {"$ref": "#/components/schemas/Id"},
                "score": {"type": ["number", "string", "boolean"]},
                "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Warning"}},
            },
            more={"type": ["number", "string", "boolean"]},
        ),
        "Warning": _object({name: {"type": "string"} for name in ("path", "field", "kind", "says", "action")}),
        "Id": {"type": "string", "format": "uuid", "description": "UUIDv7: later ids are greater"},
        "Trace": _object(
            {
                "id": {"$ref": "#/components/schemas/Id"},
                "prediction": {"type": "object", "description": "The row, what was answered, and when"},
                "deployment": {"type": ["object", "null"], "description": "The Deployment record"},
            },
            more=True,
        ),
        "Status": _object({"status": {"type": "string"}}),
        "Document": {"type": "object"},
        "Problem": _problem(),
    }


def _object(properties: dict[str, Any], *, required: list[str] | None = None, more: Any = False) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": more,
    }


def _problem() -> dict[str, Any]:
    fault = _object({"path": {"type": "string"}, "says": {"type": "string"}})
    return _object(
        {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": fault, "maxItems": MOST_FAULTS},
            "errors_not_shown": {"type": "integer"},
            "log_id": {"type": "string", "description": "The service's own log tells more under this id"},
        },
        required=["type", "title", "status", "detail", "errors"],
    )


def _row(contract: Contract) -> dict[str, Any]:
    behaviour = contract.behaviour
    properties = {feature.name: _field(feature, behaviour) for feature in contract.fields}
    return _object(properties, required=list(properties) if behaviour.missing == REJECT else [])


def _field(feature: Feature, behaviour: Behaviour) -> dict[str, Any]:
    """The schema of one field. A bound that is only flagged is told, not demanded."""
    seen: dict[str, Any] = {}
    if feature.minimum is not None:
        seen["minimum"] = feature.minimum
    if feature.maximum is not None:
        seen["maximum"] = feature.maximum
    if feature.categories is not None:
        seen["enum"] = list(feature.categories)
    takes_null = feature.nullable or behaviour.missing != REJECT
    what = {"missing": behaviour.missing, "invalid": behaviour.invalid}
    says = [f"Missing: {_word(behaviour.missing)}.", f"Invalid: {_word(behaviour.invalid)}."]
    if seen:
        what["out_of_distribution"] = behaviour.out_of_distribution
        says.append(f"Outside of what training saw: {_word(behaviour.out_of_distribution)}.")
    schema: dict[str, Any] = {"description": " ".join(says), "x-vendorkit-behaviour": what}
    if behaviour.invalid == REJECT:
        schema["type"] = [feature.type, "null"] if takes_null else feature.type
        if feature.type == "integer":
            schema |= {"minimum": -LARGEST_INTEGER - 1, "maximum": LARGEST_INTEGER}
    if not seen:
        return schema
    schema["x-vendorkit-seen"] = seen
    if behaviour.out_of_distribution != REJECT:
        return schema
    if behaviour.invalid != REJECT:  # only a value of the right type has bounds to keep
        return {**schema, "if": {"type": feature.type}, "then": seen}
    if takes_null and "enum" in seen:
        return {**schema, "enum": [*seen["enum"], None]}
    return {**schema, **seen}


def _word(action: str) -> str:
    if action == REJECT:
        return "the request is refused (422)"
    if action == ACCEPT:
        return "accepted, the model is given no value"
    return f"answered with a warning whose action is `{action}`"


def _describe(contract: Contract, limits: Limits) -> str:
    return (
        f"Inference service of the model `{contract.model}`. At most {limits.max_rows:,} rows and "
        f"{limits.max_body_bytes:,} bytes in a request. Errors are RFC 9457 problem documents that list every "
        f"fault with its path. Contract: `{contract.digest}`."
    )


def _describe_age(contract: Contract) -> str:
    start = "When the data of the rows was true, RFC 3339 with a zone."
    if contract.max_age_days is None:
        return f"{start} Nothing goes stale."
    return f"{start} Older than {contract.max_age_days} days is stale: {_word(contract.behaviour.stale)}."
