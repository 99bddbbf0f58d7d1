"""Canonical JSON (RFC 8785) and digests that name their algorithm."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import rfc8785

from vendorkit.errors import BadInput, Fault

ALGORITHM = "sha256"


def digest_bytes(data: bytes) -> str:
    """The digest of bytes: `sha256:` and 64 hexadecimal digits."""
    return f"{ALGORITHM}:{hashlib.sha256(data).hexdigest()}"


def digest_file(path: Path) -> str:
    """The digest of a file's bytes, read in chunks."""
    with path.open("rb") as file:
        return f"{ALGORITHM}:{hashlib.file_digest(file, ALGORITHM).hexdigest()}"


def to_canonical(value: Any) -> bytes:
    """JSON in the one form of RFC 8785: sorted keys, no white space, shortest numbers.

    Raises:
        BadInput: The value has no JSON form (NaN, an infinity, an integer beyond 2**53, another type).
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise BadInput("This value cannot be written as JSON.", [Fault("", str(error))]) from error


def digest_json(value: Any) -> str:
    """The digest of a JSON value's canonical form."""
    return digest_bytes(to_canonical(value))


def load_json(data: bytes | str, where: str) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN or infinity, no bottomless nesting.

    Whole numbers of 2**53 and more come as floats, as they went in.

    Args:
        data: The text or its UTF-8 bytes.
        where: What is read, for messages.

    Raises:
        BadInput: It is not such JSON; the message has the place.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(items)
        if len(seen) != len(items):
            twice = sorted(name for name, count in Counter(name for name, _ in items).items() if count > 1)
            raise BadInput(f"{where} is not valid.", [Fault(where, f"duplicate key: {', '.join(twice)}.")])
        return seen

    def constant(name: str) -> Any:
        raise BadInput(f"{where} is not valid.", [Fault(where, f"{name} is not a JSON number.")])

    def real(text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else constant(text)

    def whole(text: str) -> int | float:
        # Canonical JSON writes 1e20 as 100000000000000000000: beyond 2**53 a number is a double (RFC 7493).
        value = int(text)
        return value if abs(value) < 2**53 else real(text)

    try:
        return json.loads(data, object_pairs_hook=pairs, parse_constant=constant, parse_float=real, parse_int=whole)
    except (ValueError, RecursionError) as error:
        says = "nested too deeply." if isinstance(error, RecursionError) else f"not JSON: {error}."
        raise BadInput(f"{where} is not valid.", [Fault(where, says)]) from error
