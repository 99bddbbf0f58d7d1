"""The words that people write for documents: Markdown in sections, and what in it is still a stub.

Which sections there must be is in `document_format`. Rendering lives in `documents`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from vendorkit.errors import BadInput, Fault

MAX_BYTES = 200_000
"""Longest file of words that is read."""

_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}## +(.+?)(?: +#+)? *")
_REMARK = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_STUB = re.compile(r"(?i:^\W*say here\b|\blorem ipsum\b)|\b(?:TODO|TBD|FIXME|XXX)\b|^\W*(?:\.\.\.|…)\W*$")


@dataclass(frozen=True)
class Section:
    """One section.

    Args:
        heading: The words behind `##`.
        text: What stands below it, without HTML remarks and outer white space.
        line: Line of the heading, counted from 1.
        begins: Line on which the text begins.
        stubs: Lines that are placeholders still.
    """

    heading: str
    text: str
    line: int
    begins: int
    stubs: tuple[int, ...]


@dataclass(frozen=True)
class Prose:
    """A file of words, in sections.

    Args:
        where: The file it comes from.
        sections: In their order; what stands before the first is not part of any document.
    """

    where: str
    sections: tuple[Section, ...]

    def section(self, heading: str) -> Section | None:
        """The section with this heading, in any case of letters."""
        wanted = heading.casefold()
        return next((section for section in self.sections if section.heading.casefold() == wanted), None)

    def text(self, heading: str) -> str:
        """The words of a section; empty where there is none."""
        found = self.section(heading)
        return found.text if found else ""

    @property
    def words(self) -> str:
        """All words without layout: equal where nobody wrote anything anew."""
        return " ".join(f"{section.heading} {section.text}" for section in self.sections).casefold()


def read_prose(data: bytes, where: str) -> Prose:
    """Read a file of words.

    Args:
        data: UTF-8 Markdown; each `##` heading outside of code begins a section.
        where: The file it comes from, for messages.

    Raises:
        BadInput: Not UTF-8, or longer than 200 kB.
    """
    if len(data) > MAX_BYTES:
        says = f"is {len(data):,} bytes long; at most {MAX_BYTES:,} are read."
        raise BadInput(f"{where} is too long.", [Fault(where, says, "Shorten it.")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = Fault(where, f"byte {error.start} is not UTF-8.", "Save it as UTF-8 text.")
        raise BadInput(f"{where} is not text.", [fault]) from error
    # Remarks go, but not the lines they stand on: places stay right.
    lines = _REMARK.sub(lambda found: "\n" * found[0].count("\n"), text).splitlines()
    return Prose(where, tuple(_sections(lines)))


def _sections(lines: list[str]) -> Iterator[Section]:
    marks = [*_headings(lines), (len(lines), "")]
    for (start, heading), (end, _) in pairwise(marks):
        below = list(enumerate(lines[start + 1 : end], start + 2))
        stubs = tuple(number for number, line in below if _STUB.search(line))
        begins = next((number for number, line in below if line.strip()), start + 1)
        yield Section(heading, "\n".join(line for _, line in below).strip(), start + 1, begins, stubs)


def _headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = ""
        elif not fence and (found := _HEADING.fullmatch(line)):
            yield number, found[1]
