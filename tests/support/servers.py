"""A registry as a team has it: an MLflow server on PostgreSQL and an S3 store, with authentication on.

PostgreSQL keeps the entries, moto's server speaks S3 and keeps the files, MLflow's own basic authentication asks who
it is, and a gateway before it takes a token instead, as a company's login does. All of them are real processes on
this machine, except for the gateway, which is a thread of the test.
"""

from __future__ import annotations

import base64
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.postgres import INSTALL, Postgres, postgres

ADMIN = ("admin", "a-password-of-the-tests")
TOKEN = "a-token-of-the-tests"
BUCKET = "artifacts"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}
LONGEST_START_SECONDS = 300
"""MLflow's first start on PostgreSQL takes 16 to 78 s of migrations, and more on a busy machine."""


@dataclass
class MlflowServer:
    """A server of MLflow, with its database, its store and its users.

    Args:
        folder: Holds its logs and its users.
        database: Its PostgreSQL.
        s3: Address of its store of files.
        port: Port on 127.0.0.1; the same after a restart.
    """

    folder: Path
    database: Postgres
    s3: str
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--backend-store-uri", self.database.uri, "--artifacts-destination", f"s3://{BUCKET}"]
        options += ["--serve-artifacts", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        variables = {
            **os.environ,
            **KEYS,
            "MLFLOW_S3_ENDPOINT_URL": self.s3,
            "MLFLOW_AUTH_CONFIG_PATH": str(self.folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-secret-of-the-tests",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # six processes for what is not used here
        }
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", *options]
        with (self.folder / "mlflow.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=variables, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self._wait()

    def kill(self) -> None:
        """End it with all its workers as a crash would: nobody is told."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def _wait(self) -> None:
        end = time.monotonic() + LONGEST_START_SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            with suppress(OSError, http.client.HTTPException), urllib.request.urlopen(f"{self.url}/health", timeout=5):
                return
            time.sleep(0.2)
        raise AssertionError((self.folder / "mlflow.log").read_text("utf-8", "replace")[-4000:])


class Gateway:
    """Takes a token for each request and passes it on with the server's own password, as a company's login does.

    Args:
        server: What lies behind it.

    `left` is the number of requests after which the token is expired, `until_lost` the number after which nothing
    answers any more; None for never. `on_lost` is called once at that moment.
    """

    def __init__(self, server: MlflowServer) -> None:
        self.server = server
        self.left: int | None = None
        self.until_lost: int | None = None
        self.on_lost: Callable[[], None] = lambda: None
        self.asked: list[str] = []
        self._lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                gateway.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  (http.server's own names)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Refuse one request, or pass it on and its answer back."""
        body = _body(request)
        valid, lost = self._may(request)
        if lost:
            self._give(request, 502, b"nothing answers behind the gateway", {})
            return
        if not valid:
            refusal = b'{"error": "invalid_token", "error_description": "The access token expired"}'
            self._give(request, 401, refusal, {"content-type": "application/json", "www-authenticate": "Bearer"})
            return
        user, password = ADMIN
        behind = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            kept = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in ("authorization", "host", "connection", "content-length", "transfer-encoding")
            }
            behind.request(request.command, request.path, body, {**kept, "authorization": f"Basic {token}"})
            answer = behind.getresponse()
            data = answer.read()
            passed = {name: value for name, value in answer.getheaders() if name.lower() == "content-type"}
            self._give(request, answer.status, data, passed)
        except OSError:
            self._give(request, 502, b"nothing answers behind the gateway", {})
        finally:
            behind.close()

    def _may(self, request: BaseHTTPRequestHandler) -> tuple[bool, bool]:
        """Whether the token is valid, and whether nothing answers any more."""
        with self._lock:
            self.asked.append(f"{request.command} {request.path}")
            if self.left is not None:
                self.left -= 1
            if self.until_lost is not None:
                self.until_lost -= 1
                if self.until_lost == -1:
                    self.on_lost()
            valid = self.left is None or self.left >= 0
            lost = self.until_lost is not None and self.until_lost < 0
        return valid and request.headers.get("authorization") == f"Bearer {TOKEN}", lost

    def mend(self) -> None:
        """Answer again, to a new token as well."""
        with self._lock:
            self.left = self.until_lost = None
            self.on_lost = lambda: None
            self.asked.clear()

    @staticmethod
    def _give(request: BaseHTTPRequestHandler, status: int, data: bytes, headers: dict[str, str]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            request.send_response(status)
            for name, value in {**headers, "content-length": str(len(data))}.items():
                request.send_header(name, value)
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(data)


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """The body of a request, in one piece or in chunks, as files come."""
    if request.headers.get("transfer-encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("content-length") or 0))
    parts = []
    while size := int(request.rfile.readline().split(b";")[0], 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


@contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """A running server with an empty registry; skips where a part of it is not installed."""
    for name in ("moto", "boto3", "flask_wtf"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: {INSTALL}")
    users = f"sqlite:///{folder / 'users.db'}"
    lines = ("[mlflow]", "default_permission = MANAGE", f"database_uri = {users}")
    lines += (f"admin_username = {ADMIN[0]}", f"admin_password = {ADMIN[1]}", "auth_cache_ttl_seconds = 60")
    (folder / "auth.ini").write_text("\n".join(lines) + "\n")
    with postgres(room_mb=400) as database, _s3(folder) as s3:
        server = MlflowServer(folder, database, s3, free_port())
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def _s3(folder: Path) -> Iterator[str]:
    """An S3 store with one bucket, in memory."""
    import boto3
    from botocore.config import Config

    port = free_port()
    with (folder / "s3.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, env={**os.environ, **KEYS}, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            patient = Config(retries={"total_max_attempts": 30, "mode": "standard"})
            keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
            _wait_for(port)
            boto3.client("s3", endpoint_url=url, config=patient, **keys).create_bucket(Bucket=BUCKET)
            yield url
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")
