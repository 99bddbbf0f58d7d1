"""A thread for what takes long, so that health stays responsive: one calls the model, one looks up traces.

One job at a time: models are seldom safe to call from two threads, and Python code would gain nothing by it. It
is a daemon thread, so that a model that never returns cannot keep the process from ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from vendorkit.service.problems import Problem

T = TypeVar("T")
WantedCheck = Callable[[], bool]


@dataclass(frozen=True)
class _Job:
    function: Callable[[WantedCheck], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Worker:
    """Runs jobs one after the other.

    Args:
        name: Who works, for messages.
        max_waiting: Jobs that may wait; more are refused at once.
        seconds: How long one job may take, waiting included.
    """

    def __init__(self, name: str, max_waiting: int, seconds: float) -> None:
        self._name = name
        self._max_waiting = max_waiting
        self._seconds = seconds
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end after what waits; does not wait for it."""
        self._jobs.put(None)

    @property
    def stuck(self) -> bool:
        """Whether the job in work takes longer than it may."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > self._seconds

    async def run(self, function: Callable[[WantedCheck], T]) -> T:
        """Run a function in the thread; it is given a check whether its result is still wanted.

        Raises:
            Problem: 503, too many wait or it took too long.
        """
        if self._jobs.qsize() >= self._max_waiting:
            raise Problem(
                "unavailable", f"Too many requests wait for the {self._name}.", headers=[("Retry-After", "1")]
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(function, future, loop))
        try:
            async with asyncio.timeout(self._seconds):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled():  # the job's own error
                raise
            says = f"The {self._name} did not answer within {self._seconds:g} seconds."
            raise Problem("unavailable", says, headers=[("Retry-After", "5")]) from None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.future.cancelled():
                self._do(job)

    def _do(self, job: _Job) -> None:
        self._busy_since = time.monotonic()
        result: Any = None
        error: Exception | None = None
        try:
            result = job.function(lambda: not job.future.cancelled())
        except Exception as raised:  # noqa: BLE001  (raised again where the job was asked for)
            error = raised
        self._busy_since = None
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            job.loop.call_soon_threadsafe(_settle, job.future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
