"""Reading a request's body: piece by piece, never more of it than the limit, and not for ever."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope

from vendorkit.service.problems import Faults, Problem
from vendorkit.service.servable import Limits

DRAINED = 8
"""A body that is too large is read and thrown away up to so many times the limit: a caller who is still sending
would not see the answer otherwise. Past that the connection is closed."""

CLOSE = (("Connection", "close"),)


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The body of a request, whole.

    Raises:
        Problem: 415 another content type, 413 too large, 408 too slow, 400 the caller went away.
    """
    stated = 0
    content_type = encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length" and value.isdigit():
            stated = int(value)
        elif name == b"content-encoding":
            encoding = value
    _demand_plain_json(content_type, encoding)
    try:
        async with asyncio.timeout(limits.body_seconds):
            body, size = await _gather(receive, limits, keep=stated <= limits.max_body_bytes)
    except TimeoutError:
        says = f"The body did not arrive within {limits.body_seconds:g} seconds."
        raise Problem("too-slow", says, headers=CLOSE) from None
    if size > limits.max_body_bytes:
        faults = Faults()
        faults.add("", f"is too large, expected at most {limits.max_body_bytes:,} bytes.")
        says = f"The body has more than {limits.max_body_bytes:,} bytes. Send the rows in several requests."
        raise Problem("too-large", says, faults, headers=CLOSE)
    return body


def _demand_plain_json(content_type: bytes, encoding: bytes) -> None:
    media_type, _, parameters = content_type.decode("latin-1").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        found = f"is {content_type.decode('latin-1')[:100]!r}" if content_type else "is missing"
        raise Problem("wrong-content-type", f"Content-Type {found}, expected application/json in UTF-8.")
    if encoding not in (b"", b"identity"):
        found = encoding.decode("latin-1")[:100]
        raise Problem("wrong-content-type", f"Content-Encoding is {found!r}; send the body as it is.")


async def _gather(receive: Receive, limits: Limits, *, keep: bool) -> tuple[bytes, int]:
    """The body and its size. A body above the limit is not kept, and its size need not be exact."""
    parts = []
    size = 0 if keep else limits.max_body_bytes + 1
    while size <= DRAINED * limits.max_body_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("not-json", "The caller went away before the body was whole.")
        part = message.get("body", b"")
        size += len(part)
        if size <= limits.max_body_bytes:
            parts.append(part)
        else:
            parts.clear()
        if not message.get("more_body"):
            break
    return b"".join(parts), size
