"""Commits and branches of a git repository, through libgit2: read and pointed to without a work tree.

Opening a repository runs nothing of it: no hook, no filter, no file watcher. What to write into a commit is decided
elsewhere; other hosts are reached by `remotes`.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType, SortMode

from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.records.seen_file import SeenFile

USUAL = ("main", "master", "trunk", "develop")
"""Names of default branches, tried where HEAD does not tell."""

STALE_S = 2.0
"""A lock of a branch that is older belongs to nobody: setting a branch takes milliseconds."""

OURS = "vendorkit/"
"""What branches of updates begin with; they are never a default branch."""


@dataclass(frozen=True)
class Tip:
    """Where a repository stands.

    Args:
        branch: Its default branch; empty where HEAD is on none.
        commit: The commit there; empty where there is none yet.
    """

    branch: str
    commit: str


@dataclass(frozen=True)
class Commit:
    """A commit, as its author wrote it.

    Args:
        id: Full commit id.
        tree: Full id of its tree.
        parents: Full ids.
        message: All of it.
        author: Name and e-mail address of the author.
        committer: Name and e-mail address of the committer.
        at: When it was committed, UTC.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: str
    committer: str
    at: str

    def trailer(self, key: str) -> str:
        """The value of the last `KEY: value` line in the last paragraph of the message; empty where there is none."""
        found = re.findall(rf"^{re.escape(key)}: *(.*)$", self.message.rstrip().split("\n\n")[-1], re.MULTILINE)
        return str(found[-1]).strip() if found else ""


def make_bare(path: Path) -> None:
    """Make an empty bare repository, unless there is one.

    Raises:
        Unavailable: The disk refuses.
    """
    with _told(path):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".new-", dir=path.parent))
            pygit2.init_repository(str(aside), bare=True, template_path="")
            with suppress(FileExistsError):
                aside.rename(path)


def top_of(path: Path) -> Path | None:
    """The top of the repository that a folder lies in: of a bare one, itself; None outside of one."""
    with _told(path):
        found = pygit2.discover_repository(str(path))
        if found is None:
            return None
        repository = pygit2.Repository(found)
        return Path(repository.workdir or repository.path).resolve()


class Commits:
    """An opened repository.

    Args:
        path: Its work tree or its bare folder.

    Raises:
        BadInput: There is no repository.
        Unavailable: It cannot be read, for instance because it belongs to another user.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_dir():
            raise BadInput("There is no such folder.", [Fault(str(path), "is not there.")])
        with _told(path):
            try:
                self._repository = pygit2.Repository(str(path))
            except pygit2.GitError as error:
                if "not found" in str(error):
                    raise BadInput("This is no git repository.", [Fault(str(path), "has no commits.")]) from error
                raise

    @property
    def folder(self) -> Path:
        """Its git folder; of a further work tree, the one that it shares."""
        common = Path(self._repository.path, "commondir")
        own = Path(self._repository.path)
        return (own / common.read_text("utf-8").strip()).resolve() if common.is_file() else own

    def tip(self, branch: str | None = None) -> Tip:
        """The default branch and its commit.

        HEAD tells, unless it is on a branch of ours or on none: then a branch of a usual name, or the only one.

        Args:
            branch: This one instead.
        """
        with _told(self.path):
            names = [branch] if branch else self._candidates()
            for name in names:
                found = self.branch(name)
                if found:
                    return Tip(name, found)
            if branch is None and self._repository.head_is_detached:
                return Tip("", str(self._repository.head.target))
            return Tip(names[0] if names else "", "")

    def _candidates(self) -> list[str]:
        """Names of branches that may be the default one, the likeliest first."""
        named = self._repository.lookup_reference("HEAD").raw_target
        head = named.decode(errors="replace") if isinstance(named, bytes) else str(named)
        head = head.removeprefix("refs/heads/") if head.startswith("refs/heads/") else ""
        if head and not head.startswith(OURS):
            return [head]
        others = [name for name in self._repository.branches.local if not name.startswith(OURS)]
        return [*(name for name in USUAL if name in others), *(others if len(others) == 1 else [])]

    def branch(self, name: str) -> str:
        """The commit of a branch; empty where there is none."""
        return self.reference(f"refs/heads/{name}")

    def branches(self, prefix: str) -> dict[str, str]:
        """Branches whose names begin so, to their commits."""
        with _told(self.path):
            names = self._repository.listall_references()
            heads = [name.removeprefix("refs/heads/") for name in names if name.startswith(f"refs/heads/{prefix}")]
            return {name: self.branch(name) for name in heads}

    def reference(self, name: str) -> str:
        """The commit that a reference means; empty where there is none."""
        with _told(self.path):
            try:
                return str(self._repository.references[name].peel(pygit2.Commit).id)
            except (KeyError, ValueError, pygit2.InvalidSpecError):
                return ""

    def origin(self) -> str:
        """The address that `origin` is fetched from; empty where there is none."""
        with _told(self.path):
            try:
                return str(self._repository.remotes["origin"].url or "")
            except KeyError:
                return ""

    def is_checked_out(self, branch: str) -> bool:
        """Whether a work tree shows this branch."""
        with _told(self.path):
            found = self._repository.branches.local.get(branch)
            return found is not None and found.is_checked_out()

    def read(self, commit: str, path: str, *, limit: int = 16_000_000) -> SeenFile:
        """What lies at a path of a commit; links are not followed.

        Args:
            commit: Full commit id.
            path: Relative path with forward slashes.
            limit: Largest size in bytes that is read.
        """
        with _told(self.path):
            place: pygit2.Object = self._commit(commit).tree
            for part in posixpath.normpath(path).split("/"):
                if not isinstance(place, pygit2.Tree) or part not in place:
                    return SeenFile("missing")
                place = place[part]
                if place.filemode == FileMode.LINK:
                    return SeenFile("link")
            if not isinstance(place, pygit2.Blob):
                return SeenFile("other")
            return SeenFile("file", place.data) if place.size <= limit else SeenFile("too-large")

    def folders_with(self, commit: str, name: re.Pattern[str], *, deepest: int = 6) -> Iterator[tuple[str, str]]:
        """Folder and name of every file whose name matches, hidden folders left out; the top is the empty folder."""
        waiting = [("", self._commit(commit).tree)]
        while waiting:
            folder, tree = waiting.pop()
            for entry in tree:
                path = f"{folder}/{entry.name}" if folder else str(entry.name)
                if entry.type == ObjectType.BLOB and name.fullmatch(str(entry.name)):
                    yield folder, str(entry.name)
                elif entry.type == ObjectType.TREE and entry.name[:1] != "." and path.count("/") < deepest:
                    waiting.append((path, self._repository[entry.id]))

    def commit(self, commit: str) -> Commit:
        """A commit by its full id."""
        with _told(self.path):
            return _told_of(self._commit(commit))

    def first(self, commit: str) -> Commit:
        """The oldest commit that a line of first parents leads back to; in a shallow repository the oldest there is."""
        with _told(self.path):
            found = self._commit(commit)
            while found.parent_ids and found.parent_ids[0] in self._repository:
                found = self._commit(str(found.parent_ids[0]))
            return _told_of(found)

    def only_on(self, commit: str, base: str, most: int = 50) -> list[Commit]:
        """Commits that a branch has and its base has not, the newest first, at most so many."""
        with _told(self.path):
            walk = self._repository.walk(commit, SortMode.TOPOLOGICAL)
            walk.hide(base)
            return [_told_of(found) for found, _ in zip(walk, range(most), strict=False)]

    def holds(self, commit: str, ancestor: str) -> bool:
        """Whether a commit is another one or comes after it."""
        with _told(self.path):
            return commit == ancestor or bool(self._repository.descendant_of(commit, ancestor))

    def brought_by(self, tip: str, commit: str, most: int = 20_000) -> Commit | None:
        """The commit on the first-parent line of a tip that brought another one in: a merge, or that one itself.

        None where the tip does not hold it, or came from it more than `most` commits ago.
        """
        with _told(self.path):
            line, place = list[str](), tip
            while place and len(line) < most and place in self._repository:
                line.append(place)
                place = next((str(parent) for parent in self._commit(place).parent_ids), "")
            with_it, without = -1, len(line)
            while without - with_it > 1:
                middle = (with_it + without) // 2
                with_it, without = (middle, without) if self.holds(line[middle], commit) else (with_it, middle)
            is_known = with_it >= 0 and (without < len(line) or not place)
            return self.commit(line[with_it]) if is_known else None

    def knows(self, commit: str) -> bool:
        """Whether the repository has this commit."""
        with _told(self.path):
            return commit in self._repository

    def changes_of(self, commit: str, path: str, most: int | None = None) -> Iterator[Commit]:
        """Commits in the history of one at which a file became another, the newest first. Merges that only bring it
        in are left out.

        Args:
            commit: Full commit id.
            path: The file.
            most: How many commits are looked at; None looks at all.
        """
        with _told(self.path):
            for found in islice(self._repository.walk(commit, SortMode.TOPOLOGICAL | SortMode.TIME), most):
                here = _blob(found, path)
                if all(_blob(parent, path) != here for parent in found.parents) and (here or found.parents):
                    yield _told_of(found)

    def unlock(self, branch: str) -> None:
        """Take away the lock of a branch of ours that a killed process left; a living one needs it for a moment."""
        lock = self.folder / "refs" / "heads" / f"{branch}.lock"
        with _told(self.path):
            while lock.exists():
                with suppress(FileNotFoundError):
                    if time.time() - lock.stat().st_mtime > STALE_S:
                        lock.unlink()
                time.sleep(0.05)

    def point(self, branch: str, commit: str, *, seen: str) -> None:
        """Let a branch of this repository point to a commit.

        Args:
            branch: Its name.
            commit: Full commit id.
            seen: What it pointed to when it was looked at; empty where there was none.

        Raises:
            Refused: It points elsewhere by now, is checked out, or cannot have this name.
        """
        name = f"refs/heads/{branch}"
        with _told(self.path):
            if self.is_checked_out(branch):
                raise Refused(f"{branch} is checked out in {self.path}.", fix="Check out another branch.")
            try:
                if not seen:
                    self._repository.references.create(name, pygit2.Oid(hex=commit))
                    return
                reference = self._repository.references[name]
                if str(reference.target) == seen:
                    reference.set_target(pygit2.Oid(hex=commit))
                    return
            except (KeyError, ValueError, pygit2.GitError) as error:
                raise Refused(f"{branch} cannot be set in {self.path}: {error}.") from error
        raise Refused(f"{branch} was changed meanwhile in {self.path}.", fix="Run it again.")

    def _commit(self, commit: str) -> pygit2.Commit:
        found = self._repository[commit]
        if not isinstance(found, pygit2.Commit):
            raise Unavailable(f"{commit} is no commit of {self.path}.")
        return found


def _blob(commit: pygit2.Commit, path: str) -> str:
    """Id of what lies at a path; empty where nothing does."""
    try:
        return str(commit.tree[path].id)
    except KeyError:
        return ""


def _told_of(commit: pygit2.Commit) -> Commit:
    people = [f"{who.name} <{who.email}>" for who in (commit.author, commit.committer)]
    at = datetime.fromtimestamp(commit.commit_time, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    parents = tuple(str(parent) for parent in commit.parent_ids)
    return Commit(str(commit.id), str(commit.tree_id), parents, commit.message, people[0], people[1], at)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of libgit2 as ours."""
    try:
        yield
    except (pygit2.GitError, KeyError, OSError) as error:
        raise Unavailable(f"{path} cannot be read: {error}.") from error
