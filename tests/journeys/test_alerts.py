"""From a service that stopped to whoever is on call: a real Prometheus scrapes it, a real Alertmanager tells of it.

Configuration and rules are the scaffold's own; only addresses are filled in and times are shortened to seconds.
"""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.ports import free_port
from tests.support.service import running
from tests.template.rendering import rendered

PATIENCE_SECONDS = 60


@pytest.fixture
def told() -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    """Somebody on call: the address of a webhook, and what it was told."""
    received: queue.Queue[dict[str, Any]] = queue.Queue()

    class Pager(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stays silent."""

    server = HTTPServer(("127.0.0.1", 0), Pager)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def started(program: str, *arguments: str, health: str, folder: Path) -> Iterator[None]:
    """A program that runs until the end, once it says that it is ready."""
    with (folder / f"{program}.log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            wait_for(lambda: httpx.get(health, timeout=1).status_code == 200, f"{program} to be ready")
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait_for(true: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"waited {PATIENCE_SECONDS} s for {what}")


@contextmanager
def watched(scaffold: Path, service: str, webhook: str, folder: Path) -> Iterator[str]:
    """Prometheus and Alertmanager as the compose file of a scaffold configures them; gives Prometheus's address."""
    watcher, router = (f"127.0.0.1:{free_port()}" for _ in range(2))
    content = yaml.safe_load((scaffold / "compose.yaml").read_text())["configs"]["prometheus"]["content"]
    filled = content.replace("15s", "1s").replace("# alerting", "alerting").replace("YOURS:9093", router)
    filled = filled.replace("service:8080", service).replace("/etc/prometheus/", "")
    (folder / "prometheus.yml").write_text(filled)
    rules = (scaffold / "deploy/alerts.yaml").read_text()
    (folder / "alerts.yaml").write_text(re.sub(r"for: \d+m", "for: 3s", rules))  # the first scrape is sooner
    route = {"receiver": "on-call", "group_wait": "1s", "group_interval": "1s", "group_by": ["alertname"]}
    receivers = [{"name": "on-call", "webhook_configs": [{"url": webhook}]}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))
    alertmanager = ("--config.file=alertmanager.yml", "--storage.path=told", "--cluster.listen-address=")
    prometheus = ("--config.file=prometheus.yml", "--storage.tsdb.path=metrics")
    with (
        started("prometheus-alertmanager", *alertmanager, f"--web.listen-address={router}",
                health=f"http://{router}/-/ready", folder=folder),
        started("prometheus", *prometheus, f"--web.listen-address={watcher}",
                health=f"http://{watcher}/-/ready", folder=folder),
    ):  # fmt: skip
        yield f"http://{watcher}"


def value(prometheus: str, query: str) -> list[str]:
    found = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}).json()["data"]["result"]
    return [each["value"][1] for each in found]


def test_a_service_that_stops_wakes_somebody(told: tuple[str, queue.Queue[dict[str, Any]]], tmp_path: Path) -> None:
    for program, package in (("prometheus", "prometheus"), ("prometheus-alertmanager", "prometheus-alertmanager")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: `apt-get install {package}`")
    webhook, received = told
    with ExitStack() as stack:
        with running(tmp_path / "predictions") as client:
            address = f"{client.base_url.host}:{client.base_url.port}"
            prometheus = stack.enter_context(watched(rendered(container_registry="other"), address, webhook, tmp_path))
            wait_for(lambda: value(prometheus, 'vendorkit_ready{job="credit"}') == ["1"], "the service to be scraped")
            assert value(prometheus, 'up{job="credit"}') == ["1"]
            assert received.empty()
        (alert,) = received.get(timeout=PATIENCE_SECONDS)["alerts"]
    labels = alert["labels"]
    assert (alert["status"], labels["alertname"], labels["severity"]) == ("firing", "ServiceDown", "page")
    assert alert["annotations"]["runbook_url"].endswith("/docs/RUNBOOK.md#errors")
