"""The form of a generated page."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1]
NOTE = "<!-- Written by docs/generate.py; edit the code, not this page. -->"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; empty text where there are no rows."""
    if not rows:
        return ""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [heads, ["---"] * len(heads), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(title: str, *parts: str) -> str:
    """A whole page; empty parts are left out."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip() for part in parts if part.strip())]) + "\n"


def anchor(heading: str) -> str:
    """The anchor that the site gives to a heading."""
    return re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-")
