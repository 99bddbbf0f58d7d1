"""Whatever JSON a caller sends: an answer or a problem document, never a failure, and the log agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.adapters.predictions import find
from vendorkit.records.contract import Behaviour

from tests.support.service import GOOD, contract, is_problem, running

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
NEARLY_ROWS = st.fixed_dictionaries(
    {}, optional={name: st.just(value) | SCALARS | ANY_JSON for name, value in GOOD.items()}
)
NEARLY_REQUESTS = st.fixed_dictionaries(
    {"rows": st.lists(NEARLY_ROWS | ANY_JSON, max_size=4)}, optional={"as_of": SCALARS | st.datetimes().map(str)}
)
TOLERANT = Behaviour(missing="accept", invalid="flag", stale="flag", out_of_distribution="flag")


@pytest.fixture(scope="module", params=[Behaviour(), TOLERANT], ids=["strict", "tolerant"])
def service(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    folder = tmp_path_factory.mktemp("log")
    with running(folder, lambda frame: [0.5] * len(frame), contract(request.param)) as client:
        yield client, folder


def check(service: tuple[httpx.Client, Path], body: bytes) -> int:
    client, folder = service
    answer = client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    if answer.status_code != 200:
        is_problem(answer, answer.status_code)
        assert answer.status_code in (400, 413, 422)
        assert "log_id" not in answer.json()
        return answer.status_code
    rows = json.loads(body)["rows"]
    predictions = answer.json()["predictions"]
    assert len(predictions) == len(rows)
    assert all(find(folder, one["id"]) for one in predictions)
    return 200


@given(ANY_JSON)
def test_any_json_value(service: tuple[httpx.Client, Path], value: Any) -> None:
    assert check(service, json.dumps(value).encode()) in (400, 422)


@given(NEARLY_REQUESTS)
def test_any_nearly_right_request(service: tuple[httpx.Client, Path], value: Any) -> None:
    check(service, json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes(service: tuple[httpx.Client, Path], body: bytes) -> None:
    assert check(service, body) in (400, 422)


@given(st.integers(0, 400), st.binary(max_size=3))
def test_a_right_request_with_some_bytes_changed(service: tuple[httpx.Client, Path], at: int, put: bytes) -> None:
    body = json.dumps({"rows": [GOOD, GOOD], "as_of": "2026-11-01T00:00:00Z"}).encode()
    check(service, body[:at] + put + body[at + len(put) :])


def test_the_right_request_is_answered(service: tuple[httpx.Client, Path]) -> None:
    assert check(service, json.dumps({"rows": [GOOD]}).encode()) == 200
