"""What a forge's refusals mean, in one tree of errors. The forge's own words are kept; tokens never are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from vendorkit.adapters.forges.base import Exists, Lost
from vendorkit.adapters.forges.token import Token, host_variable
from vendorkit.errors import BadInput, Refused, Unavailable, VendorkitError

INSTALL = "Install `vendorkit[fleet]`."
MOST_WORDS = 300


def not_installed(kind: str, library: str) -> BadInput:
    """The error where a forge's client library is missing."""
    return BadInput(f"Asking {kind} needs {library}, which is not installed.", fix=INSTALL)


@dataclass(frozen=True)
class Asked:
    """Who is asked, and with what.

    Args:
        web: The host.
        token: None asks without one.
    """

    web: str
    token: Token | None

    def wrong(self, status: int, body: object, repository: str) -> VendorkitError:
        """The error that an answer stands for.

        Args:
            status: HTTP status; 0 where no answer came, 200 where one came that is no JSON.
            body: The answer, as text or JSON, or what broke.
            repository: What was asked about.
        """
        host = self.web.partition("://")[2]
        says = words(body, self.token)
        told = f" {host} says: {says}" if says else ""
        if status == 401:
            return self._not_let_in(host, told)
        if status == 404:
            what = f"There is no {repository} on {host}, or the token may not see it."
            return BadInput(what, fix="Check its name, and what the token may do.")
        if 200 <= status < 300:
            what = f"{repository}: {host} did not answer in JSON."
            return Lost(what, fix="Does a proxy, or its page to sign in, answer in its place? Open it in a browser.")
        if status == 429:
            return Unavailable(f"{host} has had too many requests.", fix="Run it again later.")
        if status == 0 or status >= 500:
            what = f"answered {status}" if status else "did not answer"
            return Lost(f"{repository}: {host} {what}.{told}", fix="Run it again.")
        return Refused(f"{repository}: {host} refused ({status}).{told}")

    def _not_let_in(self, host: str, told: str) -> BadInput:
        wanted = f"Put one that may read and write its requests into {host_variable(self.web)}."
        if self.token is None:
            return BadInput(f"{host} wants a token.", fix=wanted)
        return BadInput(f"{host} does not accept the token from {self.token.source}.{told}", fix=wanted)


def already(error: VendorkitError) -> Exists:
    """The error where the branch has an open request already."""
    return Exists(error.says)


def words(body: object, token: Token | None) -> str:
    """The sentences in an answer, on one line, without the token."""
    value: Any = body
    if isinstance(body, bytes):
        value = body.decode("utf-8", "replace")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = "" if value.lstrip().startswith("<") else value
    text = re.sub(r"\s+", " ", "; ".join(dict.fromkeys(_texts(value)))).strip()
    text = token.scrub(text) if token else text
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}..."


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        inner = [value.get(key) for key in ("message", "error", "error_description", "errors")]
        return [text for item in inner for text in _texts(item)]
    return [] if value is None else [str(value)]
