"""What pydantic found wrong with a value, in plain words. Where the value stands is told by who reads the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def plain_words(error: Mapping[str, Any], what: str) -> str:
    """One sentence about a value.

    Args:
        error: One of `ValidationError.errors()`.
        what: What the whole is, for instance `the manifest`.
    """
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        says = "is missing"
    elif kind == "extra_forbidden":
        says = f"is not a key of {what}"
    elif kind == "literal_error":
        says = f"is {_short(given)}; expected {context['expected']}"
    elif kind == "string_pattern_mismatch":
        says = f"is {_short(given)}; expected text of the form {context['pattern']}"
    elif kind == "value_error":
        says = f"is {_short(given)}; {context['error']}"
    elif kind == "json_invalid":  # what was parsed before is no JSON to pydantic where it is deeper than 200 levels
        says = "is nested too deeply"
    elif kind in _EXPECTED:
        says = f"is {kind_of(given)}; expected {_EXPECTED[kind]}"
    else:
        says = f"is {_short(given)}: {error['msg']}"
    return f"{says}."


def kind_of(value: Any) -> str:
    """A value in a message: its kind where it is a collection, else the value."""
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return _short(value)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
