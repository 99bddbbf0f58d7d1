"""The server as a process: ports, signals, and what is left after a kill."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from vendorkit.adapters.predictions import PredictionLog, find
from vendorkit.errors import BadInput, Unavailable
from vendorkit.service.server import listen

from tests.support.service import GOOD

CLIENT = httpx.Client(timeout=30)  # one for all: making one reads every root certificate

SERVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {top!r})
from tests.support.service import predict, servable
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.service import server
from vendorkit.service.app import create_app

def slow(frame):
    if frame["age"][0] == 41:
        print("in work", flush=True)
        time.sleep({seconds})
    return predict(frame)

server.FINISH_SECONDS = {finish}
log = PredictionLog(Path(sys.argv[1]), max_bytes=50_000)
server.serve(create_app(servable(slow), log), "127.0.0.1", 0, lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@contextlib.contextmanager
def server(folder: Path, seconds: float = 0, finish: float = 60) -> Iterator[tuple[subprocess.Popen[str], str]]:
    code = SERVER.format(top=str(Path(__file__).parents[3]), seconds=seconds, finish=finish)
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            yield process, url
        finally:
            process.kill()


def ask(url: str, age: int = 40) -> list[str]:
    answer = CLIENT.post(f"{url}/v1/predict", json={"rows": [{**GOOD, "age": age}] * 3})
    return [one["id"] for one in answer.raise_for_status().json()["predictions"]]


def ask_in_vain(url: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        ask(url, age=41)


def test_sigterm_flushes_the_log_and_ends_with_zero(tmp_path: Path) -> None:
    with server(tmp_path) as (process, url):
        ids = ask(url)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "ended\n", "")
    assert list((tmp_path / "journal").iterdir()) == []
    assert all(find(tmp_path, one) for one in ids)


def test_sigterm_lets_a_request_in_work_finish_and_takes_no_more(tmp_path: Path) -> None:
    with server(tmp_path, seconds=1) as (process, url):
        assert process.stdout is not None
        ids: list[str] = []
        asking = threading.Thread(target=lambda: ids.extend(ask(url, age=41)))
        asking.start()
        assert process.stdout.readline() == "in work\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            while True:
                CLIENT.get(f"{url}/health/live")
        asking.join()
        assert process.wait(timeout=30) == 0
    assert len(ids) == 3
    assert all(find(tmp_path, one) for one in ids)


def test_a_model_that_never_returns_does_not_keep_the_process(tmp_path: Path) -> None:
    with server(tmp_path, seconds=600, finish=1) as (process, url):
        assert process.stdout is not None
        asking = threading.Thread(target=ask_in_vain, args=(url,))
        asking.start()
        assert process.stdout.readline() == "in work\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        asking.join()


def test_ctrl_c_is_an_interrupt_and_flushes_too(tmp_path: Path) -> None:
    with server(tmp_path) as (process, url):
        ids = ask(url)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert list((tmp_path / "journal").iterdir()) == []
    assert all(find(tmp_path, one) for one in ids)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
def test_every_answer_before_a_kill_is_found(tmp_path: Path, seconds: float) -> None:
    answered: list[str] = []

    def load(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as client, contextlib.suppress(httpx.HTTPError):
            while True:
                answer = client.post("/v1/predict", json={"rows": [GOOD] * 5})
                answered.extend(one["id"] for one in answer.json()["predictions"])

    with server(tmp_path) as (process, url):
        threads = [threading.Thread(target=load, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while not answered:
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert len(answered) == len(set(answered))
    assert [one for one in answered if not find(tmp_path, one)] == []
    PredictionLog(tmp_path).close()
    assert list((tmp_path / "journal").iterdir()) == []
    assert [one for one in answered if not find(tmp_path, one)] == []


def test_two_services_share_a_folder(tmp_path: Path) -> None:
    with server(tmp_path) as (one, first), server(tmp_path) as (two, second):
        assert first != second
        ids = [key for _ in range(20) for url in (first, second) for key in ask(url)]
        looked_up = [CLIENT.get(f"{second}/v1/predictions/{key}").status_code for key in ids]
        for process in (one, two):
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
    assert set(looked_up) == {200}
    assert len(set(ids)) == 120
    assert all(find(tmp_path, key) for key in ids)


def test_a_taken_port_is_told() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        with pytest.raises(Unavailable, match="cannot listen") as caught:
            listen("127.0.0.1", taken.getsockname()[1])
        assert "--port" in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", -1), ("127.0.0.1", 65536), ("no.such.host.invalid", 0), ("a" * 300, 0)]
)
def test_no_such_host_or_port_is_bad_input(host: str, port: int) -> None:
    with pytest.raises(BadInput):
        listen(host, port)


def test_an_address_of_version_6_works_or_is_said_to_be_unavailable() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        with pytest.raises(Unavailable):
            listen("::1", 0)
    else:
        with contextlib.closing(listen("::1", 0)) as listener:
            assert listener.family == socket.AF_INET6
