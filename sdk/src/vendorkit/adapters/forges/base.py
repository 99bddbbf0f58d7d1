"""What every forge can do: one open request for each branch, a look at it, closing it, finding repositories.

A forge is a host with the token that opens it; repositories are named as the host names them. The protocol and
the values that go in and out live here; each forge's own words live in its module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeVar

from vendorkit.errors import Unavailable

State = Literal["open", "merged", "closed"]
Checks = Literal["green", "red", "running", "none"]

T = TypeVar("T")

CONCURRENT_LOOKS = 8
"""How many repositories are looked into at once while discovering."""


@dataclass(frozen=True)
class Request:
    """A change that is put to people: a pull request or merge request, as it is to be.

    Args:
        branch: The branch with the change; pushed before.
        base: The branch that it is to go into.
        title: One line.
        body: Markdown.
        labels: Names; missing ones are made. Labels that people added stay.
        assignees: Account names on the forge. Who cannot be assigned is named in `Opened.notes`.
        draft: Whether it must not be merged yet, for instance because it holds conflict markers.
        auto_merge: Whether the forge merges it when all checks passed. Never for a draft, and never where nothing
            checks it: the forge would merge at once.
    """

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    draft: bool = False
    auto_merge: bool = False


@dataclass(frozen=True)
class Opened:
    """A request as the forge shows it.

    Args:
        number: Its number in the repository.
        url: Its page.
        state: `open`, `merged` or `closed`.
        draft: Whether it is marked as not to be merged.
        checks: `green` when all passed, `red` when one failed, `running` while none failed and some go on, `none`
            where nothing checks it.
        mergeable: Whether the forge could merge it without conflicts; None while it does not know.
        created: When it was opened.
        updated: When it last changed.
        head: Full id of the commit at the branch's tip.
        notes: What was asked for and could not be done, one sentence each.
    """

    number: int
    url: str
    state: State
    draft: bool
    checks: Checks
    mergeable: bool | None
    created: str
    updated: str
    head: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Search:
    """Which repositories are looked for.

    Args:
        within: Organisation, user, group (with its subgroups) or Azure project; empty means all that the token sees.
        topic: A topic that they carry; empty means any. Azure DevOps has no topics.
        file: A file that they hold on their default branch, for instance `.copier-answers.yml`; empty means any.
    """

    within: str = ""
    topic: str = ""
    file: str = ""


@dataclass(frozen=True)
class Found:
    """A repository that was found.

    Args:
        name: As the forge names it: `owner/name`, `group/subgroup/name`, `organisation/project/name`.
        url: Where git clones it from, over HTTPS.
        default_branch: Empty where the repository is.
        archived: Whether it takes no more changes.
        empty: Whether it has no commit.
        topics: Sorted.
        last_activity: When something last happened; empty where the forge does not tell.
    """

    name: str
    url: str
    default_branch: str
    archived: bool
    empty: bool
    topics: tuple[str, ...]
    last_activity: str


class Forge(Protocol):
    """One host, opened with one token. Safe to use from several threads.

    Every method raises `Refused` where the forge says no (archived, protected, not allowed), `BadInput` where the
    token or the repository's name is wrong, and `Unavailable` where a retry may help.
    """

    kind: str
    takes_requests: bool

    def open_or_refresh(self, repository: str, request: Request) -> Opened | None:
        """Have exactly one open request for the branch, with this title, body, labels, assignees and state.

        Asked again it changes what differs and nothing else. Where an answer got lost, it looks before it opens
        another. A request of the branch that was merged or closed does not count: ask `look` first where that
        matters. None only where the forge takes no requests.
        """

    def look(self, repository: str, branch: str) -> Opened | None:
        """The open request of a branch, else the one that changed last; None where there was none."""

    def close(self, repository: str, number: int, why: str) -> None:
        """Say why, and close it. A request that is not open stays as it is."""

    def discover(self, search: Search) -> tuple[Found, ...]:
        """Repositories that match, by name."""

    def leave(self) -> None:
        """Close the connections. Asked again, it opens new ones."""


class Lost(Unavailable):
    """The forge did not answer, or answered as one that broke down: what was asked may have been done."""


class Exists(Unavailable):
    """The forge says that this branch has an open request already."""


def exactly_one(find: Callable[[], T | None], create: Callable[[], T], tries: int = 3) -> T:
    """The open request of a branch, made where there is none.

    Looks before it creates, and again whenever an answer got lost or the forge says that there is one.

    Raises:
        Unavailable: After so many tries neither creating nor finding worked.
    """
    while (found := find()) is None:
        tries -= 1
        try:
            return create()
        except (Lost, Exists):
            if tries == 0:
                raise
    return found


def holding(found: Sequence[T], holds: Callable[[T], bool]) -> Iterator[T]:
    """Those that hold a file; several are asked at once."""
    with ThreadPoolExecutor(CONCURRENT_LOOKS) as pool:
        kept = list(pool.map(holds, found))
    return (one for one, keep in zip(found, kept, strict=True) if keep)


def utc(text: str | datetime | None) -> str:
    """A forge's time as RFC 3339 in UTC, to the second; empty stays empty."""
    if not text:
        return ""
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
