"""What the fake forge remembers, whatever language it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

HEAD = "a" * 40
CREATED = f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z"
"""Of requests: lately, for what is open for too long is told to be stuck."""


@dataclass
class Pull:
    """A pull or merge request."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    state: str = "open"
    draft: bool = False
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    auto_merge: bool = False
    from_fork: bool = False
    updated: str = CREATED


@dataclass
class Repo:
    """A repository. Every branch but the default one is at `HEAD`, ahead of it."""

    name: str
    branches: tuple[str, ...] = ("main", "vendorkit/update-v2")
    default: str = "main"
    archived: bool = False
    empty: bool = False
    topics: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    checks: str = "none"
    labels: list[str] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)

    def open_pulls(self) -> list[Pull]:
        """Those that are open."""
        return [pull for pull in self.pulls if pull.state == "open"]


@dataclass
class Breakdown:
    """What goes wrong with the next requests that match.

    Args:
        method: Of which requests.
        path: A part of their path.
        how: An HTTP status, `limit` for a secondary limit, `lost before` and `lost after` for no answer before or
            after it was done, `late after` for one that did not come before whoever asked gave up, `page` for the
            page of a proxy.
        times: How many of them.
    """

    method: str
    path: str
    how: str
    times: int = 1


class No(Exception):
    """The forge says no."""

    def __init__(self, status: int, says: str = "") -> None:
        super().__init__(says)
        self.status, self.says = status, says


class State:
    """Repositories, accounts, and what goes wrong next."""

    def __init__(self, *repos: Repo) -> None:
        self.repos = {repo.name: repo for repo in repos}
        self.accounts = ["ann", "bob"]
        self.breakdowns: list[Breakdown] = []
        self.may_write = True

    def repo(self, name: str) -> Repo:
        """A repository, or 404."""
        if name not in self.repos:
            raise No(404, "Not Found")
        return self.repos[name]

    def within(self, owner: str) -> list[Repo]:
        """Repositories below an owner; none is 404."""
        found = [repo for repo in self.repos.values() if repo.name.startswith(f"{owner}/")]
        if not found:
            raise No(404, "Not Found")
        return found

    def pull(self, repo: Repo, number: int) -> Pull:
        """A request, or 404."""
        if not 0 < number <= len(repo.pulls):
            raise No(404, "Not Found")
        return repo.pulls[number - 1]

    def open(self, repo: Repo, branch: str, base: str, title: str, body: str, *, taken: int) -> Pull:
        """Open a request; `taken` is the status where the branch has one."""
        if repo.archived:
            raise No(403, "Repository was archived so is read-only.")
        if not self.may_write:
            raise No(403, "Resource not accessible by personal access token")
        if branch not in repo.branches or base not in repo.branches:
            raise No(422, "Validation Failed: head invalid")
        if any((pull.branch, pull.base) == (branch, base) for pull in repo.open_pulls()):
            raise No(taken, f"A pull request already exists for {repo.name.split('/')[0]}:{branch}.")
        pull = Pull(len(repo.pulls) + 1, branch, base, title, body)
        repo.pulls.append(pull)
        return pull

    def touch(self, pull: Pull) -> None:
        """Its time of change moves on."""
        pull.updated = "2026-11-21T08:00:00Z"

    def breakdown(self, method: str, path: str) -> str:
        """What goes wrong with this request; empty for nothing."""
        for one in self.breakdowns:
            if one.times > 0 and one.method == method and one.path in path:
                one.times -= 1
                return one.how
        return ""
