"""A template's change meets a repository's own: a three-way merge of each file, on git objects.

Base is what the template gave, theirs what it gives now, ours what the repository holds. Where only one side
changed, its content is taken; texts that both changed are merged as `git merge-file` does. What cannot be merged
is a conflict that is named; the repository's side stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vendorkit.adapters.git_objects import FILE, FOLDER, LINK, PROGRAM, Entry, GitObjects, Shelf, TextMerge, object_id
from vendorkit.adapters.template.blueprint import Piece
from vendorkit.fleet.rules import Rules, is_binary

ConflictStyle = Literal["markers", "aside"]
ConflictKind = Literal[
    "text", "binary", "link", "both-added", "deleted-there", "deleted-here", "in-the-way", "filtered"
]

ALIKE = 0.6
"""Least share of common lines by which a file counts as renamed; git's own default is half."""
CLEARER = 0.1
"""By how much it must be more alike than the next."""
_RULES = (".gitignore", ".gitattributes")
_MOST_CANDIDATES = 200


@dataclass(frozen=True)
class Conflict:
    """A file that could not be merged.

    Args:
        path: Relative to the repository's top.
        kind: `text`, `binary` and `link` where both sides changed it; `both-added`; `deleted-there` where the
            template took away what was edited here; `deleted-here` where it changed what was deleted here;
            `in-the-way` where a folder lies where it puts a file, or the other way; `filtered` where a program as
            git-lfs would have to run.
        base: Id of what the template gave; None where it gave nothing.
        ours: Id of what the repository holds.
        theirs: Id of what the template gives.
        says: What happened and what was kept.
    """

    path: str
    kind: ConflictKind
    base: str | None
    ours: str | None
    theirs: str | None
    says: str

    @property
    def is_text(self) -> bool:
        """Whether markers can show it; with style `markers` the tree has them."""
        return self.kind in ("text", "both-added")


@dataclass
class Merged:
    """What came out: paths relative to the repository's top.

    Args:
        changes: Path to its new entry; None deletes.
        conflicts: What could not be merged.
        renamed: Old path to new path, where a change followed a renamed file.
    """

    changes: dict[str, Entry | None] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """One side of a file: its entry, and its bytes when asked."""

    entry: Entry
    read: Callable[[], bytes]


class Merge:
    """The merge of one project.

    Args:
        objects: The repository.
        tree: Its tree.
        prefix: The project's folder with a `/` at its end; empty at the top.
        shelf: Takes new content.
        texts: Merges texts.
        style: Whether a conflict in a text leaves markers in it, or the repository's text as it is.
    """

    def __init__(
        self, objects: GitObjects, tree: str, prefix: str, shelf: Shelf, texts: TextMerge, style: ConflictStyle
    ) -> None:
        self._objects = objects
        self._tree = tree
        self._prefix = prefix
        self.shelf = shelf
        self._texts = texts
        self._style = style
        self._given: Collection[str] = ()
        self.merged = Merged()
        self.rules = Rules(self._content)

    def run(
        self,
        base: Mapping[str, Piece],
        theirs: Mapping[str, Piece],
        *,
        seeded: Callable[[str], bool],
        restored: Callable[[str], bool],
    ) -> Merged:
        """Merge every file of the template.

        Args:
            base: What the template gave, by path below the project's top; without the answers file.
            theirs: What it gives now.
            seeded: Whether a file is left alone once it is there.
            restored: Whether a file is brought back when it was deleted; then its deletion is no conflict.
        """
        self._given = base.keys() | theirs.keys()
        changed = [path for path in self._given if not _same(base.get(path), theirs.get(path))]
        ordered = sorted(changed, key=lambda path: (path.rpartition("/")[2] not in _RULES, path))
        gone = [path for path in ordered if path not in theirs]
        followed = self._renamed_there(gone, base, theirs, seeded)
        for path in ordered:
            if path in followed:
                self._follow(path, followed[path], base[path], theirs[followed[path]])
            elif path not in followed.values():
                self._one(path, base.get(path), theirs.get(path), seeded(path), restored)
        return self.merged

    def ours(self, path: str) -> Entry | None:
        """What the repository holds at a path below its top; a folder too."""
        return self._objects.entry(self._tree, path)

    def result(self, path: str) -> Entry | None:
        """What lies at a path below the repository's top after the merge."""
        return self.merged.changes[path] if path in self.merged.changes else self.ours(path)

    def side(self, path: str, piece: Piece) -> Side:
        """A file of the template as git would store it at a path below the repository's top."""
        content = piece.content()
        data = content.data
        if piece.mode != LINK and b"\r\n" in data:
            ours = self.ours(path)
            before = self._objects.read(ours.id) if ours and ours.mode in (FILE, PROGRAM) else None
            data = self.rules.stored(path, data, before)
        blob = content.blob if data is content.data else object_id("blob", data)
        return Side(Entry(piece.mode, blob), lambda: data)

    def _content(self, path: str) -> bytes | None:
        """The content of a file after the merge so far; links are not followed."""
        entry = self.result(path)
        if entry is None or entry.mode not in (FILE, PROGRAM):
            return None
        return self.content(entry)

    def content(self, entry: Entry) -> bytes:
        """What an entry of the merged tree holds."""
        held = self.shelf.objects.get(entry.id)
        return held[1] if held else self._objects.read(entry.id)

    def _one(
        self, path: str, base: Piece | None, theirs: Piece | None, seeded: bool, restored: Callable[[str], bool]
    ) -> None:
        full = self._prefix + path
        ours = self.ours(full)
        if seeded:
            if ours is None and theirs is not None and not self.rules.ignores(full):
                self.put(full, theirs)
        elif theirs is None:
            if ours is not None and base is not None and ours.mode != FOLDER:
                self._taken_away(full, self.side(full, base), ours)
        elif ours is None:
            self._not_here(path, base, theirs, restored(path))
        else:
            before = None if base is None else self.side(full, base)
            self._here(full, before, ours, self.side(full, theirs))

    def _here(self, full: str, base: Side | None, ours: Entry, theirs: Side) -> None:
        """The template has the file, and something lies here."""
        if self.rules.has_filter(full):
            self._conflict("filtered", full, base, ours, theirs)
        elif ours.mode not in (FILE, PROGRAM, LINK):
            self._conflict("in-the-way", full, base, ours, theirs)
        else:
            found = self._both(full, base, ours, theirs)
            if found != ours:
                self.merged.changes[full] = found

    def _taken_away(self, full: str, base: Side, ours: Entry) -> None:
        """The template has the file no more."""
        if ours == base.entry:
            self.merged.changes[full] = None
        else:
            self._conflict("deleted-there", full, base, ours, None)

    def _not_here(self, path: str, base: Piece | None, theirs: Piece, restored: bool) -> None:
        """The template has a file that the repository has not."""
        full = self._prefix + path
        if self.rules.ignores(full):
            return
        new = self.side(full, theirs)
        if base is None:
            blocked = self._blocked(full)
            if self.rules.has_filter(full):
                self._conflict("filtered", full, None, None, new)
            elif blocked is not None:
                self._conflict("in-the-way", full, None, blocked, new)
            else:
                self.merged.changes[full] = self.kept(new)
        elif not restored:
            before = self.side(full, base)
            moved = self._renamed_here(full, before)
            if moved is None:
                self._conflict("deleted-here", full, before, None, new)
            else:
                where, ours = moved
                self.merged.renamed[full] = where
                self.merged.changes[where] = self._both(where, before, ours, new)

    def _both(self, full: str, base: Side | None, ours: Entry, theirs: Side) -> Entry:
        """A file that is on both sides; gives what lies there after."""
        before = base.entry if base else None
        if before in (theirs.entry, ours) or ours == theirs.entry:
            return ours if before != ours else self.kept(theirs)
        if LINK in (ours.mode, theirs.entry.mode):
            self._conflict("link", full, base, ours, theirs)
            return ours
        mode = ours.mode if before is None or theirs.entry.mode == before.mode else theirs.entry.mode
        return Entry(mode, self._both_contents(full, base, ours, theirs))

    def _both_contents(self, full: str, base: Side | None, ours: Entry, theirs: Side) -> str:
        """The content of a regular file that is on both sides after, by id."""
        before = base.entry.id if base else None
        if before in (theirs.entry.id, ours.id) or ours.id == theirs.entry.id:
            return ours.id if before != ours.id else self.kept(theirs).id
        old = base.read() if base and base.entry.mode != LINK else b""
        texts = (old, self._objects.read(ours.id), theirs.read())
        if any(is_binary(text) for text in texts):
            self._conflict("binary", full, base, ours, theirs)
            return ours.id
        merged, clean = self._texts.merge(*texts)
        if clean:
            return self.shelf.blob(merged)
        self._conflict("text" if base else "both-added", full, base, ours, theirs)
        return ours.id if self._style == "aside" else self.shelf.blob(merged)

    def _renamed_there(
        self,
        gone: Iterable[str],
        base: Mapping[str, Piece],
        theirs: Mapping[str, Piece],
        seeded: Callable[[str], bool],
    ) -> dict[str, str]:
        """Files that the template renamed while they were edited here: old path to new path. Each has to be the
        likeliest for the other, whether or not somebody edited those that are likelier.
        """
        found: dict[str, str] = {}
        gone = list(gone)
        new = [path for path in theirs if path not in base and self.ours(self._prefix + path) is None]
        for path in gone:
            ours = self.ours(self._prefix + path)
            if seeded(path) or ours is None or ours.mode not in (FILE, PROGRAM):
                continue
            before = self.side(self._prefix + path, base[path])
            if ours != before.entry:
                free = (each for each in new if each not in found.values() and not seeded(each))
                match = _likeliest(before.read(), ((each, theirs[each].content().data) for each in free))
                left = ((each, base[each].content().data) for each in gone if base[each].mode != LINK)
                if match and _likeliest(theirs[match].content().data, left) == path:
                    found[path] = match
        return found

    def _follow(self, old: str, new: str, base: Piece, theirs: Piece) -> None:
        """Carry what was edited here to where the template moved the file."""
        here, there = self._prefix + old, self._prefix + new
        ours = self.ours(here)
        if ours is not None:
            self.merged.changes[there] = self._both(there, self.side(here, base), ours, self.side(there, theirs))
            self.merged.changes[here] = None
            self.merged.renamed[here] = there

    def _renamed_here(self, full: str, base: Side) -> tuple[str, Entry] | None:
        """Where the repository moved a file of the template to; None where that is not clear. Other files of the
        template are where they belong, and other projects of the repository have their own.
        """
        if base.entry.mode == LINK or not base.read().strip():
            return None
        ending = full.rpartition("/")[2].rpartition(".")[2]
        held = [
            (path, entry)
            for path, entry in self._objects.walk(self._tree)
            if entry.mode in (FILE, PROGRAM) and path.startswith(self._prefix) and path.endswith(ending)
            if path not in self.merged.changes and path.removeprefix(self._prefix) not in self._given
        ]
        same = [row for row in held if row[1].id == base.entry.id]
        if same:
            return same[0] if len(same) == 1 else None
        size = len(base.read())
        near = [row for row in held if size / 2 <= self._objects.size(row[1].id) <= size * 2][:_MOST_CANDIDATES]
        entries = dict(near)
        match = _likeliest(base.read(), ((path, self._objects.read(entry.id)) for path, entry in near))
        return (match, entries[match]) if match else None

    def in_the_way(self, full: str, wanted: Side) -> bool:
        """Whether something of another kind lies where a file of the template has to go: a folder or submodule there,
        or a file above it. Then that is named as a conflict.
        """
        there = self.result(full)
        if there is None:
            there = self._blocked(full)
        elif there.mode in (FILE, PROGRAM, LINK):
            there = None
        if there is not None:
            self._conflict("in-the-way", full, None, there, wanted)
        return there is not None

    def _blocked(self, full: str) -> Entry | None:
        """The file that lies where a path needs a folder."""
        parts = full.split("/")
        above = (self.result("/".join(parts[:depth])) for depth in range(1, len(parts)))
        return next((entry for entry in above if entry is not None and entry.mode != FOLDER), None)

    def put(self, full: str, piece: Piece) -> None:
        """Take the template's file as it is."""
        self.merged.changes[full] = self.kept(self.side(full, piece))

    def kept(self, side: Side) -> Entry:
        """The side's entry, its content on the shelf."""
        return Entry(side.entry.mode, self.shelf.blob(side.read()))

    def _conflict(
        self, kind: ConflictKind, full: str, base: Side | None, ours: Entry | None, theirs: Side | None
    ) -> None:
        """Name a conflict; what the template gave and gives can be looked at in the repository afterwards."""
        ids = [self.kept(side).id if side else None for side in (base, theirs)]
        says = _SAYS[kind].format(path=full)
        self.merged.conflicts.append(Conflict(full, kind, ids[0], ours.id if ours else None, ids[1], says))


_SAYS: dict[ConflictKind, str] = {
    "text": "{path} was changed on the same lines here and in the template.",
    "binary": "{path} is binary and was changed here and in the template; yours was kept.",
    "link": "{path} is a link on one side and was changed on both; yours was kept.",
    "both-added": "{path} was added here and in the template, with different content.",
    "deleted-there": "{path} was edited here and the template deleted it; yours was kept.",
    "deleted-here": "{path} was deleted here and the template changed it; it stays deleted.",
    "in-the-way": "{path} cannot be written: something of another kind lies there; yours was kept.",
    "filtered": "{path} goes through a filter (as that of git-lfs), which is not run here; yours was kept.",
}


def _same(base: Piece | None, theirs: Piece | None) -> bool:
    """Whether the template gives what it gave, as far as can be told without rendering."""
    return base is not None and theirs is not None and base.key is not None and _told(base) == _told(theirs)


def _told(piece: Piece) -> tuple[object, int]:
    return piece.key, piece.mode


def _likeliest(text: bytes, others: Iterable[tuple[str, bytes]]) -> str | None:
    """The one that is clearly most like a text; None where none or several are."""
    ranked = sorted(((alike(text, other), path) for path, other in others), reverse=True)
    if not ranked or ranked[0][0] < ALIKE:
        return None
    return ranked[0][1] if len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= CLEARER else None


def alike(one: bytes, other: bytes) -> float:
    """The share of bytes that lie in lines which both texts have, 0 to 1."""
    if one == other:
        return 1.0
    lines, others = Counter(one.splitlines(keepends=True)), Counter(other.splitlines(keepends=True))
    both = sum(len(line) * count for line, count in (lines & others).items())
    return both / max(len(one), len(other), 1)
