"""The manifest as one frozen value. Its attributes are the keys of `engagement.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import Field

from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import Value
from vendorkit.records.canonical import digest_json
from vendorkit.records.manifest.delivery import (
    Engagement,
    Handoff,
    Milestone,
    Productivity,
    Standards,
    Waiver,
)
from vendorkit.records.manifest.judging import Benchmark, Gate, Reproduce
from vendorkit.records.manifest.operations import Operations, Ritual
from vendorkit.records.manifest.people import Person, Systems, Vendor
from vendorkit.records.manifest.surfaces import Dataset, Lifecycle, Surface
from vendorkit.records.manifest.words import Id

OWED_UNTIL_DELIVERY = (
    "standards", "datasets", "lifecycle", "reproduce", "benchmarks", "gates", "operations", "cadence"
)  # fmt: skip
"""Sections that may be absent at stage kickoff, and must be there from stage delivery on."""


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Entry = TypeVar("Entry", bound=_HasId)


class Manifest(Value):
    """What an engagement declares.

    People, datasets, surfaces, benchmarks and gates are named elsewhere by their ids. Sections that are owed
    until stage delivery are empty or None while they are absent.
    """

    schema_version: Literal[1]
    standards: Standards | None = None
    engagement: Engagement
    accountable: Id
    deputy: Id | None = None
    people: Annotated[dict[Id, Person], Field(min_length=1)]
    vendor: Vendor
    systems: Systems
    datasets: tuple[Dataset, ...] = ()
    surfaces: Annotated[tuple[Surface, ...], Field(min_length=1)]
    lifecycle: Lifecycle | None = None
    reproduce: Reproduce | None = None
    benchmarks: tuple[Benchmark, ...] = ()
    gates: tuple[Gate, ...] = ()
    operations: Operations | None = None
    cadence: tuple[Ritual, ...] = ()
    milestones: Annotated[tuple[Milestone, ...], Field(min_length=1)]
    handoff: Handoff
    productivity: Productivity | None = None
    waivers: tuple[Waiver, ...] = ()

    def to_value(self) -> dict[str, Any]:
        """The manifest as plain JSON values: what was written, without defaults."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def digest(self) -> str:
        """The digest of what was written; order of keys, comments and layout do not count."""
        return digest_json(self.to_value())

    def internal(self, person_id: str) -> bool:
        """Whether this is a person of the client; unknown people are not."""
        person = self.people.get(person_id)
        return person is not None and person.org == "internal"

    def person_by_contact(self, email: str) -> tuple[str, Person] | None:
        """Id and person with this e-mail address, in any case of letters; None where there is none."""
        wanted = email.casefold()
        found = (item for item in self.people.items() if item[1].contact.casefold() == wanted)
        return next(found, None)

    def models(self) -> tuple[Surface, ...]:
        """The surfaces that are models."""
        return tuple(surface for surface in self.surfaces if surface.kind == "model")

    def surface(self, surface_id: str) -> Surface:
        """The surface with this id.

        Raises:
            BadInput: There is none.
        """
        return _find(self.surfaces, surface_id, "surfaces")

    def model(self, model_id: str | None = None) -> Surface:
        """The model surface with this id; without id the only one.

        Raises:
            BadInput: There is none, or there are several to choose from.
        """
        models = self.models()
        if model_id is None and len(models) == 1:
            return models[0]
        if model_id is None:
            names = ", ".join(model.id for model in models) or "none"
            fix = "Name one of them, with `--model` or as MODEL/VERSION."
            raise BadInput("Which model?", [Fault("surfaces", f"models: {names}.", fix)])
        return _find(models, model_id, "models")

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset with this id.

        Raises:
            BadInput: There is none.
        """
        return _find(self.datasets, dataset_id, "datasets")

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """The benchmark with this id.

        Raises:
            BadInput: There is none.
        """
        return _find(self.benchmarks, benchmark_id, "benchmarks")

    def gates_for(self, model_id: str) -> tuple[Gate, ...]:
        """The gates of one model; a gate that names no model belongs to the only one."""
        only = len(self.models()) == 1
        return tuple(gate for gate in self.gates if gate.model == model_id or (gate.model is None and only))

    def owed(self) -> tuple[str, ...]:
        """Sections that are absent and will be required from stage delivery on."""
        return tuple(name for name in OWED_UNTIL_DELIVERY if name not in self.model_fields_set)


def _find(entries: Iterable[Entry], wanted: str, kind: str) -> Entry:
    known = {entry.id: entry for entry in entries}
    if wanted not in known:
        says = f"there is no {wanted!r} among the {kind}."
        raise BadInput(
            "The manifest does not have it.", [Fault(kind, says, f"There are: {', '.join(known) or 'none'}.")]
        )
    return known[wanted]
