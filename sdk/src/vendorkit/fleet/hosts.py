"""The forges of a fleet: which one a repository lies on, its token, and one pace for everybody who asks it.

Tokens come from the environment or from git's credential helper. What is asked of a forge is decided elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from vendorkit.adapters.forges import FORGES
from vendorkit.adapters.forges.base import Forge, Found, Search
from vendorkit.adapters.forges.governor import PACES, Clock, Governor, Pace
from vendorkit.adapters.forges.places import KNOWN, PLAIN, Place, place_of
from vendorkit.adapters.forges.token import Token, token_in
from vendorkit.adapters.remotes import Access, saved_password
from vendorkit.errors import BadInput, Fault

USERS = {"github": "x-access-token", "gitlab": "oauth2", "gitea": "x-access-token", "azure": "x-access-token"}
"""What each kind wants as user name where git signs in with a token."""

LOOPBACK = ("127.0.0.1", "localhost")
"""Hosts that need no certificate, because nothing leaves the machine."""

HELPER = "git's credential helper"


@dataclass(frozen=True)
class OnForge:
    """A repository with the forge that it lies on.

    Args:
        forge: Takes no requests where the repository lies on a plain git remote.
        repository: Its name there; empty on a plain git remote.
    """

    forge: Forge
    repository: str


class Hosts:
    """Opens each host once, however many repositories and threads there are.

    Args:
        declared: Kind by host, for hosts of one's own.
        environment: Where tokens are looked for first; None means this process's.
        patience_s: Longest pause for a rate limit; None leaves it to the forge's pace.
        clock: Time; None means the machine's.
        tell: Is told of long pauses.
    """

    def __init__(
        self,
        declared: Mapping[str, str],
        *,
        environment: Mapping[str, str] | None = None,
        patience_s: float | None = None,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._declared, self._environment, self._patience_s = dict(declared), environment, patience_s
        self._clock, self._tell = clock, tell
        self._opened: dict[str, Forge] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> OnForge:
        """The forge and name of a repository.

        Args:
            url: Where git clones it from or pushes it to; a folder of this machine is a plain remote.

        Raises:
            BadInput: The forge's client library is not installed.
        """
        place = place_of(url, self._declared)
        return OnForge(self._open(place), place.repository)

    def discover(self, host: str, search: Search) -> tuple[Found, ...]:
        """Repositories on a host.

        Args:
            host: As `fleet.yaml` has it.
            search: Which ones.

        Raises:
            BadInput: The host is neither known nor declared, or the search does not fit it.
            Refused: The token may not list them.
            Unavailable: It did not answer.
        """
        scheme = "http" if host.partition(":")[0] in LOOPBACK else "https"
        place = place_of(f"{scheme}://{host}/", self._declared)
        if place.kind == PLAIN:
            known = ", ".join(sorted(KNOWN.keys() | self._declared.keys()))
            fault = Fault(host, f"is no known forge ({known}).", "Declare it under `forges`.")
            raise BadInput("This host cannot be searched.", [fault])
        return self._open(place).discover(search)

    def accesses(self, urls: Iterable[str]) -> list[Access]:
        """How git signs in at the hosts of these repositories, where their tokens are in the environment.

        Where they are not, git asks the user's credential helper by itself.
        """
        found = {}
        for place in (place_of(url, self._declared) for url in urls if "://" in url):
            token = token_in(self._environment, place.kind, place.web)
            host = place.web.partition("://")[2]
            if token is not None and host:
                found[host] = Access(host, token.source, USERS.get(place.kind, "x-access-token"))
        return [found[host] for host in sorted(found)]

    def leave(self) -> None:
        """Close all connections."""
        for forge in self._opened.values():
            forge.leave()

    def _open(self, place: Place) -> Forge:
        key = place.web if place.kind != PLAIN else ""
        with self._lock:
            if key not in self._opened:
                token = self._token(place) if key else None
                pace = PACES.get(place.kind, Pace())
                if self._patience_s is not None:
                    pace = replace(pace, patience_s=self._patience_s)
                governor = Governor(place.web.partition("://")[2], pace, clock=self._clock, tell=self._tell)
                self._opened[key] = FORGES[place.kind](place.web, token, governor)
            return self._opened[key]

    def _token(self, place: Place) -> Token | None:
        token = token_in(self._environment, place.kind, place.web)
        if token is not None:
            return token
        saved = saved_password(place.web)
        return Token(saved, HELPER) if saved else None
