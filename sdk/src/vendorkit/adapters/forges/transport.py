"""The road between the client libraries and a forge: every request of theirs takes its turn at the governor.

Two libraries speak through httpx, one through requests; nothing else here knows either. No request is logged.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import requests
from requests.adapters import HTTPAdapter

from vendorkit.adapters.forges.governor import NO_ANSWER, Governor, Reply

TIMEOUT_S = 30.0
HEAD_OF_BODY = 2_000


class GovernedTransport(httpx.BaseTransport):
    """For clients on httpx. Clients may close it after each request: its connections stay open for the next.

    Args:
        web: The host, for instance `https://github.com`; proxies of the environment count.
        governor: Whose turn it is.
    """

    def __init__(self, web: str, governor: Governor) -> None:
        self._governor = governor
        host, scheme = urlsplit(web).hostname or "", urlsplit(web).scheme
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        verify: ssl.SSLContext | bool = httpx.create_ssl_context() if scheme == "https" else False
        self._inner = httpx.HTTPTransport(verify=verify, proxy=proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, again where that is right.

        Raises:
            httpx.TransportError: No answer came.
        """
        request.read()

        def ask() -> Reply[httpx.Response | httpx.TransportError]:
            try:
                response = self._inner.handle_request(request)
                response.read()
            except httpx.TransportError as error:
                never_left = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                return Reply(error, NO_ANSWER, sent=not never_left)
            return Reply(response, response.status_code, dict(response.headers), _head(response.content))

        reply = self._governor.carry(ask, method=request.method, budget=_budget(request.url.path))
        if isinstance(reply.payload, httpx.TransportError):
            raise reply.payload
        return reply.payload

    def leave(self) -> None:
        """Close the connections. Not named `close`: clients call that after each request."""
        self._inner.close()


class GovernedAdapter(HTTPAdapter):
    """For clients on requests.

    Args:
        governor: Whose turn it is.
    """

    def __init__(self, governor: Governor) -> None:
        self._governor = governor
        super().__init__(pool_maxsize=governor.pace.concurrent)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send one request, again where that is right.

        Raises:
            requests.RequestException: No answer came.
        """
        waits = timeout or TIMEOUT_S

        def ask() -> Reply[requests.Response | requests.RequestException]:
            try:
                response = super(GovernedAdapter, self).send(request, False, waits, verify, cert, proxies)
                body = response.content
            except requests.RequestException as error:
                return Reply(error, NO_ANSWER, sent=not _never_left(error))
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response, response.status_code, headers, _head(body))

        path = urlsplit(request.url or "").path
        reply = self._governor.carry(ask, method=request.method or "GET", budget=_budget(str(path)))
        if isinstance(reply.payload, requests.RequestException):
            raise reply.payload
        return reply.payload


def _head(body: bytes) -> str:
    return body[:HEAD_OF_BODY].decode("utf-8", "replace")


def _never_left(error: requests.RequestException) -> bool:
    return isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)


def _budget(path: str) -> str:
    """GitHub counts searches and GraphQL apart from all else; other forges have one budget."""
    if path.endswith("/graphql"):
        return "graphql"
    return "search" if "/search/" in path else "core"
