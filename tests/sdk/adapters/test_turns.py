"""Turns at the log: one at a time, without waiting for the dead, and never in the way of who goes without."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode
from vendorkit.adapters.registry import turns
from vendorkit.adapters.registry.turns import Turns


class Models:
    """The registered models of a server: made once, as MLflow does it."""

    def __init__(self, *names: str, refuses: str = "") -> None:
        self.names = set(names)
        self.made = 0
        self._refuses = refuses
        self._lock = threading.Lock()

    def create_registered_model(self, name: str, description: str) -> None:
        with self._lock:
            if self._refuses or name in self.names:
                raise MlflowException("no", ErrorCode.Value(self._refuses or "RESOURCE_ALREADY_EXISTS"))
            self.names.add(name)
            self.made += 1

    def delete_registered_model(self, name: str) -> None:
        with self._lock:
            if name not in self.names:
                raise MlflowException("no", ErrorCode.Value("RESOURCE_DOES_NOT_EXIST"))
            self.names.remove(name)


def most_at_once(models: Models, folder: Path | None, *, lease: bool) -> int:
    """How many of eight that take one turn each, two steps long, are in it at the same moment."""
    inside, seen, start = [], [], threading.Barrier(8)

    def take() -> None:
        mine = Turns(models, folder)  # type: ignore[arg-type]
        start.wait()
        with mine.one("credit", lease=lease), mine.one("credit", lease=lease):
            inside.append(None)
            seen.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    return max(seen)


def test_one_at_a_time(tmp_path: Path) -> None:
    server = Models()
    assert most_at_once(server, tmp_path, lease=False) == 1
    assert (server.made, most_at_once(server, None, lease=True)) == (0, 1)
    assert (server.made, server.names) == (8, set())
    assert most_at_once(server, None, lease=False) > 1  # who never lost waits for nobody at a server


def test_the_lease_of_a_process_that_was_killed_is_waited_for_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LEASE_SECONDS", 0.2)
    server, began = Models("credit.turn"), time.monotonic()
    with Turns(server, None).one("credit", lease=True):  # type: ignore[arg-type]
        assert time.monotonic() - began > 0.2
    assert server.names == set()


def test_a_server_that_gives_no_lease_keeps_nobody_waiting() -> None:
    began = time.monotonic()
    with Turns(Models(refuses="PERMISSION_DENIED"), None).one("credit", lease=True):  # type: ignore[arg-type]
        assert time.monotonic() - began < turns.LEASE_SECONDS / 2
