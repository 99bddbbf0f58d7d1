"""A manifest as far as it could be read, so that rules across the file can be judged in spite of a fault.

Entries that do not fit their model are left out, but their ids stay known: nothing that refers to them is
blamed for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from vendorkit.records.base import Value
from vendorkit.records.manifest.delivery import Engagement, Handoff, Milestone, Waiver
from vendorkit.records.manifest.judging import Benchmark, Gate, Reproduce
from vendorkit.records.manifest.operations import Operations, Ritual
from vendorkit.records.manifest.people import Person, Vendor
from vendorkit.records.manifest.surfaces import Dataset, Lifecycle, Surface
from vendorkit.records.manifest.words import Stage, since
from vendorkit.records.yaml_text import KeyPath

Part = TypeVar("Part", bound=Value)


@dataclass(frozen=True)
class Problem:
    """A rule that is broken: the key path of the place, what is wrong, what mends it."""

    path: KeyPath
    says: str
    fix: str = ""


@dataclass(frozen=True)
class Draft:
    """The readable parts. Lists are kept as position to entry; a section that does not fit is None.

    Args:
        given: Keys that are there.
        ids: Section to id to its positions, faulty entries included.
        odd: Sections that are no list (no mapping, for people; a missing one too), of which nothing is known.
        whole_sections: List sections of which every entry could be read.
    """

    engagement: Engagement | None = None
    accountable: str | None = None
    deputy: str | None = None
    people: dict[str, Person] = field(default_factory=dict)
    vendor: Vendor | None = None
    datasets: dict[int, Dataset] = field(default_factory=dict)
    surfaces: dict[int, Surface] = field(default_factory=dict)
    lifecycle: Lifecycle | None = None
    reproduce: Reproduce | None = None
    benchmarks: dict[int, Benchmark] = field(default_factory=dict)
    gates: dict[int, Gate] = field(default_factory=dict)
    operations: Operations | None = None
    cadence: dict[int, Ritual] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    handoff: Handoff | None = None
    waivers: dict[int, Waiver] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    ids: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    odd: frozenset[str] = frozenset()
    whole_sections: frozenset[str] = frozenset()

    def knows(self, section: str, wanted: str) -> bool:
        """Whether a section has an entry with this id, faulty or not. A section of odd shape knows all."""
        return section in self.odd or wanted in self.ids.get(section, {})

    def whole(self, section: str) -> bool:
        """Whether a list section is there and every entry of it could be read."""
        return section in self.whole_sections

    def stage_from(self, first: Stage) -> bool:
        """Whether the engagement is known to be at this stage or later."""
        return self.engagement is not None and since(self.engagement.stage, first)

    def models(self) -> Iterator[tuple[int, Surface]]:
        """The model surfaces with their positions."""
        return ((at, surface) for at, surface in self.surfaces.items() if surface.kind == "model")


def draft_of(plain: Any) -> Draft:
    """What can be read of a manifest's plain value, whatever it is."""
    if not isinstance(plain, dict):
        return Draft()
    people = plain.get("people")  # where it is missing, that is told; who is named elsewhere is not blamed for it
    named = people if isinstance(people, dict) else {}
    read = {name: _part(Person, value) for name, value in named.items()}
    odd = {section for section in LISTS if not isinstance(plain.get(section, []), list)}
    ids = {section: _ids(plain.get(section)) for section in LISTS}
    draft = Draft(
        engagement=_part(Engagement, plain.get("engagement")),
        accountable=_word(plain.get("accountable")),
        deputy=_word(plain.get("deputy")),
        people={name: person for name, person in read.items() if person is not None},
        vendor=_part(Vendor, plain.get("vendor")),
        datasets=_entries(Dataset, plain.get("datasets")),
        surfaces=_entries(Surface, plain.get("surfaces")),
        lifecycle=_part(Lifecycle, plain.get("lifecycle")),
        reproduce=_part(Reproduce, plain.get("reproduce")),
        benchmarks=_entries(Benchmark, plain.get("benchmarks")),
        gates=_entries(Gate, plain.get("gates")),
        operations=_part(Operations, plain.get("operations")),
        cadence=_entries(Ritual, plain.get("cadence")),
        milestones=_entries(Milestone, plain.get("milestones")),
        handoff=_part(Handoff, plain.get("handoff")),
        waivers=_entries(Waiver, plain.get("waivers")),
        given=frozenset(plain),
        ids={**ids, "people": {name: [] for name in named}},
        odd=frozenset(odd if isinstance(people, dict) else odd | {"people"}),
    )
    whole = {name for name in plain.keys() & LISTS - odd if len(plain[name]) == len(getattr(draft, name))}
    return replace(draft, whole_sections=frozenset(whole))


LISTS = {"datasets", "surfaces", "benchmarks", "gates", "cadence", "milestones", "waivers"}
"""Sections that are lists of entries."""


def _part(kind: type[Part], value: Any) -> Part | None:
    try:
        return kind.model_validate_json(json.dumps(value))
    except ValidationError:
        return None


def _entries(kind: type[Part], value: Any) -> dict[int, Part]:
    listed = value if isinstance(value, list) else []
    read = ((at, _part(kind, entry)) for at, entry in enumerate(listed))
    return {at: entry for at, entry in read if entry is not None}


def _ids(entries: Any) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str):
            found.setdefault(name, []).append(at)
    return found


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None
