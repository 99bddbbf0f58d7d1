"""The form of the documents of a release: which sections there are, which of them people write, in which files.

The policy pack holds it, so that the platform owns the form and the vendor the words. Rendering lives in
`documents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from vendorkit.errors import Fault
from vendorkit.records.base import Value
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.words import Text
from vendorkit.records.prose import Prose

RUNBOOK = "docs/RUNBOOK.md"
CHANGES = "CHANGES.md"
DATASHEET = "README.md"

WordsKind = Literal["card", "datasheet", "changes"]


class FormatSection(Value):
    """One section of a document.

    Args:
        heading: Its heading.
        asks: What people must write there; None where words may stand but need not.
    """

    heading: Text
    asks: Text | None = None


class DocumentFormats(Value):
    """The sections of each document, in order. A section without `asks` is filled from the records.

    Args:
        card: The model card.
        datasheet: The datasheet of each dataset.
        changes: The release notes.
    """

    card: tuple[FormatSection, ...] = ()
    datasheet: tuple[FormatSection, ...] = ()
    changes: tuple[FormatSection, ...] = ()

    def of(self, kind: WordsKind) -> tuple[FormatSection, ...]:
        """The sections of one kind of document."""
        return {"card": self.card, "datasheet": self.datasheet, "changes": self.changes}[kind]


@dataclass(frozen=True)
class WordsFile:
    """A file in which people write the words of a document.

    Args:
        kind: The document.
        path: The file in the repository.
        subject: The model or dataset that it is about.
    """

    kind: WordsKind
    path: str
    subject: str


TITLES: dict[WordsKind, str] = {"card": "model card", "datasheet": "datasheet", "changes": "release notes"}
"""Each document in words."""


def words_files(manifest: Manifest, model: str) -> tuple[WordsFile, ...]:
    """Where the words of a model's release are written: card, changes beside it, and the datasheets."""
    surface = manifest.surface(model)
    files = []
    if surface.card:
        files.append(WordsFile("card", surface.card, model))
        files.append(WordsFile("changes", str(PurePosixPath(surface.card).parent / CHANGES), model))
    for name in surface.datasets:
        dataset = manifest.dataset(name)
        beside = str(PurePosixPath(dataset.pointer).parent / DATASHEET)
        files.append(WordsFile("datasheet", dataset.datasheet or beside, name))
    return tuple(files)


def runbook_of(manifest: Manifest, model: str) -> str:
    """The runbook of a model: its own, else the first that a surface names, else `docs/RUNBOOK.md`."""
    named = [surface.runbook for surface in (manifest.surface(model), *manifest.surfaces) if surface.runbook]
    return named[0] if named else RUNBOOK


def missing_words(prose: Prose, sections: tuple[FormatSection, ...]) -> list[Fault]:
    """Sections that are missing, empty, stubs still, twice there, or no part of the document."""
    faults = []
    for wanted in sections:
        found = prose.section(wanted.heading)
        if found is None and wanted.asks:
            says = f"has no section `{wanted.heading}`."
            faults.append(Fault(f"{prose.where}:1", says, f"Add `## {wanted.heading}`: {wanted.asks}"))
        elif found is not None and wanted.asks and not found.text:
            faults.append(Fault(f"{prose.where}:{found.line}", f"`{found.heading}` is empty.", wanted.asks))
    known = {section.heading.casefold(): section for section in sections}
    seen: set[str] = set()
    for section in prose.sections:
        name = section.heading.casefold()
        if name not in known:
            there = ", ".join(f"`{entry.heading}`" for entry in sections)
            says = f"`{section.heading}` is no section of this document."
            faults.append(Fault(f"{prose.where}:{section.line}", says, f"Move it below one of {there}."))
        elif name in seen:
            fault = Fault(f"{prose.where}:{section.line}", f"`{section.heading}` is there twice.", "Join the two.")
            faults.append(fault)
        seen.add(name)
        asks = known[name].asks if name in known else None
        faults += [_stub(prose.where, line, section.heading, asks) for line in section.stubs]
    return faults


def _stub(where: str, line: int, heading: str, asks: str | None) -> Fault:
    return Fault(f"{where}:{line}", f"`{heading}` has a stub left.", asks or "Write it, or delete the line.")
