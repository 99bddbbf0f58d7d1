"""What an answer of the service costs, beside a bare Starlette application that answers always the same.

`python tests/benchmarks/bench_service.py`. Both run in processes of their own under uvicorn, and are asked
in turns, so that a noisy machine troubles both alike. `wrk` makes the load where it is installed, otherwise a
small asyncio client does, which slows the faster of the two more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vendorkit.records.contract import Behaviour, Contract
from vendorkit.records.features import Feature

from tests.benchmarks.pairs import Pair, table

CONNECTIONS = 16
SECONDS = 3
REPEATS = 5
DIGEST = "sha256:" + "1" * 64

NUMBERS = tuple(Feature(name=f"number_{i}", type="number", nullable=False, minimum=0, maximum=1) for i in range(10))
WORDS = tuple(
    Feature(name=f"word_{i}", type="string", nullable=False, categories=("high", "low", "none")) for i in range(10)
)
CONTRACTS = {"10 numbers": NUMBERS, "10 numbers, 10 words": NUMBERS + WORDS}


@dataclass(frozen=True)
class Case:
    """What is asked of both: the fields of a row and how many rows are in a request."""

    fields: str
    rows: int

    def body(self) -> bytes:
        """The request."""
        row = {feature.name: "low" if feature.type == "string" else 0.25 for feature in CONTRACTS[self.fields]}
        return json.dumps({"rows": [row] * self.rows}).encode()


CASES = [Case("10 numbers", 1), Case("10 numbers, 10 words", 1), Case("10 numbers, 10 words", 100)]


@dataclass(frozen=True)
class Load:
    """What 1,000 requests took: seconds on the clock, and seconds of the server's processor."""

    seconds: float
    cpu_seconds: float


def measure() -> list[dict[str, Any]]:
    """1,000 requests to the service against 1,000 to bare Starlette: time, and processor time of the server."""
    rows = []
    for case in CASES:
        rounds = take_turns(case)
        for name, of in (("time", "seconds"), ("processor time", "cpu_seconds")):
            ours, peer = (tuple(getattr(turn[side], of) for turn in rounds) for side in (0, 1))
            note = f"{1000 / statistics.median(ours):.0f} requests a second" if of == "seconds" else ""
            figure = f"1,000 predictions of {case.rows} rows of {case.fields}, {name}"
            rows.append(Pair(ours, peer).row(figure, "Starlette with a constant answer", note))
    return rows


def take_turns(case: Case) -> list[tuple[Load, Load]]:
    """Loads of the service and of the bare application, in turns."""
    with server("service", case.fields) as ours, server("bare", case.fields) as bare:
        rounds = [(load(*ours, case.body()), load(*bare, case.body())) for _ in range(REPEATS + 1)]
    return rounds[1:]  # the first warms up


@contextlib.contextmanager
def server(kind: str, fields: str) -> Iterator[tuple[str, int]]:
    """A server in a process of its own; gives its URL and process id."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, kind, fields, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process.pid
            process.terminate()
            process.wait()  # before its folder goes


def serve_one(kind: str, fields: str, folder: str) -> None:
    """What runs in the process of a server."""
    from vendorkit.service.server import serve

    serve(service(fields, folder) if kind == "service" else bare(), "127.0.0.1", 0, lambda url: print(url, flush=True))


def service(fields: str, folder: str) -> Any:
    """The service, with a model that costs next to nothing."""
    from vendorkit.adapters.predictions import PredictionLog
    from vendorkit.records.deployment import Deployment
    from vendorkit.service.app import create_app
    from vendorkit.service.servable import Servable

    contract = Contract(model="bench", task="binary", features=DIGEST, fields=CONTRACTS[fields], behaviour=Behaviour())
    deployment = Deployment(
        model="bench", version=1, alias=None, release=DIGEST, decisions=(), environment=DIGEST,
        sdk_version="0", started_at="2026-11-22T10:00:00Z",
    )  # fmt: skip
    model = Servable(contract, deployment, lambda frame: frame["number_0"].to_numpy())
    return create_app(model, PredictionLog(Path(folder)))


def bare() -> Any:
    """Starlette that reads the body and answers always the same."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    answer = b'{"model":"bench","version":1,"predictions":[{"id":"0199f2a4-7c00-7000-8000-000000000000","score":0.25}]}'

    async def predict(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    class Always:
        def __init__(self) -> None:
            self.warm = asyncio.Event()
            self.warm.set()

    app = Starlette(routes=[Route("/v1/predict", predict, methods=["POST"])])
    app.state.service = Always()
    return app


def load(url: str, process_id: int, body: bytes) -> Load:
    """Ask for some seconds. Anything but 200 ends the benchmark."""
    before = cpu_seconds(process_id)
    path = f"{url}/v1/predict"
    count = wrk(path, body) if shutil.which("wrk") else asyncio.run(ask_all(path, body))
    return Load(SECONDS / count * 1000, (cpu_seconds(process_id) - before) / count * 1000)


def cpu_seconds(process_id: int) -> float:
    """Processor time that a process has used, user and system; 0 where there is no /proc."""
    stat = Path(f"/proc/{process_id}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def wrk(url: str, body: bytes) -> float:
    """Requests answered to wrk, with a script that posts the body and reports."""
    script = (
        f"wrk.method='POST'; wrk.body={json.dumps(body.decode())}; wrk.headers['Content-Type']='application/json'\n"
        "done = function(s, l, r) local e = s.errors\n"
        "print('FIGURE', s.requests, e.connect + e.read + e.write + e.status + e.timeout) end\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", file.name, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figure, errors = next(line for line in said.splitlines() if line.startswith("FIGURE")).split()[1:]
    if float(errors):
        raise SystemExit(f"{errors} requests failed:\n{said}")
    return float(figure)


async def ask_all(url: str, body: bytes) -> float:
    """Requests answered to connections of our own that ask again and again."""
    host, _, port = url.split("/")[2].partition(":")
    head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    end = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(ask(host, int(port), request, end) for _ in range(CONNECTIONS)))
    return sum(counts)


async def ask(host: str, port: int, request: bytes, end: float) -> int:
    """One connection; gives how many answers it got."""
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.perf_counter() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        count += 1
    writer.close()
    return count


if __name__ == "__main__":
    print(table(measure())) if len(sys.argv) == 1 else serve_one(*sys.argv[1:])
