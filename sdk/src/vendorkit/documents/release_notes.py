"""The release notes: what changed against the live version, why, and what risks remain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from vendorkit.documents.blocks import Block, Bullets, Table, Text, Written, filled
from vendorkit.documents.differences import Difference, differences
from vendorkit.documents.risks import risks
from vendorkit.records.document_format import FormatSection
from vendorkit.records.dossier import Dossier

PARTS = {
    "features": "Features",
    "data": "Data",
    "packages": "Packages",
    "gates": "Gates and limits",
    "results": "Results",
    "training": "Training",
    "contract": "What callers notice",
}
"""Each part that is compared, and its title."""


def release_notes(dossier: Dossier, live: Dossier | None, sections: tuple[FormatSection, ...]) -> Written:
    """The release notes of a candidate against the live version; None where there is none."""
    known = {heading: partial(tell, dossier, live) for heading, tell in EVIDENCE.items()}
    blocks = filled(sections, dossier.prose("changes", dossier.run.model), known)
    lead = (
        f"Compared with {live.name}, which is live." if live else "The first version: nothing is live to compare with."
    )
    return Written("release-notes", f"Release notes: {dossier.run.model}", lead, (Text(dossier.about), *blocks))


def _what_changed(dossier: Dossier, live: Dossier | None) -> Iterator[Block]:
    if live is None:
        yield Text("All of it is new.")
        return
    found = differences(live, dossier)
    for part, title in PARTS.items():
        some = [each for each in found if each.part == part]
        if some:
            yield Table((title, live.name, "this version"), tuple(_row(each) for each in some))
    same = [title for part, title in PARTS.items() if all(each.part != part for each in found)]
    if same:
        yield Text(f"The same as in {live.name}: {', '.join(same).lower()}.")


def _row(each: Difference) -> tuple[str, str, str]:
    return each.what, each.before or "-", each.after or "-"


def _remaining_risks(dossier: Dossier, live: Dossier | None) -> Iterator[Block]:
    found = risks(dossier, live)
    if found:
        yield Text("Seen in the records:")
        yield Bullets(found)


EVIDENCE: dict[str, Callable[[Dossier, Dossier | None], Iterator[Block]]] = {
    "what changed": _what_changed,
    "remaining risks": _remaining_risks,
}
"""Heading in small letters to what the records know for it."""
