"""Writes the reference pages that are made from code: commands, manifest, records, checks, gates.

`python docs/generate.py` writes them; tests/architecture/test_docs.py fails while one of them is behind the code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from vendorkit.documents.gate_reference import gates_reference
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS

sys.path.insert(0, str(Path(__file__).parent))

from generator.checks import checks
from generator.commands import commands
from generator.form import DOCS
from generator.glossary import glossary_words
from generator.openlineage import openlineage
from generator.questions import questions
from generator.records import fleet, manifest, records

PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "manifest.md": manifest,
    "fleet.md": fleet,
    "records.md": records,
    "checks.md": checks,
    "openlineage.md": openlineage,
    "questions.md": questions,
    "../../sdk/src/vendorkit/documents/words.json": glossary_words,
    "gates.md": lambda: gates_reference(GATES, METRICS),
}
"""File name below docs/reference/ to what writes it."""


def main() -> None:
    """Write every page."""
    for name, write in PAGES.items():
        (DOCS / "reference" / name).write_text(write(), encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")


if __name__ == "__main__":
    main()
