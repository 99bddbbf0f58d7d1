"""TOML of others, read without keys whose parts are too many for the reader, or nesting that exhausts its stack."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_WORD = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_WORD}(?:[ \t]*+\.[ \t]*+{_WORD}){{64}}")
"""A key of more than 64 parts. `tomllib` needs the square of their number; people write five."""


def load_toml(data: bytes) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        UnicodeDecodeError: It is no text.
        tomllib.TOMLDecodeError: It is no TOML, nested too deeply, or has keys of more than 64 parts.
    """
    text = data.decode("utf-8")
    if _LONG_KEY.search(text):
        raise tomllib.TOMLDecodeError("a key has more than 64 parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
