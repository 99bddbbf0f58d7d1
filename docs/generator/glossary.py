"""The words of the glossary, for `vendorkit explain`."""

from __future__ import annotations

import json
import re

from generator.form import DOCS


def glossary_words() -> str:
    """The words of the glossary for `vendorkit explain`, without the page's marks; of two meanings the first stays."""
    found: dict[str, str] = {}
    for line in (DOCS / "explanation/glossary.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 2 and cells[0] != "word":
            for word in cells[0].split(", "):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cells[1])
                found.setdefault(word.strip("`*"), re.sub(r"[*`]", "", plain))
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
