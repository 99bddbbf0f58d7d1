"""What a plan would change, as a unified diff; it is never applied from this text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from vendorkit.adapters.git_objects import FOLDER, LINK, SUBMODULE, Entry, GitObjects
from vendorkit.fleet.rules import is_binary
from vendorkit.fleet.update import Plan

MOST_BYTES = 400_000
"""Longer files are named and not shown."""


def diff_of(planned: Plan) -> str:
    """The difference between the commit that a plan is made on and what it would leave."""
    objects = GitObjects(planned.where)
    objects.lend(planned.objects)
    before = objects.tree_of(planned.base_commit)
    paths = sorted({*planned.changed, *planned.deleted, *planned.healed})
    return "".join(line for path in paths for line in _file(objects, planned, before, path))


def _file(objects: GitObjects, planned: Plan, before: str, path: str) -> Iterator[str]:
    old, new = objects.entry(before, path), objects.entry(planned.final_tree, path)
    if old == new:
        return
    texts = [_content(objects, entry) for entry in (old, new)]
    names = [f"{side}/{path}" if entry else "/dev/null" for side, entry in (("a", old), ("b", new))]
    yield f"diff --git a/{path} b/{path}\n"
    if old is None and new is not None:
        yield f"new file mode {new.mode:o}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {old.mode:o}\n"
    elif old and new and old.mode != new.mode:
        yield f"old mode {old.mode:o}\nnew mode {new.mode:o}\n"
    if any(is_binary(text) or len(text) > MOST_BYTES for text in texts):
        yield f"Binary or long files {names[0]} and {names[1]} differ\n"
        return
    first, second = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in texts)
    for line in difflib.unified_diff(first, second, names[0], names[1]):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _content(objects: GitObjects, entry: Entry | None) -> bytes:
    if entry is None or entry.mode == FOLDER:
        return b""
    if entry.mode == SUBMODULE:
        return f"Subproject commit {entry.id}\n".encode()
    data = objects.read(entry.id)
    return data + b"\n" if entry.mode == LINK and not data.endswith(b"\n") else data
