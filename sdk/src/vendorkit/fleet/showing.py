"""Differences as unified diffs, for people; nothing is ever applied from this text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from vendorkit.adapters.git_objects import FOLDER, LINK, SUBMODULE, Entry, GitObjects
from vendorkit.fleet.rules import is_binary
from vendorkit.fleet.update import Plan

MOST_BYTES = 400_000
"""Longer files are named and not shown."""


class Shown(NamedTuple):
    """A file as a diff shows it: its mode and its bytes."""

    mode: int
    data: bytes


def diff_of(planned: Plan) -> str:
    """The difference between the commit that a plan is made on and what it would leave."""
    objects = GitObjects(planned.where)
    objects.lend(planned.objects)
    before = objects.tree_of(planned.base_commit)
    lines: list[str] = []
    for path in sorted({*planned.changed, *planned.deleted, *planned.healed}):
        sides = (shown(objects, objects.entry(tree, path)) for tree in (before, planned.final_tree))
        lines += diff_lines(path, *sides)
    return "".join(lines)


def diff_lines(path: str, old: Shown | None, new: Shown | None) -> Iterator[str]:
    """The lines of a unified diff of one file; None where it is not there."""
    if old == new:
        return
    names = [f"{side}/{path}" if shown else "/dev/null" for side, shown in (("a", old), ("b", new))]
    yield f"diff --git a/{path} b/{path}\n"
    if old is None and new is not None:
        yield f"new file mode {new.mode:o}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {old.mode:o}\n"
    elif old and new and old.mode != new.mode:
        yield f"old mode {old.mode:o}\nnew mode {new.mode:o}\n"
    texts = [shown.data if shown else b"" for shown in (old, new)]
    if any(is_binary(text) or len(text) > MOST_BYTES for text in texts):
        yield f"Binary or long files {names[0]} and {names[1]} differ\n"
        return
    first, second = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in texts)
    for line in difflib.unified_diff(first, second, names[0], names[1]):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def shown(objects: GitObjects, entry: Entry | None) -> Shown | None:
    """What is shown of an entry; None where there is none."""
    if entry is None:
        return None
    if entry.mode == FOLDER:
        return Shown(entry.mode, b"")
    if entry.mode == SUBMODULE:
        return Shown(entry.mode, f"Subproject commit {entry.id}\n".encode())
    data = objects.read(entry.id)
    return Shown(entry.mode, data + b"\n" if entry.mode == LINK and not data.endswith(b"\n") else data)
