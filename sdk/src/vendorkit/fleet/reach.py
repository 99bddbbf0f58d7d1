"""Where the commits of a row are: in its own folder, or in a bare copy of ours beside the state.

A remote that is a folder of this machine is read where it lies; one on another host is asked where it stands, and
fetched from only when that is new. What the commits say is looked at elsewhere.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from vendorkit.adapters.commits import OURS, USUAL, Commits, make_bare
from vendorkit.adapters.remotes import Remotes, Tips
from vendorkit.errors import Refused, Unavailable, VendorkitError
from vendorkit.fleet.inventory import Row
from vendorkit.records.fleet import is_url

COPIES = "repositories"

Given = TypeVar("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Stand:
    """Where a repository stands.

    Args:
        branch: The branch that is updated; empty where HEAD is on none.
        commit: Its commit; empty where there is none yet.
        updates: Branches of updates to their commits.
    """

    branch: str
    commit: str
    updates: Mapping[str, str]


class Reach:
    """Looks at the repositories of a fleet and brings their commits here.

    Args:
        home: The folder for copies.
        remotes: Git over the network.
        jobs: How many remotes are asked at a time.
    """

    def __init__(self, home: Path, remotes: Remotes, *, jobs: int = 8) -> None:
        self._home = home / COPIES
        self._remotes = remotes
        self._jobs = jobs

    def stands(self, rows: Iterable[Row]) -> dict[str, Stand | VendorkitError]:
        """Name to where each row's repository stands, or why that cannot be told."""
        rows = list(rows)
        asked = {(row.remote or row.place, row.branch): row for row in rows}
        near = {key: self._safe(row) for key, row in asked.items() if folder_of(key[0]) is not None}
        far = {key: row for key, row in asked.items() if key not in near}
        near |= dict(zip(far, self.at_once(self._safe, list(far.values())), strict=True))
        return {row.name: near[(row.remote or row.place, row.branch)] for row in rows}

    def at_once(self, ask: Callable[[Given], Answer], about: Sequence[Given]) -> list[Answer]:
        """What each of several things is answered with, as many asked at a time as hosts are."""
        with ThreadPoolExecutor(self._jobs) as pool:
            return list(pool.map(ask, about))

    def _safe(self, row: Row) -> Stand | VendorkitError:
        try:
            return self.stand(row)
        except VendorkitError as error:
            return error

    def stand(self, row: Row) -> Stand:
        """Where a row's repository stands now.

        Raises:
            BadInput: There is no repository.
            Refused: The host does not let us read it.
            Unavailable: It cannot be reached.
        """
        place = row.remote or row.place
        folder = folder_of(place)
        if folder is not None:
            commits = Commits(folder)
            tip = commits.tip(row.branch or None)
            return Stand(tip.branch, tip.commit, commits.branches(OURS))
        tips = self._remotes.tips(place, [f"{OURS}*", *([row.branch] if row.branch else USUAL)])
        updates = {name: commit for name, commit in tips.branches.items() if name.startswith(OURS)}
        if row.branch:
            return Stand(row.branch, tips.branches.get(row.branch, ""), updates)
        branch = _default(tips)
        return Stand(branch, tips.branches.get(branch, tips.head), updates)

    def bring(self, row: Row, stand: Stand) -> Path:
        """A repository of this machine that holds the row's commits: the folder itself, or a copy of ours.

        Raises:
            Refused: The host does not let us read it.
            Unavailable: It cannot be reached, or the disk is full.
        """
        if not row.remote:
            return Path(row.place)
        folder = folder_of(row.remote)
        bare = self._home / f"{hashlib.sha256(row.remote.encode()).hexdigest()[:20]}.git"
        make_bare(bare)
        if folder is not None:
            borrow(bare, Commits(folder).folder)
            return bare
        commits = Commits(bare)
        wanted = [stand.commit, *stand.updates.values()]
        if any(commit and not commits.knows(commit) for commit in wanted):
            source = f"refs/heads/{stand.branch}" if stand.branch else "HEAD"
            ours = f"+refs/heads/{OURS}*:refs/fleet/{OURS}*"
            self._remotes.fetch(bare, row.remote, [f"+{source}:refs/fleet/base", ours])
        if not Commits(bare).knows(stand.commit):
            raise Unavailable(f"{row.name} changed while it was fetched.", fix="Run it again.")
        return bare

    def push(self, row: Row, bare: Path, branch: str, commit: str, *, seen: str) -> None:
        """Let a branch of the row's repository point to a commit: pushed, or set where there is no remote.

        Raises:
            Refused: It is not what it was, is protected, checked out, or the repository takes nothing.
            Unavailable: It cannot be reached.
        """
        if row.remote:
            self._remotes.push(bare, row.remote, branch, commit, seen=seen)
        else:
            Commits(bare).point(branch, commit, seen=seen)


def folder_of(place: str) -> Path | None:
    """The folder of this machine that an address means; None for another host."""
    if place.startswith("file://"):
        return Path(unquote(urlsplit(place).path))
    return None if is_url(place) else Path(place)


def borrow(bare: Path, lender: Path) -> None:
    """Let a bare repository read the objects of another one where they lie."""
    if not (lender / "objects").is_dir():
        raise Refused(f"{lender} has no objects of its own.", fix="Name the repository that its work tree belongs to.")
    alternates = bare / "objects" / "info" / "alternates"
    line = f"{lender.resolve() / 'objects'}\n"
    if not alternates.exists() or alternates.read_text(encoding="utf-8") != line:
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(line, encoding="utf-8")
    if (lender / "shallow").exists():  # what it has not, nobody looks for here either
        shutil.copyfile(lender / "shallow", bare / "shallow")


def _default(tips: Tips) -> str:
    """The default branch of a remote: what HEAD says, else a branch of a usual name; empty where neither is."""
    if tips.branch and not tips.branch.startswith(OURS):
        return tips.branch
    return next((name for name in USUAL if name in tips.branches), "")
