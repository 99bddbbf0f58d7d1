"""A reproduction: what came out when a candidate was rebuilt from its records in a clean checkout."""

from __future__ import annotations

from typing import ClassVar, Literal

from vendorkit.records.base import Digest, Record, Timestamp, Value
from vendorkit.records.run import Environment, Person

Part = Literal["data", "code", "environment", "seed", "rebuild", "prepare", "metrics"]

PARTS: tuple[Part, ...] = ("data", "code", "environment", "seed", "rebuild", "prepare", "metrics")
"""What can differ, causes before effects: the order in which people should look."""


class Difference(Value):
    """One thing that is not as it was recorded.

    Args:
        part: What differs; `rebuild` where training or measuring failed, `prepare` where the prepared table differs.
        where: File, dataset or metric.
        says: What was recorded and what was found.
    """

    part: Part
    where: str
    says: str


class RebuiltMetric(Value):
    """A metric of the gate report beside the one of the rebuilt candidate.

    Args:
        name: The metric; the id of the gate where several gates measure the same metric.
        recorded: Value of the gate report.
        rebuilt: Value of the rebuilt candidate; None where it could not be measured.
        tolerance: Largest absolute difference that engagement.yaml allows.
        ok: Whether it lies within.
    """

    name: str
    recorded: float
    rebuilt: float | None
    tolerance: float
    ok: bool


class Reproduction(Record):
    """One rebuild.

    Args:
        model: Id of the model.
        version: Version that was rebuilt; None for a candidate that is not published.
        release: Digest of its Release record.
        candidate: Digest of its Run record.
        commit: Commit that was checked out.
        rebuilt: Digest of the Run record of the rebuild; None where it was not trained.
        environment: Where it was rebuilt; None where it came to no training.
        locked: Whether the environment was built anew from the lock; False for the one that ran vendorkit.
        seed: Recorded seed, which the rebuild used.
        metrics: Every metric that repeats; times and memory do not.
        differences: Sorted by part.
        reproduced: Whether data, code, lock and seed are the recorded ones and all metrics lie within tolerance.
        same_model: Whether the files of the model are the same byte for byte; None where it was not trained.
        by: Who rebuilt it, as git knows them.
        sdk_version: Version of vendorkit that compared.
        at: When, UTC.
        seconds: Wall time.
    """

    schema_name: ClassVar[str] = "vendorkit/reproduction/1"

    model: str
    version: int | None
    release: Digest | None
    candidate: Digest
    commit: str
    rebuilt: Digest | None
    environment: Environment | None
    locked: bool
    seed: int
    metrics: tuple[RebuiltMetric, ...]
    differences: tuple[Difference, ...]
    reproduced: bool
    same_model: bool | None
    by: Person
    sdk_version: str
    at: Timestamp
    seconds: float

    @property
    def differs_first(self) -> Part | None:
        """Where to look first; None when it was reproduced."""
        return None if self.reproduced or not self.differences else self.differences[0].part

    @property
    def name(self) -> str:
        """`credit/3`, or the candidate."""
        return f"{self.model}/{self.version}" if self.version else f"candidate {self.candidate[7:19]} of {self.model}"
