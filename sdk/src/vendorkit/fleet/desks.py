"""Where updates are put to people: the request of a row on its forge, opened or refreshed, looked at, found.

How each forge is spoken to is the adapters' business. Tokens are found by `hosts` and held by adapters alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from vendorkit.adapters.forges.base import Opened, Request, Search
from vendorkit.adapters.remotes import Access
from vendorkit.fleet.hosts import Hosts, OnForge
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.ours import Declined
from vendorkit.fleet.state import Known
from vendorkit.records.base import now
from vendorkit.records.fleet import Discovery, Fleet, Repository, plain_name

if TYPE_CHECKING:
    from vendorkit.fleet.offer import Prepared


TEAM = re.compile(r"@[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+")
"""An owner that no request can be assigned to, and that hears of one in which it is named."""


class Desks:
    """The requests of a fleet.

    Args:
        fleet: What it declares.
        tell: Is told of long waits.
        environment: Where tokens are looked for first; None means this process's.
    """

    def __init__(self, fleet: Fleet, tell: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
        self._fleet = fleet
        self._hosts = Hosts({forge.host: forge.kind for forge in fleet.forges}, environment=environment, tell=tell)

    def _at(self, row: Row) -> OnForge:
        return self._hosts.of(row.web or row.remote)

    def leave(self) -> None:
        """Close every connection."""
        self._hosts.leave()

    def accesses(self, rows: Iterable[Row]) -> list[Access]:
        """How git signs in at the hosts of these rows; hosts without a token in the environment are left to its
        credential helper.
        """
        return self._hosts.accesses(row.remote for row in rows)

    def open(self, made: Prepared, title: str, body: str) -> Known | None:
        """Have exactly one open request for a pushed branch; None where there is no forge.

        Raises:
            Refused: It was closed by somebody, or the forge says no.
            Unavailable: The forge does not answer.
        """
        rules = self._fleet.rollout
        account = made.row.owner.removeprefix("@")
        is_account = bool(account) and not set(account) & set("@/ ")
        if rules.assign_owners and TEAM.fullmatch(made.row.owner):
            body += f"\n\nFor {made.row.owner}."
        request = Request(
            branch=made.branch,
            base=made.stand.branch,
            title=title,
            body=body,
            labels=rules.labels,
            assignees=(account,) if rules.assign_owners and is_account else (),
            draft=made.marked,
            auto_merge=rules.auto_merge and not made.planned.conflicts,
        )
        return self.put(made.row, request)

    def put(self, row: Row, request: Request) -> Known | None:
        """Have exactly one open request for a branch of a row; None where there is no forge.

        Raises:
            Refused: The forge says no.
            Unavailable: The forge does not answer.
        """
        at = self._at(row)
        return known(at.forge.open_or_refresh(at.repository, request))

    def refuse_closed(self, row: Row, branch: str) -> None:
        """Refuse a branch whose request somebody closed: only a retry opens another.

        Raises:
            Declined: It was closed.
            Unavailable: The forge does not answer.
        """
        found = self.look(row, branch)
        if found is not None and found.state == "closed":
            fix = "`vendorkit fleet update --retry` opens another."
            raise Declined(f"{found.url} was closed without being merged.", fix=fix)

    def withdraw(self, row: Row, branch: str, why: str) -> Known | None:
        """Close the open request of a row's branch and say why there; None where there is none.

        Raises:
            Refused: The forge says no.
            Unavailable: The forge does not answer.
        """
        at = self._at(row)
        found = at.forge.look(at.repository, branch)
        if found is None or found.state != "open":
            return None
        at.forge.close(at.repository, found.number, why)
        return known(replace(found, state="closed"))

    def look(self, row: Row, branch: str) -> Known | None:
        """The request of a row's branch; None where there is none or no forge."""
        at = self._at(row)
        return known(at.forge.look(at.repository, branch))

    def discovered(self) -> list[Repository]:
        """Entries for every repository that the fleet's searches find; archived and empty ones are left out.

        Raises:
            BadInput: A host is not known as a forge.
            Refused: The forge does not let us search.
            Unavailable: It does not answer.
        """
        return [entry for search in self._fleet.discover for entry in self._search(search)]

    def _search(self, search: Discovery) -> Iterator[Repository]:
        wanted = Search(search.within or "", search.topic or "", search.file)
        for found in self._hosts.discover(search.host, wanted):
            if not found.archived and not found.empty:
                given = {"owner": search.owner, "ring": search.ring, "name": plain_name(found.name)}
                yield Repository(url=found.url, **{key: value for key, value in given.items() if value})


def known(found: Opened | None) -> Known | None:
    """A request as the state keeps it."""
    if found is None:
        return None
    return Known(
        found.url,
        found.state,
        found.checks,
        found.draft,
        found.mergeable,
        found.created,
        now(),
        found.head,
        found.notes,
    )
