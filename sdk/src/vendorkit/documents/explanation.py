"""An explanation as text, Markdown and JSON: sections of named facts, each with one sentence on top."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vendorkit.documents.plain import clean, markdown

WIDTH = 100
"""Columns of the text form."""
MOST_SIGNS = 2_000
"""Of one fact: how a gate is judged takes more than a cell of a table has room for."""


@dataclass(frozen=True)
class Section:
    """One thing that is explained.

    Args:
        kind: What it is: `check`, `gate kind`, `gate`, `metric`, `error`, `word`, or a part of the engagement.
        title: Its id or heading.
        says: What it means, in one or two sentences; may be empty.
        facts: Name and text, in the order to be read; a name may stand several times.
    """

    kind: str
    title: str
    says: str
    facts: tuple[tuple[str, str], ...] = ()


def to_value(sections: Sequence[Section]) -> dict[str, Any]:
    """The sections as plain JSON values."""
    return {
        "sections": [
            {
                "kind": each.kind,
                "title": each.title,
                "says": each.says,
                "facts": [{"name": name, "text": text} for name, text in each.facts],
            }
            for each in sections
        ]
    }


def to_text(sections: Sequence[Section]) -> str:
    """For a terminal, at most 100 columns wide; vendors' text cannot act on it."""
    return "\n\n".join(_text(each) for each in sections)


def _text(section: Section) -> str:
    head = f"{clean(section.title, 80)} ({section.kind})" if section.kind else clean(section.title, 80)
    lines = [head, *(_wrapped("  ", section.says) if section.says else [])]
    width = max((len(name) for name, _ in section.facts), default=0)
    for name, text in section.facts:
        lines += _wrapped(f"  {name:<{width}}  ", text)
    return "\n".join(lines)


def _wrapped(start: str, text: str) -> list[str]:
    indent = " " * len(start)
    return textwrap.wrap(
        clean(text, MOST_SIGNS), WIDTH, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False
    ) or [start.rstrip()]


def to_markdown(sections: Sequence[Section]) -> str:
    """For a wiki, a merge request or a mail."""
    parts = []
    for each in sections:
        kind = f" ({each.kind})" if each.kind else ""
        parts.append(f"## {markdown(each.title)}{kind}")
        if each.says:
            parts.append(markdown(each.says))
        if each.facts:
            parts.append(
                "\n".join(f"- **{markdown(name)}**: {markdown(text, MOST_SIGNS)}" for name, text in each.facts)
            )
    return "\n\n".join(parts)


def to_json(sections: Sequence[Section]) -> str:
    """The same as the `result` of `--json`."""
    return json.dumps(to_value(sections), indent=2)


FORMATS: dict[str, Callable[[Sequence[Section]], str]] = {"text": to_text, "markdown": to_markdown, "json": to_json}
"""Every form by its name in `--format`."""
