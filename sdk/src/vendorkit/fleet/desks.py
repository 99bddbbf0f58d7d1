"""Where updates are put to people: the request of a row on its forge, opened or refreshed, looked at, found.

How each forge is spoken to is the adapters' business. Tokens come from the environment and are held by adapters alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from vendorkit.adapters.forges import FORGES
from vendorkit.adapters.forges.base import Forge, Opened, Request, Search
from vendorkit.adapters.forges.governor import PACES, Governor
from vendorkit.adapters.forges.places import KNOWN, PLAIN, Place, place_of
from vendorkit.adapters.forges.token import token_in
from vendorkit.adapters.remotes import Access
from vendorkit.errors import Refused
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.offer import Prepared
from vendorkit.fleet.state import Known
from vendorkit.records.base import now
from vendorkit.records.fleet import Discovery, Fleet, Repository, plain_name

USERS = {"github": "x-access-token", "gitlab": "oauth2"}
"""What a forge wants as user name beside a token; the others take any."""


class Desks:
    """The forges of a fleet, each opened once.

    Args:
        fleet: What it declares.
        tell: Is told of long waits.
        environment: Where tokens are; None means this process's.
    """

    def __init__(self, fleet: Fleet, tell: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
        self._fleet = fleet
        self._tell = tell
        self._environment = environment
        self._declared = {forge.host: forge.kind for forge in fleet.forges}
        self._opened: dict[tuple[str, str], Forge] = {}
        self._lock = threading.Lock()

    def place(self, row: Row) -> Place:
        """The repository of a row on its forge."""
        return place_of(row.web or row.remote, self._declared)

    def _forge(self, kind: str, web: str) -> Forge:
        with self._lock:
            if (kind, web) not in self._opened:
                token = token_in(self._environment, kind, web)
                governor = Governor(web, PACES[kind], tell=self._tell)
                self._opened[kind, web] = FORGES[kind](web, token, governor)
            return self._opened[kind, web]

    def leave(self) -> None:
        """Close every connection."""
        for forge in self._opened.values():
            forge.leave()

    def accesses(self, rows: Iterable[Row]) -> list[Access]:
        """How git signs in at the hosts of these rows; hosts without a token in the environment are left to its
        credential helper.
        """
        found: dict[str, Access] = {}
        for row in rows:
            place = place_of(row.remote, self._declared)
            token = token_in(self._environment, place.kind, place.web) if place.kind != PLAIN else None
            host = place.web.partition("://")[2]
            if token is not None and host not in found:
                found[host] = Access(host, token.source, USERS.get(place.kind, "vendorkit"))
        return list(found.values())

    def open(self, made: Prepared, title: str, body: str) -> Known | None:
        """Have exactly one open request for a pushed branch; None where there is no forge.

        Raises:
            Refused: It was closed by somebody, or the forge says no.
            Unavailable: The forge does not answer.
        """
        place = self.place(made.row)
        if place.kind == PLAIN:
            return None
        rules = self._fleet.rollout
        owner = made.row.owner.removeprefix("@")
        request = Request(
            branch=made.branch,
            base=made.stand.branch,
            title=title,
            body=body,
            labels=rules.labels,
            assignees=(owner,) if rules.assign_owners and owner and "@" not in owner and "/" not in owner else (),
            draft=made.marked,
            auto_merge=rules.auto_merge and not made.planned.conflicts,
        )
        return known(self._forge(place.kind, place.web).open_or_refresh(place.repository, request))

    def refuse_closed(self, row: Row, branch: str) -> None:
        """Refuse a branch whose request somebody closed: only a retry opens another.

        Raises:
            Refused: It was closed.
            Unavailable: The forge does not answer.
        """
        found = self.look(row, branch)
        if found is not None and found.state == "closed":
            fix = "`vendorkit fleet update --retry` opens another."
            raise Refused(f"{found.url} was closed without being merged.", fix=fix)

    def look(self, row: Row, branch: str) -> Known | None:
        """The request of a row's branch; None where there is none or no forge."""
        place = self.place(row)
        if place.kind == PLAIN:
            return None
        return known(self._forge(place.kind, place.web).look(place.repository, branch))

    def checks(self, row: Row, branch: str) -> str:
        """What the checks of a row's request say; `none` where there is no forge."""
        found = self.look(row, branch)
        return found.checks if found else "none"

    def discovered(self) -> list[Repository]:
        """Entries for every repository that the fleet's searches find; archived and empty ones are left out.

        Raises:
            BadInput: A host is not known as a forge.
            Refused: The forge does not let us search.
            Unavailable: It does not answer.
        """
        return [entry for search in self._fleet.discover for entry in self._search(search)]

    def _search(self, search: Discovery) -> Iterator[Repository]:
        kind = {**KNOWN, **self._declared}.get(search.host, PLAIN)
        web = f"{'http' if search.host.startswith(('127.0.0.1', 'localhost')) else 'https'}://{search.host}"
        forge = self._forge(kind, web)
        wanted = Search(search.within or "", search.topic or "", search.file)
        for found in forge.discover(wanted):
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
