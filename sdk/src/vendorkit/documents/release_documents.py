"""All documents of a release together, rendered from its dossier and the dossier of the live version."""

from __future__ import annotations

from collections.abc import Callable

from vendorkit.documents.blocks import Written, to_html, to_markdown
from vendorkit.documents.brief import brief
from vendorkit.documents.card import card
from vendorkit.documents.datasheet import datasheet
from vendorkit.documents.release_notes import release_notes
from vendorkit.records.document_format import DocumentFormats
from vendorkit.records.dossier import Dossier

FORMS: dict[str, tuple[str, Callable[[Written], str]]] = {
    "markdown": ("md", to_markdown),
    "html": ("html", to_html),
}
"""Each form, with the ending of its files and what writes it."""


def release_documents(dossier: Dossier, live: Dossier | None, formats: DocumentFormats) -> tuple[Written, ...]:
    """Brief, release notes, model card, and a datasheet for each dataset.

    Args:
        dossier: The candidate.
        live: The version that is live; None where none is.
        formats: The sections, as the platform wants them.
    """
    return (
        brief(dossier, live),
        release_notes(dossier, live, formats.changes),
        card(dossier, formats.card),
        *(datasheet(dossier, snapshot, formats.datasheet) for snapshot in dossier.snapshots),
    )


def rendered(documents: tuple[Written, ...]) -> dict[str, str]:
    """File name to text, for every document in every form."""
    return {f"{each.name}.{ending}": write(each) for each in documents for ending, write in FORMS.values()}
