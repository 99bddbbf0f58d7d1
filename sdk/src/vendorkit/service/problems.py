"""Problem documents (RFC 9457): the one form of every answer that is not a yes.

A problem lists every fault with its path, at most `MOST_FAULTS` of them and the number of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100

KINDS = {
    "not-json": (400, "The body is not JSON"),
    "not-found": (404, "There is nothing here"),
    "wrong-method": (405, "This path does not take that method"),
    "too-slow": (408, "The body took too long to arrive"),
    "retired": (410, "This release is no longer answered with"),
    "too-large": (413, "The request is too large"),
    "wrong-content-type": (415, "The body must be application/json"),
    "invalid-input": (422, "The input does not keep the contract"),
    "failed": (500, "The service could not answer"),
    "unavailable": (503, "The service cannot answer now"),
}
"""Name of a problem, its status and title. The type is `urn:vendorkit:problem:NAME`."""


class Faults:
    """Collects what is wrong with one request; keeps the first `MOST_FAULTS` and counts the rest."""

    def __init__(self) -> None:
        self.kept: list[dict[str, str]] = []
        self.count = 0

    def add(self, path: str, says: str) -> None:
        """One fault.

        Args:
            path: Where in the body, for instance `rows[3].age`; empty for the body itself.
            says: What is wrong and what was expected.
        """
        self.count += 1
        if self.count <= MOST_FAULTS:
            self.kept.append({"path": path, "says": says})


class Problem(Exception):
    """An answer that is not a yes.

    Args:
        kind: A key of `KINDS`.
        detail: What happened to this request and what to do about it.
        faults: Everything that is wrong with the input.
        log_id: Id under which the service's own log tells more.
        headers: More headers, for instance `Allow` or `Retry-After`.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        faults: Faults | None = None,
        *,
        log_id: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail
        self.faults = faults
        self.log_id = log_id
        self.headers = tuple(headers)

    def to_value(self) -> dict[str, Any]:
        """The problem document."""
        value: dict[str, Any] = {
            "type": f"urn:vendorkit:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": self.faults.kept if self.faults else [],
        }
        if self.faults and self.faults.count > len(self.faults.kept):
            value["errors_not_shown"] = self.faults.count - len(self.faults.kept)
        if self.log_id:
            value["log_id"] = self.log_id
        return value

    def to_bytes(self) -> bytes:
        """The document as JSON."""
        return msgspec.json.encode(self.to_value())


def invalid(faults: Faults) -> Problem:
    """The problem of input that does not keep the contract."""
    things = "1 fault" if faults.count == 1 else f"{faults.count:,} faults"
    return Problem("invalid-input", f"{things}; `errors` tells where and what was expected.", faults)
