"""Git objects without a working tree, through libgit2; history and branches of repositories are read in `commits`.

Reading and writing here runs no program: no hook, no filter, no file watcher. Trees to be are kept in memory until
they are stored. What a change means for a fleet is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ObjectType, RepositoryOpenFlag
from pygit2.ffi import C, ffi

from vendorkit.errors import BadInput, Fault, Refused, Unavailable

FILE, PROGRAM, LINK, SUBMODULE, FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000
"""Modes of entries of a tree."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

MOST_FILES = 1_000_000
"""Files of one commit that are looked at."""

LABELS = ("last update", "before updating", "after updating")
"""What conflict markers call base, ours and theirs; the words of `copier update`."""

_SIMPLIFY_ALNUM = 4  # join conflicts that no letter or digit parts, as `git merge-file` does


@dataclass(frozen=True)
class Entry:
    """An entry of a tree.

    Args:
        mode: FILE, PROGRAM, LINK, SUBMODULE or FOLDER.
        id: Id of what it holds.
    """

    mode: int
    id: str


@dataclass(frozen=True)
class Signature:
    """Who commits; `at` is seconds since 1970, None means now."""

    name: str
    email: str
    at: int | None = None


@dataclass
class Shelf:
    """Objects that are not in a repository yet, by id; equal content stands there once."""

    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def blob(self, data: bytes) -> str:
        """Put the content of a file here; gives its id."""
        return self._put("blob", data)

    def tree(self, entries: Mapping[bytes, Entry]) -> str:
        """Put a folder here; gives its id."""
        rows = sorted(entries.items(), key=lambda row: row[0] + b"/" if row[1].mode == FOLDER else row[0])
        return self._put("tree", b"".join(b"%o %s\0" % (e.mode, name) + bytes.fromhex(e.id) for name, e in rows))

    def _put(self, kind: str, data: bytes) -> str:
        name = object_id(kind, data)
        self.objects[name] = (kind, data)
        return name


def object_id(kind: str, data: bytes) -> str:
    """The id that git gives to content of a kind (`blob`, `tree`)."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


class GitObjects:
    """The objects and branches of one repository.

    Args:
        path: Its top folder, or its bare folder. Folders above are not searched.

    Raises:
        BadInput: There is no repository.
        Unavailable: It cannot be read, or belongs to another user.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._repository = pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH)
        except pygit2.GitError as error:
            if "not owned" in str(error):
                raise Unavailable(f"{path} belongs to another user; git would not read it either.") from error
            raise BadInput(f"{path} is no git repository: {error}") from error
        self.path = path
        self._trees: dict[str, dict[bytes, Entry]] = {}
        self._lent: dict[str, bytes] = {}

    def commit_of(self, name: str) -> str | None:
        """The full commit that a full reference name (`refs/tags/v1`), `HEAD` or a commit id (4 to 40 hex digits)
        means; None where there is no such.
        """
        try:
            if name == "HEAD" or name.startswith("refs/"):
                found = self._repository.lookup_reference(name).resolve().target
            else:
                found = name
            return str(self._repository[found].peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def head_branch(self) -> str:
        """The full name of the branch that HEAD names; `HEAD` itself where it is detached."""
        target = self._repository.lookup_reference("HEAD").target
        return target if isinstance(target, str) else "HEAD"

    def references(self, prefix: str) -> dict[str, str]:
        """Reference name to the commit that it means, for the names that begin with a prefix."""
        names = [name for name in self._repository.references if name.startswith(prefix)]
        return {name: commit for name in names if (commit := self.commit_of(name))}

    def tree_of(self, commit: str) -> str:
        """The id of a commit's tree.

        Raises:
            Unavailable: The commit is not here.
        """
        return str(self._object(commit).peel(pygit2.Tree).id)

    def parents(self, commit: str) -> tuple[str, ...]:
        """The ids of a commit's parents."""
        return tuple(str(parent) for parent in self._object(commit).peel(pygit2.Commit).parent_ids)

    def subjects(self, older: str, newer: str) -> list[str]:
        """First lines of the messages of commits that `newer` has and `older` has not, the newest first."""
        walker = self._repository.walk(newer)
        walker.hide(older)
        return [commit.message.partition("\n")[0] for commit in walker]

    def lend(self, objects: Mapping[str, tuple[str, bytes]]) -> None:
        """Let objects of a shelf be read as if they were in the repository."""
        for name, (kind, data) in objects.items():
            if kind == "tree":
                self._trees[name] = _parse_tree(data)
            else:
                self._lent[name] = data

    def entries(self, tree: str) -> Mapping[bytes, Entry]:
        """What a folder holds, by name."""
        known = self._trees.get(tree)
        if known is None:
            found = self._object(tree) if tree != EMPTY_TREE else ()
            known = self._trees[tree] = {row.raw_name: Entry(row.filemode, str(row.id)) for row in found}
        return known

    def entry(self, tree: str, path: str) -> Entry | None:
        """What lies at a path below a tree; a folder too. None where nothing lies."""
        found = Entry(FOLDER, tree)
        for name in _parts(path):
            if found.mode != FOLDER:
                return None
            inner = self.entries(found.id).get(name)
            if inner is None:
                return None
            found = inner
        return found

    def walk(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every file, link and submodule below a tree, with its path.

        Raises:
            Refused: There are more than MOST_FILES: a few objects can name each other so that there is no end.
        """
        count = 0
        waiting = [(prefix, Entry(FOLDER, tree))]
        while waiting:  # no recursion: somebody may have nested thousands of folders
            path, entry = waiting.pop()
            if entry.mode == FOLDER:
                start = f"{path}/" if path != prefix else path
                inner = reversed(list(self.entries(entry.id).items()))
                waiting += [(start + name.decode("utf-8", "surrogateescape"), each) for name, each in inner]
                continue
            count += 1
            if count > MOST_FILES:
                raise Refused(f"{self.path} holds more than {MOST_FILES:,} files.")
            yield path, entry

    def differences(
        self, before: str | None, after: str | None, prefix: str = ""
    ) -> Iterator[tuple[str, Entry | None]]:
        """Path to its entry after, for every file that differs between two trees; None where it is there no more."""
        old, new = (self.entries(tree) if tree else {} for tree in (before, after))
        for name in {**old, **new} if before != after else ():
            first, second = old.get(name), new.get(name)
            if first == second:
                continue
            path = prefix + name.decode("utf-8", "surrogateescape")
            folders = [each.id if each and each.mode == FOLDER else None for each in (first, second)]
            if first is not None and first.mode != FOLDER and (second is None or second.mode == FOLDER):
                yield path, None
            if any(folders):
                yield from self.differences(folders[0], folders[1], f"{path}/")
            if second is not None and second.mode != FOLDER:
                yield path, second

    def read(self, blob: str) -> bytes:
        """The content of a file.

        Raises:
            Unavailable: It is not here, as in a partial clone.
        """
        return self._lent[blob] if blob in self._lent else bytes(self._object(blob).data)

    def size(self, blob: str) -> int:
        """The size of a file in bytes."""
        return len(self._lent[blob]) if blob in self._lent else int(self._object(blob).size)

    def changed_tree(self, tree: str, changes: Mapping[str, Entry | None], shelf: Shelf) -> str:
        """The tree after changes; new folders go to the shelf.

        Args:
            tree: The tree before.
            changes: Path to its new entry; None takes it away. Folders that end empty go.
            shelf: Takes the new folders.
        """
        parted = {_parts(path): entry for path, entry in changes.items()}
        return self._changed(tree, parted, shelf) or shelf.tree({})

    def _changed(self, tree: str | None, changes: Mapping[tuple[bytes, ...], Entry | None], shelf: Shelf) -> str | None:
        entries = dict(self.entries(tree)) if tree else {}
        inner: dict[bytes, dict[tuple[bytes, ...], Entry | None]] = {}
        for path, entry in changes.items():
            if len(path) > 1:
                inner.setdefault(path[0], {})[path[1:]] = entry
            elif entry is None:
                entries.pop(path[0], None)
            else:
                entries[path[0]] = entry
        for name, below in inner.items():
            before = entries.get(name)
            folder = before.id if before and before.mode == FOLDER else None
            after = self._changed(folder, below, shelf)
            if after is not None:
                entries[name] = Entry(FOLDER, after)
            elif folder is not None:
                del entries[name]
        return shelf.tree(entries) if entries else None

    def store(self, objects: Mapping[str, tuple[str, bytes]]) -> None:
        """Write objects into the repository; those that it has already cost little.

        Raises:
            Unavailable: It cannot be written.
        """
        kinds = {"blob": ObjectType.BLOB, "tree": ObjectType.TREE}
        try:
            for kind, data in objects.values():
                self._repository.odb.write(kinds[kind], data)
        except (OSError, pygit2.GitError) as error:
            raise Unavailable(f"{self.path} cannot be written: {error}") from error

    def write_commit(self, tree: str, parents: list[str], author: Signature, message: str) -> str:
        """Write a commit that no branch names yet; gives its id.

        Raises:
            Unavailable: It cannot be written.
        """
        try:
            if author.at is None:
                who = pygit2.Signature(author.name, author.email)
            else:
                who = pygit2.Signature(author.name, author.email, author.at, 0)
            return str(self._repository.create_commit(None, who, who, message, tree, parents))
        except (OSError, ValueError, pygit2.GitError) as error:
            raise Unavailable(f"{self.path} cannot take a commit: {error}") from error

    def move_branch(self, branch: str, to: str, before: str | None) -> None:
        """Let a branch name a commit, if it still names what it did.

        Args:
            branch: Its short name.
            to: The commit.
            before: The commit that it named; None means that there is no such branch.

        Raises:
            BadInput: No branch can be called that.
            Refused: It names another commit by now, or is checked out.
        """
        name = f"refs/heads/{branch}"
        if not pygit2.reference_is_valid_name(name):
            raise BadInput("No branch can be called that.", [Fault(branch, "is no name of a branch.")])
        if not self._repository.is_bare and self.head_branch() == name:
            raise Refused(f"Branch {branch} is checked out in {self.path}.", fix="Switch to another branch.")
        try:
            if before is None:
                self._repository.references.create(name, to, force=False)
            elif self.commit_of(name) == to:
                return
            else:
                reference = self._repository.lookup_reference(name)
                if str(reference.target) != before:
                    raise Refused(f"Branch {branch} of {self.path} moved on to {reference.target}.")
                reference.set_target(to)
        except (KeyError, pygit2.GitError, ValueError) as error:
            raise Refused(f"Branch {branch} of {self.path} changed meanwhile: {error}") from error

    def keep(self, name: str, commit: str) -> None:
        """Let a reference of our own name a commit, so that it stays."""
        if self.commit_of(name) != commit:
            self._repository.references.create(name, commit, force=True)

    def _object(self, name: str) -> Any:
        try:
            return self._repository[name]
        except (KeyError, ValueError, pygit2.GitError) as error:
            fix = "Fetch it; a shallow or partial clone does not hold everything."
            raise Unavailable(f"{self.path} does not hold object {name}.", fix=fix) from error


def _parse_tree(data: bytes) -> dict[bytes, Entry]:
    """The entries of a tree as git writes it: mode, name and the 20 bytes of the id."""
    found, at = {}, 0
    while at < len(data):
        space, end = data.index(b" ", at), data.index(b"\0", at)
        found[data[space + 1 : end]] = Entry(int(data[at:space], 8), data[end + 1 : end + 21].hex())
        at = end + 21
    return found


def safe_path(path: str) -> bool:
    """Whether a path stays below its folder and out of git's own files, on any system."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or part.casefold().rstrip(". ") == ".git" for part in parts)


def _parts(path: str) -> tuple[bytes, ...]:
    return tuple(path.encode("utf-8", "surrogateescape").split(b"/"))


class _Memory(pygit2.OdbBackend):  # type: ignore[misc]
    """An object store that holds what is being merged, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.blobs: dict[str, bytes] = {}

    def read_cb(self, oid: Any) -> tuple[int, bytes]:
        """libgit2 asks for content by this name."""
        return ObjectType.BLOB, self.blobs[str(oid)]


class TextMerge:
    """Merges texts as `git merge-file` does, in memory. One object serves one thread."""

    def __init__(self) -> None:
        self._memory = _Memory()
        store = pygit2.Odb()
        store.add_backend(self._memory, 1)
        self._repository = pygit2.Repository()
        self._repository.set_odb(store)

    def merge(self, base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bool]:
        """The merged text, with conflict markers where both changed the same lines; and whether there are none."""
        kept = []
        entries = []
        self._memory.blobs = {object_id("blob", data): data for data in (base, ours, theirs)}
        for name in (object_id("blob", data) for data in (base, ours, theirs)):
            entry = ffi.new("git_index_entry *")
            kept.append(ffi.new("char[]", b"text"))
            entry.path, entry.mode = kept[-1], FILE
            ffi.buffer(ffi.addressof(entry, "id"))[:] = bytes.fromhex(name)
            entries.append(entry)
        options = ffi.new("git_merge_file_options *")
        labels = [ffi.new("char[]", label.encode()) for label in LABELS]
        options.version, options.flags, options.marker_size = 1, _SIMPLIFY_ALNUM, 7
        options.ancestor_label, options.our_label, options.their_label = labels
        result = ffi.new("git_merge_file_result *")
        if C.git_merge_file_from_index(result, self._repository._repo, *entries, options) != 0:
            raise Unavailable("libgit2 could not merge a text.")
        merged, clean = bytes(ffi.buffer(result.ptr, result.len)), bool(result.automergeable)
        C.git_merge_file_result_free(result)
        return _labelled(merged, ours, theirs), clean


def _labelled(merged: bytes, ours: bytes, theirs: bytes) -> bytes:
    """With the label of an empty side, which libgit2 leaves out; then all of the text is one conflict."""
    if not ours:
        merged = re.sub(rb"\A<{7}(?=\r?\n)", b"<<<<<<< " + LABELS[1].encode(), merged)
    if not theirs:
        merged = re.sub(rb">{7}(?=\r?\n\Z)", b">>>>>>> " + LABELS[2].encode(), merged)
    return merged
