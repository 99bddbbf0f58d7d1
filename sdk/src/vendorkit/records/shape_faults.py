"""What is wrong with the shape of a declared file, in plain words with its line: what pydantic found, retold.

The manifest and the list of a fleet are judged by it; the rules of each file stand with its model.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from typing import Any

from vendorkit.errors import Fault
from vendorkit.records.base import Value
from vendorkit.records.yaml_text import KeyPath, YamlText


def shape_fault(error: Any, read: YamlText, model: type[Value], what: str) -> Fault:
    """A fault of pydantic in plain words, with its line.

    Args:
        error: One of `ValidationError.errors()`.
        read: The text that was judged.
        model: The model of the whole file; its keys are what a mistyped one is compared with.
        what: What the file is, for instance `the manifest`.
    """
    location: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    fix = ""
    if kind == "missing":
        says, fix = "is missing.", f"Add `{location[-1]}`."
    elif kind == "extra_forbidden":
        says = f"is not a key of {what}."
        near = difflib.get_close_matches(str(location[-1]), _known_keys(model), 1)
        fix = f"Did you mean `{near[0]}`?" if near else "Remove it."
    elif kind == "literal_error":
        says = f"is {_short(given)}; expected {context['expected']}."
    elif kind == "string_pattern_mismatch":
        says = f"is {_short(given)}; expected text of the form {context['pattern']}."
    elif kind == "value_error":
        says = f"is {_short(given)}; {context['error']}."
    elif kind in _EXPECTED:
        says = f"is {kind_of(given)}; expected {_EXPECTED[kind]}."
    else:
        says = f"is {_short(given)}: {error['msg']}."
    return Fault(read.place(location), says, fix)


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


@cache
def _known_keys(model: type[Value]) -> tuple[str, ...]:
    """Every key of every section, for a guess at what was meant."""
    keys: dict[str, None] = {}
    waiting: list[type[Value]] = [model]
    while waiting:
        part = waiting.pop()
        keys.update(dict.fromkeys(part.model_fields))
        waiting += [kind for name in part.model_fields for kind in _models_in(part.model_fields[name].annotation)]
    return tuple(keys)


def _models_in(annotation: Any) -> list[type[Value]]:
    found: list[type[Value]] = []
    waiting = [annotation]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and issubclass(part, Value):
            found.append(part)
        waiting += getattr(part, "__args__", ())
    return found
