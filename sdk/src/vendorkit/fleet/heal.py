"""Files that belong to the template alone: which they are, how one differs from it, what brings it back.

A file is weakened when lines that the template gives are missing or changed in it; lines that were only added are
an edit, which the checks report. A waiver of MAN-04 that holds is an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from pathspec import GitIgnoreSpec

from vendorkit.adapters.git_objects import FILE, LINK, PROGRAM, Entry
from vendorkit.adapters.template.blueprint import Piece
from vendorkit.errors import BadInput
from vendorkit.fleet.merge import Merge, Side
from vendorkit.records.manifest import Waiver, examine
from vendorkit.standards.waivers import covering, holding

Change = Literal["edited", "weakened", "deleted", "replaced"]

CHECK = "MAN-04"
"""The check that managed files are as the template gives them."""

MANIFEST = "engagement.yaml"
OWN_QUESTION = "engagement_id"
"""A template that asks this is one of vendorkit: all of its files that are not seeded are managed."""


@dataclass(frozen=True)
class Managed:
    """Which files of a project belong to its template alone.

    Args:
        belongs: Whether a path below the project's top does.
        waived: Whether a waiver that holds excuses it.
    """

    belongs: Callable[[str], bool]
    waived: Callable[[str], bool]

    @classmethod
    def of(
        cls,
        questions: Sequence[str],
        seeded: Callable[[str], bool],
        patterns: Sequence[str] | None,
        manifest: bytes | None,
        as_of: date,
    ) -> Managed:
        """What a template, the platform and the engagement's waivers say.

        Args:
            questions: What the template asks.
            seeded: Whether a file belongs to the repository once it is there.
            patterns: What the platform says is managed, as lines of a `.gitignore`; None leaves it to the template.
            manifest: The bytes of the project's `engagement.yaml`; None where there is none.
            as_of: The date that waivers are judged by.
        """
        own = OWN_QUESTION in questions
        spec = None if patterns is None else GitIgnoreSpec.from_lines(patterns)

        def belongs(path: str) -> bool:
            return not seeded(path) and (own if spec is None else bool(spec.match_file(path)))

        return cls(belongs, waived_paths(manifest, as_of))

    def restores(self, path: str) -> bool:
        """Whether the file is brought back when it was deleted or weakened."""
        return self.belongs(path) and not self.waived(path)


@dataclass(frozen=True)
class Difference:
    """A managed file that is not as the template gives it; `path` is relative to the repository's top."""

    path: str
    change: Change
    waived: bool
    wanted: Side


def differing(merge: Merge, folder: str, pieces: Mapping[str, Piece], managed: Managed) -> Iterator[Difference]:
    """The managed files that differ after a merge; files that git ignores or filters are left out.

    Args:
        merge: The merge; one that was not run looks at the repository as it is.
        folder: The project's folder, with a `/` at its end.
        pieces: What the template gives, by path below the project's top.
        managed: Which files are managed.
    """
    for path in sorted(filter(managed.belongs, pieces)):
        full = folder + path
        held = merge.result(full)
        wanted = merge.side(full, pieces[path])
        if held == wanted.entry or merge.rules.has_filter(full) or (held is None and merge.rules.ignores(full)):
            continue
        yield Difference(full, _change(merge, held, wanted), managed.waived(path), wanted)


def _change(merge: Merge, held: Entry | None, wanted: Side) -> Change:
    if held is None:
        return "deleted"
    regular = (FILE, PROGRAM)
    if (held.mode in regular) != (wanted.entry.mode in regular) or held.mode not in (*regular, LINK):
        return "replaced"
    if held.mode != wanted.entry.mode:
        return "weakened"
    return change_of(merge.content(held), wanted.read())


def change_of(held: bytes, wanted: bytes) -> Literal["edited", "weakened"]:
    """How the text of a managed file differs from what the template gives."""
    missing = Counter(wanted.splitlines()) - Counter(held.splitlines())
    return "weakened" if missing else "edited"


def waived_paths(manifest: bytes | None, as_of: date) -> Callable[[str], bool]:
    """Whether a waiver that holds excuses a managed file from being as the template gives it.

    Args:
        manifest: The bytes of `engagement.yaml`; None where there is none.
        as_of: The date that waivers are judged by.
    """

    @cache
    def waivers() -> tuple[Waiver, ...]:
        try:
            return holding(examine(manifest or b"", MANIFEST).manifest, as_of)
        except BadInput:
            return ()

    named = manifest is not None and CHECK.encode() in manifest
    return lambda path: named and covering(waivers(), CHECK, path) is not None
