"""Which measurements are made: equal ones once, those that are timed alone, and how far they are is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vendorkit.tracking.measurement import Found, Job, Subject
from vendorkit.tracking.plan import measure

SUBJECT = Subject("model", "pipeline", "models/credit", "skops", [], ".", {}, None, [])


class Measuring:
    """In place of the process that measures: remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], int]] = []

    def measure(self, jobs: Mapping[str, Job], *, at_once: int, told: Callable[[], None]) -> dict[str, Found | str]:
        self.asked.append(([job.measure for job in jobs.values()], at_once))
        for _ in jobs:
            told()
        return {name: {"of": job.measure} for name, job in jobs.items()}


def test_equal_jobs_are_measured_once_and_timed_ones_alone() -> None:
    process, told = Measuring(), list[tuple[str, int, int | None]]()
    jobs = {
        "quick": Job(SUBJECT, "latency", {"rows": 1}),
        "first": Job(SUBJECT, "score", {"rows": 1}),
        "same": Job(SUBJECT, "score", {"rows": 1}),
        "other": Job(SUBJECT, "score", {"rows": 2}),
    }
    given: Any = process
    found = measure(given, jobs, lambda says, done, of=None: told.append((says, done, of)))
    assert process.asked == [(["score", "score"], 2), (["latency"], 1)]
    assert {name: value["of"] for name, value in found.items() if not isinstance(value, str)} == {
        "quick": "latency", "first": "score", "same": "score", "other": "score",
    }  # fmt: skip
    assert told == [("measuring", done, 3) for done in range(4)]
