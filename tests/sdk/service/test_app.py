"""The paths of the service on a real server: what is answered, what is refused, what is logged."""

from __future__ import annotations

import gzip
import json
import logging
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters.predictions import find
from vendorkit.errors import Refused, Unavailable
from vendorkit.records.contract import Behaviour
from vendorkit.records.features import Feature
from vendorkit.service.servable import Limits

from tests.support.service import DIGEST, GOOD, contract, deployment, is_problem, predict, running

JSON = {"content-type": "application/json"}
UNKNOWN_ID = "01a20418-208d-7556-8fc0-82530e6d7e3a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predictions")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    limits = Limits(max_rows=1_000, max_body_bytes=500_000)
    with running(folder, limits=limits) as client:
        yield client


def logged_rows(folder: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in (folder / "journal").glob("*.jsonl"))


def test_rows_are_answered_in_order_and_logged(client: httpx.Client, folder: Path) -> None:
    rows = [{**GOOD, "age": age} for age in range(18, 58)]
    answer = client.post("/v1/predict", json={"rows": rows, "as_of": "2026-11-20T00:00:00Z"}).json()
    assert (answer["model"], answer["version"]) == ("credit", 3)
    expected = predict(pd.DataFrame(rows))
    assert [one["score"] for one in answer["predictions"]] == pytest.approx(list(expected))
    ids = [one["id"] for one in answer["predictions"]]
    assert ids == sorted(set(ids))
    found = find(folder, ids[7])
    assert found is not None
    assert json.loads(found["row"]) == rows[7]
    assert found["score"] == answer["predictions"][7]["score"]
    assert found["deployment"] == deployment().digest
    later = client.post("/v1/predict", json={"rows": [GOOD]}).json()
    assert later["predictions"][0]["id"] > ids[-1]


def test_a_thousand_rows_are_fine_and_ten_thousand_too_large(client: httpx.Client) -> None:
    row = {"age": 40, "income": 1, "purpose": "car", "owns_home": True}
    assert len(client.post("/v1/predict", json={"rows": [row] * 1_000}).json()["predictions"]) == 1_000
    problem = is_problem(client.post("/v1/predict", json={"rows": [{}] * 10_000}), 413)
    assert problem["errors"] == [{"path": "rows", "says": "has 10,000 rows, expected at most 1,000."}]


HOSTILE = [
    (b"", 400),
    (b"not json", 400),
    (b'{"rows": [{"age": NaN}]}', 400),
    (b'{"rows": [{"age": Infinity}]}', 400),
    (b'{"rows": [{"age": 1e400}]}', 400),
    (b'{"rows": ["\xff\xfe"]}', 400),
    (b"\x1f\x8b\x08\x00", 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 50_000, 400),
    (b'{"rows": [{"age": ' + b"1" * 100_000 + b"}]}", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'{"rows": 5}', 422),
    (b'{"rows": []}', 422),
    (b'{"rows": [[]]}', 422),
    (b'{"rows": [null]}', 422),
    (b'{"rows": [{}]}', 422),
    (b'{"rows": [{"' + b"k" * 100_000 + b'": 1}]}', 422),
    (b'{"rows": [{"age": "' + b"v" * 100_000 + b'"}]}', 422),
    (b'{"rows": [{"age": {"age": {"age": 1}}}]}', 422),
]


@pytest.mark.parametrize(("body", "status"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_refused_shortly_and_never_logged(
    client: httpx.Client, folder: Path, body: bytes, status: int
) -> None:
    before = logged_rows(folder)
    refused = client.post("/v1/predict", content=body, headers=JSON)
    is_problem(refused, status)
    assert len(refused.content) < 5_000
    assert logged_rows(folder) == before


def test_every_fault_is_told_up_to_a_hundred(client: httpx.Client) -> None:
    problem = is_problem(client.post("/v1/predict", json={"rows": [{**GOOD, "age": False}] * 130}), 422)
    assert [fault["path"] for fault in problem["errors"]] == [f"rows[{place}].age" for place in range(100)]
    assert problem["errors_not_shown"] == 30


@pytest.mark.parametrize("size", [600_000, 3_000_000, 20_000_000])
@pytest.mark.parametrize("stated", [True, False])
def test_a_huge_body_is_refused(client: httpx.Client, size: int, stated: bool) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        while sent < size:
            sent += 65_536
            yield b" " * 65_536

    headers = {**JSON, "content-length": str(-(-size // 65_536) * 65_536)} if stated else JSON
    with httpx.Client(base_url=client.base_url, timeout=30) as other:
        try:
            is_problem(other.post("/v1/predict", content=pieces(), headers=headers), 413)
        except (httpx.WriteError, httpx.ReadError):  # far past the limit it is not listened to any more
            assert size > 4_000_000
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_another_content_type_is_a_415(client: httpx.Client, headers: dict[str, str]) -> None:
    body = gzip.compress(json.dumps({"rows": [GOOD]}).encode())
    is_problem(client.post("/v1/predict", content=body, headers=headers), 415)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_json_is_taken_however_it_is_written(client: httpx.Client, kind: str) -> None:
    body = json.dumps({"rows": [GOOD]})
    assert client.post("/v1/predict", content=body, headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/predict/", "/v2/models", "/../etc/passwd", "/v1/predictions/", "/%00"]
)
def test_an_unknown_path_is_a_404(client: httpx.Client, path: str) -> None:
    is_problem(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/predict", {"POST"}),
        ("DELETE", "/v1/predict", {"POST"}),
        ("POST", f"/v1/predictions/{UNKNOWN_ID}", {"GET", "HEAD"}),
        ("POST", "/health/live", {"GET", "HEAD"}),
        ("PUT", "/metrics", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_a_405(client: httpx.Client, method: str, path: str, allowed: set[str]) -> None:
    refused = client.request(method, path)
    is_problem(refused, 405)
    assert set(refused.headers["allow"].split(", ")) == allowed


def test_a_prediction_is_looked_up_by_its_id(client: httpx.Client) -> None:
    key = client.post("/v1/predict", json={"rows": [{**GOOD, "age": 90}]}).json()["predictions"][0]["id"]
    found = client.get(f"/v1/predictions/{key.upper()}").json()
    assert found["id"] == key
    assert found["prediction"]["row"] == {**GOOD, "age": 90}
    assert found["prediction"]["warnings"][0]["path"] == "rows[0].age"
    assert found["deployment"] == deployment().to_value()


def test_an_unknown_id_is_a_404_and_a_malformed_one_a_422(client: httpx.Client) -> None:
    is_problem(client.get(f"/v1/predictions/{UNKNOWN_ID}"), 404)
    for wrong in ("abc", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", UNKNOWN_ID + "0", "%F0%9F%98%80", "..%2f..%2fetc"):
        status = 404 if "2f" in wrong else 422
        is_problem(client.get(f"/v1/predictions/{wrong}"), status)


def test_the_chain_of_the_caller_is_answered(tmp_path: Path) -> None:
    def trace(key: str) -> dict[str, Any]:
        return {"chain": [{"kind": "prediction", "digest": key}], "complete": True, "missing": []}

    with running(tmp_path, trace=trace) as client:
        key = client.post("/v1/predict", json={"rows": [GOOD]}).json()["predictions"][0]["id"]
        found = client.get(f"/v1/predictions/{key}").json()
    assert found["chain"] == [{"kind": "prediction", "digest": key}]
    assert (found["complete"], found["id"]) == (True, key)
    assert found["prediction"]["row"] == GOOD


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable("Away."), 503), (OSError("disk"), 503), (Refused("Tampered."), 500), (KeyError("bug"), 500)],
)
def test_a_chain_that_cannot_be_read_is_a_problem(tmp_path: Path, error: Exception, status: int) -> None:
    def trace(_: str) -> dict[str, Any]:
        raise error

    with running(tmp_path, trace=trace) as client:
        key = client.post("/v1/predict", json={"rows": [GOOD]}).json()["predictions"][0]["id"]
        problem = is_problem(client.get(f"/v1/predictions/{key}"), status)
    assert problem["log_id"]
    assert "Traceback" not in json.dumps(problem)


def crash(_: pd.DataFrame) -> Any:
    raise ValueError("secret of the model")


def leave(_: pd.DataFrame) -> Any:
    raise SystemExit(3)


@pytest.mark.parametrize(
    "model",
    [
        crash,
        leave,
        lambda frame: np.full(len(frame), np.nan),
        lambda frame: np.zeros(len(frame) + 1),
        lambda frame: frame.head(1),
    ],
)
def test_a_model_that_fails_is_a_500_with_a_log_id_and_nothing_is_logged(
    tmp_path: Path, model: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path, model) as client:
        for _ in range(2):
            problem = is_problem(client.post("/v1/predict", json={"rows": [GOOD, GOOD]}), 500)
        assert client.get("/health/live").status_code == 200
        assert logged_rows(tmp_path) == 0
    assert problem["log_id"] in problem["detail"]
    assert not any(word in json.dumps(problem) for word in ("secret", "Traceback", "ValueError"))
    assert problem["log_id"] in caplog.text
    assert any(record.exc_info for record in caplog.records)


def test_a_model_may_change_its_frame_without_changing_the_log(tmp_path: Path) -> None:
    def greedy(frame: pd.DataFrame) -> Any:
        frame["age"] = 0
        frame.pop("income")
        return frame["age"].to_numpy()

    with running(tmp_path, greedy) as client:
        key = client.post("/v1/predict", json={"rows": [GOOD]}).json()["predictions"][0]["id"]
    found = find(tmp_path, key)
    assert found is not None
    assert json.loads(found["row"]) == GOOD


def test_a_log_that_cannot_be_written_is_a_503(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as client:
        assert client.post("/v1/predict", json={"rows": [GOOD]}).status_code == 200
        (journal,) = (tmp_path / "journal").glob("*.jsonl")
        text = journal.read_bytes()
        with FullDisk(journal):
            problem = is_problem(client.post("/v1/predict", json={"rows": [GOOD]}), 503)
        assert journal.read_bytes() == text
        assert client.post("/v1/predict", json={"rows": [GOOD]}).status_code == 200
    assert problem["log_id"] in caplog.text


class FullDisk:
    """No file of this process may grow beyond the size of this one: what a full disk does."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size

    def __enter__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size + 10, self.before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


def test_health_answers_while_the_model_works_and_waiting_is_bounded(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(frame: pd.DataFrame) -> Any:
        if frame["age"][0] == 41:
            go_on.wait(20)
        return np.zeros(len(frame))

    limits = Limits(max_waiting=2)
    with running(tmp_path, slow, limits=limits) as client:
        results: list[int] = []
        ask = {"rows": [{**GOOD, "age": 41}]}
        threads = [threading.Thread(target=lambda: results.append(post(client, ask).status_code)) for _ in range(6)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 15
        while len(results) < 3 and time.monotonic() < deadline:
            assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200
        assert results == [503] * 3
        go_on.set()
        for thread in threads:
            thread.join()
    assert sorted(results) == [200] * 3 + [503] * 3


def post(client: httpx.Client, body: Any) -> httpx.Response:
    with httpx.Client(base_url=client.base_url, timeout=30) as own:
        return own.post("/v1/predict", json=body)


def test_a_model_that_never_returns_is_a_503_and_makes_readiness_false(tmp_path: Path) -> None:
    go_on = threading.Event()

    def stuck(frame: pd.DataFrame) -> Any:
        if frame["age"][0] == 41:
            go_on.wait(20)
        return np.zeros(len(frame))

    with running(tmp_path, stuck, limits=Limits(predict_seconds=1.5)) as client:
        is_problem(client.post("/v1/predict", json={"rows": [{**GOOD, "age": 41}]}), 503)
        while client.get("/health/ready").status_code == 200:  # it works for a moment less than was waited for it
            time.sleep(0.01)
        is_problem(client.get("/health/ready"), 503)
        assert client.get("/health/live").status_code == 200
        assert "vendorkit_ready 0.0" in client.get("/metrics").text
        go_on.set()
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        assert client.post("/v1/predict", json={"rows": [GOOD]}).status_code == 200
    assert sum(1 for _ in tmp_path.glob("date=*/*.parquet")) == 1


def test_ready_comes_after_the_model_was_warmed_up(tmp_path: Path) -> None:
    go_on = threading.Event()
    seen: list[dict[str, Any]] = []

    def slow(frame: pd.DataFrame) -> Any:
        seen.extend(frame.to_dict("records"))
        go_on.wait(20)
        return np.zeros(len(frame))

    with running(tmp_path, slow, warm=False) as client:
        assert "warming up" in is_problem(client.get("/health/ready"), 503)["detail"]
        assert client.get("/health/live").json() == {"status": "live"}
        go_on.set()
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        assert len(seen) == 1
        assert logged_rows(tmp_path) == 0


def test_a_model_that_fails_on_the_made_up_row_is_told_and_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def picky(frame: pd.DataFrame) -> Any:
        if frame["age"][0] == 46:
            raise ValueError("no 46")
        return np.zeros(len(frame))

    with running(tmp_path, picky) as client:
        assert client.post("/v1/predict", json={"rows": [GOOD]}).status_code == 200
    assert "made-up row" in caplog.text


def test_metrics_count_what_happened(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        client.post("/v1/predict", json={"rows": [GOOD, {**GOOD, "age": 90}], "as_of": "2020-01-01T00:00:00Z"})
        client.post("/v1/predict", json={"rows": [{}]})
        client.get("/nowhere/at/all")
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'vendorkit_requests_total{path="/v1/predict",status="200"} 1.0' in lines
    assert 'vendorkit_requests_total{path="/v1/predict",status="422"} 1.0' in lines
    assert 'vendorkit_requests_total{path="other",status="404"} 1.0' in lines
    assert "vendorkit_predictions_total 2.0" in lines
    assert 'vendorkit_warnings_total{field="age",kind="out_of_distribution"} 1.0' in lines
    assert 'vendorkit_warnings_total{field="as_of",kind="stale"} 2.0' in lines
    assert 'vendorkit_request_seconds_count{path="/v1/predict"} 2.0' in lines
    assert "vendorkit_ready 1.0" in lines
    info = next(line for line in lines if line.startswith("vendorkit_model_info{"))
    assert all(part in info for part in ('model="credit"', 'version="3"', f'release="{DIGEST}"'))


def test_missing_values_reach_the_model_where_the_contract_accepts_them(tmp_path: Path) -> None:
    def lacking(frame: pd.DataFrame) -> Any:
        return frame.isna().sum(axis=1).to_numpy()

    with running(tmp_path, lacking, contract(Behaviour(missing="accept"))) as client:
        answer = client.post("/v1/predict", json={"rows": [{}, GOOD, {**GOOD, "age": None}]}).json()
    assert [one["score"] for one in answer["predictions"]] == [4, 0, 1]
    assert [one["warnings"] for one in answer["predictions"]] == [[], [], []]


def test_field_names_may_be_any_text(tmp_path: Path) -> None:
    odd = ('a"b', "id", "x y", "ключ", "", "a.b[0]")
    fields = tuple(Feature(name=name, type="number", nullable=False, minimum=0, maximum=1) for name in odd)
    with running(tmp_path, lambda frame: frame["id"].to_numpy(), contract(fields=fields)) as client:
        answer = client.post("/v1/predict", json={"rows": [dict.fromkeys(odd, 2)]}).json()
        assert [warning["field"] for warning in answer["predictions"][0]["warnings"]] == list(odd)
        assert client.get(f"/v1/predictions/{answer['predictions'][0]['id']}").status_code == 200
        assert client.get("/openapi.json").status_code == 200
        assert client.get("/metrics").status_code == 200


def test_a_body_that_dawdles_is_a_408(tmp_path: Path) -> None:
    with running(tmp_path, limits=Limits(body_seconds=0.3)) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=20) as slow:
            slow.sendall(
                b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            answer = slow.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"application/problem+json" in answer
        assert client.get("/health/live").status_code == 200


def test_a_caller_who_leaves_midway_is_no_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with running(tmp_path) as client:
        for _ in range(5):
            with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as gone:
                gone.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
                gone.sendall(b"Content-Length: 100\r\n\r\n{")
        assert client.post("/v1/predict", json={"rows": [GOOD]}).status_code == 200
    assert "Traceback" not in caplog.text
