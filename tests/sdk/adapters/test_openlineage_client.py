"""Sending lineage: the client's own configuration decides where to, and no failure of it ends a step."""

from __future__ import annotations

import fcntl
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendorkit.adapters.openlineage_client import is_configured, send
from vendorkit.documents.openlineage import events_of
from vendorkit.steps.trace import trace

from tests.support.schemas import openlineage_faults
from tests.support.world import World


class Catalogue(ThreadingHTTPServer):
    """A server that takes events like a catalogue does and keeps them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.answers = 201
        self.before_answer: Callable[[], None] = lambda: None
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Catalogue

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events.append(json.loads(body))
        self.server.keys.add(self.headers.get("Authorization"))
        assert self.path == "/api/v1/lineage"
        self.server.before_answer()
        self.send_response(self.server.answers)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    with Catalogue() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configuration of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def configure(folder: Path, **transport: Any) -> None:
    (folder / "openlineage.yml").write_text(yaml.safe_dump({"transport": transport}))


def sent_to(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def known(dataset: dict[str, Any]) -> dict[str, Any]:
    """A dataset without the empty parts that the client adds."""
    return {key: part for key, part in dataset.items() if part}


def jobs(events: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(event["job"]["name"] for event in events))


def test_nothing_is_made_where_nobody_listens(tmp_path: Path) -> None:
    def never() -> list[dict[str, Any]]:
        raise AssertionError

    assert not is_configured(tmp_path)
    assert send(tmp_path, never) == 0


def test_the_client_is_not_imported_where_nobody_listens(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vendorkit.adapters.openlineage_client import send\n"
        f"send(Path({str(tmp_path)!r}), list); print([name for name in sys.modules if name.startswith('openlineage')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_step_sends_to_a_file_as_the_configuration_says(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    target = tmp_path / "lineage.ndjson"
    configure(world.repo, type="file", log_file_path=str(target), append=True)
    world.commit("Send lineage")
    world.train_and_gate()
    assert jobs(sent_to(target)) == ["credit.delivery", "credit.train"]
    world.ok("publish")
    assert set(jobs(sent_to(target))) == {"credit.delivery", "credit.train", "credit.gate", "credit.publish"}
    before = len(sent_to(target))
    world.ok("publish")
    assert len(sent_to(target)) == before, "it was published before: nothing to tell"
    assert world.decide("approve", "credit/1", "model-risk").code == 0
    assert world.decide("promote", "credit/1", "ml-sre").code == 0
    events = sent_to(target)
    assert events[-1]["outputs"][0]["name"] == "credit@champion"
    world.declare(lifecycle=True)
    day = (datetime.now(UTC).date() + timedelta(days=9)).isoformat()
    for command, more in (
        ("retire", ("--block-from", day)),
        ("retire", ("--withdraw",)),
        ("refuse", ("--reason", "leak")),
    ):
        assert world.decide(command, "credit/1", "model-risk", *more).code == 0
    events = sent_to(target)
    told = ["credit.approval", "credit.promotion", "credit.retirement", "credit.withdrawal", "credit.refusal"]
    assert jobs(events)[-5:] == told
    ended = next(event for event in events if event["job"]["name"] == "credit.retirement")
    assert {"key": "block_from", "value": day} in [
        {"key": tag["key"], "value": tag["value"]} for tag in ended["run"]["facets"]["tags"]["tags"]
    ]
    assert [openlineage_faults(event) for event in events] == [[] for _ in events]


def test_a_slow_catalogue_keeps_nobody_from_publishing(
    world: World, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", catalogue.url)
    free = []

    def look() -> None:
        with (world.repo / ".vendorkit/publishing.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where the publish still holds it
            free.append(True)

    catalogue.before_answer = look
    world.ok("publish")
    assert len(free) == len(catalogue.events) > 0


def test_http_as_the_variables_say(live: World, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", catalogue.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "s3cret")
    found = trace(live.repo, "credit/1", with_evidence=True).evidence
    assert found
    events = events_of(found)
    assert send(live.repo, lambda: events) == len(events)
    assert catalogue.keys == {"Bearer s3cret"}
    assert [openlineage_faults(event) for event in catalogue.events] == [[] for _ in events]
    for sent, made in zip(catalogue.events, events, strict=True):
        assert sent["run"]["runId"] == made["run"]["runId"]
        assert sent["job"] == made["job"]
        assert [known(dataset) for dataset in sent["inputs"]] == made["inputs"]
        assert [known(dataset) for dataset in sent["outputs"]] == made["outputs"]
        tagged = sent["run"]["facets"].pop("tags", {})
        assert "openlineage_client_version" in str(tagged)
        assert sent["run"]["facets"] == {k: v for k, v in made["run"]["facets"].items() if k != "tags"}


@pytest.mark.parametrize("how", ["refuses", "is down", "is misspelt"])
def test_a_catalogue_that_fails_is_said_and_ends_nothing(
    how: str, live: World, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.answers = 403
    url = {"refuses": catalogue.url, "is down": "http://joe:s3cret@127.0.0.1:9", "is misspelt": "nonsense"}[how]
    transport = {"type": "http", "url": url, "timeout": 2, "retry": {"total": 0}}
    configure(live.repo, **transport)
    with caplog.at_level(logging.ERROR, "vendorkit.lineage"):
        answer = live.decide("promote", "credit/1", "ml-sre", "--alias", "shadow")
    assert answer.code == 0
    assert answer.result["alias"] == "shadow"
    assert "lineage was not sent" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_environment_is_left_as_it_was(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("OPENLINEAGE_URL", catalogue.url)
    before = dict(os.environ)
    send(tmp_path, list)
    assert dict(os.environ) == before


def test_it_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, type="console")
    assert is_configured(tmp_path)
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert not is_configured(tmp_path)
