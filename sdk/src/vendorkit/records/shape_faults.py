"""What is wrong with the shape of a declared file, in plain words with its line: what pydantic found, retold.

The manifest and the list of a fleet are judged by it; the rules of each file stand with its model.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import ValidationError

from vendorkit.errors import Fault
from vendorkit.records.base import Value
from vendorkit.records.plain_words import plain_words
from vendorkit.records.yaml_text import KeyPath, YamlText


def shape_faults(error: ValidationError, read: YamlText, model: type[Value], what: str) -> Iterator[Fault]:
    """Every fault that pydantic found; the other arguments are those of `shape_fault`.

    A list whose entries are all wrong is empty for pydantic, and not for its reader: that is no fault of its own.
    """
    for each in error.errors(include_url=False):
        if each["type"] != "too_short" or len(each["input"]) < each["ctx"]["min_length"]:
            yield shape_fault(each, read, model, what)


def shape_fault(error: Any, read: YamlText, model: type[Value], what: str) -> Fault:
    """A fault of pydantic in plain words, with its line.

    Args:
        error: One of `ValidationError.errors()`.
        read: The text that was judged.
        model: The model of the whole file; its keys are what a mistyped one is compared with.
        what: What the file is, for instance `the manifest`.
    """
    location: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    fix = ""
    if error["type"] == "missing":
        fix = f"Add `{location[-1]}`."
    elif error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(location[-1]), _known_keys(model), 1)
        fix = f"Did you mean `{near[0]}`?" if near else "Remove it."
    return Fault(read.place(location), plain_words(error, what), fix)


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
