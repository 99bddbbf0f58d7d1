"""A plain git remote: branches are pushed, requests there are none."""

from __future__ import annotations

from vendorkit.adapters.forges.base import Found, Opened, Request, Search
from vendorkit.adapters.forges.governor import Governor
from vendorkit.adapters.forges.token import Token
from vendorkit.errors import BadInput


class Plain:
    """Takes no requests; whoever asks gets None and tells people to look at the branch."""

    kind = "null"
    takes_requests = False

    def __init__(self, web: str = "", token: Token | None = None, governor: Governor | None = None) -> None:
        """A host's address, token and pace mean nothing here."""

    def open_or_refresh(self, repository: str, request: Request) -> Opened | None:
        """None: the branch is all there is."""
        return None

    def look(self, repository: str, branch: str) -> Opened | None:
        """None."""
        return None

    def close(self, repository: str, number: int, why: str) -> None:
        """Nothing to close."""

    def discover(self, search: Search) -> tuple[Found, ...]:
        """A plain remote cannot list its repositories.

        Raises:
            BadInput: Always.
        """
        raise BadInput(
            "A plain git remote cannot be searched.",
            fix="List its repositories in fleet.yaml, or declare which forge runs on the host.",
        )

    def leave(self) -> None:
        """No connections to close."""
