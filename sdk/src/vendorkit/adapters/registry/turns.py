"""Turns at the log of decisions: where many decide at once, each waits for its own instead of losing to the others.

They keep nobody safe: that is what the chain of the log does. So nothing is wrong where a turn is left out, or where
whoever had it was killed.
"""

from __future__ import annotations

import fcntl
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

LOCK = "deciding.lock"
LEASE_SECONDS = 20
"""So long a lease is waited for; then its holder is taken for dead."""


class Turns:
    """The turns of one connection.

    Args:
        client: The registry.
        folder: Folder of an embedded registry: a lock in it is held, which ends with its process. None for a server.
    """

    def __init__(self, client: MlflowClient, folder: Path | None) -> None:
        self._client = client
        self._folder = folder
        self._held = False

    @contextmanager
    def one(self, model: str, *, lease: bool = False) -> Iterator[None]:
        """One turn at the log of a model; within it, another of the same connection is the same.

        Args:
            model: Id of the model.
            lease: Whether to wait for one on a server too. MLflow has no lock; a registered model of a fixed name is
                made by one process only, and costs some statements: for those who lost to others before.
        """
        if self._held or (self._folder is None and not lease):
            yield
            return
        self._held = True
        try:
            with _locked(self._folder / LOCK) if self._folder else self._leased(f"{model}.turn"):
                yield
        finally:
            self._held = False

    @contextmanager
    def _leased(self, name: str) -> Iterator[None]:
        until = time.monotonic() + LEASE_SECONDS
        for attempt in count(1):
            try:
                self._client.create_registered_model(name, description="Somebody is deciding; gone in a moment.")
            except MlflowException as error:
                if error.error_code == "RESOURCE_ALREADY_EXISTS" and time.monotonic() < until:
                    time.sleep(random.uniform(0.5, 1.5) * min(0.05 * attempt, 0.5))  # noqa: S311
                    continue
            break  # it is ours, or goes without: the registry does not give it, or its holder died
        try:
            yield
        finally:
            with suppress(MlflowException):
                self._client.delete_registered_model(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
