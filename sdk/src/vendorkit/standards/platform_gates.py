"""Gates that the platform asks of every engagement: declared in the policy pack, on top of those of the manifest.

A repository can neither drop nor change them: they come with the platform's own version, and their ids are such as
no manifest can give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self, get_args

from pydantic import model_validator

from vendorkit.records.base import Value
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.manifest.judging import NEEDS, NEEDS_ELSE, PlatformGate
from vendorkit.records.manifest.words import BenchmarkKind, Task, Tier

PREFIX = "platform/"
"""How the id of a platform's gate begins."""
UNFIT = ("benchmark", "model", "code")
"""Keys of a gate that belong to one engagement."""


class Asking(Value):
    """A gate of the platform's, and of whom it is asked.

    Args:
        gate: As in a manifest, without what belongs to one engagement: benchmark, model and code.
        benchmark_kind: It is asked of each benchmark of this kind that stands in for data of the model.
        tiers: Risk tiers of which it is asked.
        tasks: Tasks of which it is asked.
    """

    gate: Gate
    benchmark_kind: BenchmarkKind | None = None
    tiers: tuple[Tier, ...] = get_args(Tier)
    tasks: tuple[Task, ...] = get_args(Task)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse a gate that could never be answered, or only in one engagement."""
        needs = NEEDS.get(self.gate.kind, NEEDS_ELSE)
        faults = [f"`{key}` belongs to one engagement" for key in UNFIT if getattr(self.gate, key) is not None]
        faults += ["it has no limit"] if "limit" in needs and not self.gate.limited else []
        faults += ["it has no `metric`"] if "metric" in needs and self.gate.metric is None else []
        faults += ["`benchmark_kind` is missing"] if "benchmark" in needs and self.benchmark_kind is None else []
        if faults:
            raise ValueError(f"gate {self.gate.id} cannot be asked of every engagement: {'; '.join(faults)}")
        return self


def asked_of(asks: Iterable[Asking], manifest: Manifest, model: str) -> Iterator[PlatformGate]:
    """The platform's gates for a model, in the order of the pack.

    Where no benchmark of the kind is declared, the gate comes without one, which is an error and never a pass; at stage
    kickoff, where benchmarks are not owed yet, it is not asked.
    """
    engagement, surface = manifest.engagement, manifest.surface(model)
    for each in asks:
        if engagement.risk_tier not in each.tiers or (surface.task and surface.task not in each.tasks):
            continue
        name = f"{PREFIX}{each.gate.id}"
        if each.benchmark_kind is None:
            yield _made(each, name, model)
            continue
        ours = (None, *surface.datasets)
        of_kind = [held for held in manifest.benchmarks if held.kind == each.benchmark_kind]
        held = [benchmark.id for benchmark in of_kind if benchmark.dataset in ours]
        for benchmark in held:
            yield _made(each, f"{name}/{benchmark}", model, benchmark)
        if not held and engagement.stage != "kickoff":
            yield _made(each, name, model)


def _made(each: Asking, name: str, model: str, benchmark: str | None = None) -> PlatformGate:
    said = each.gate.model_dump(exclude_unset=True) | {"id": name, "model": model, "benchmark": benchmark}
    return PlatformGate(**said, benchmark_kind=each.benchmark_kind)
