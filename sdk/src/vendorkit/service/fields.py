"""One field of the contract: is this value fit, and if not, what happens to it.

Types are JSON's own: `true` is no number, `"5"` is no number, 1.5 is no integer; 3.0 is one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from vendorkit.records.contract import Behaviour
from vendorkit.records.features import Feature

REJECT = "reject-422"
ACCEPT = "accept"
ABSENT: Any = msgspec.UNSET
UNFIT: Any = object()
"""Given by `Field.fit` for a value that `Field.check` must look at."""

LARGEST_INTEGER = 2**63 - 1
SHOWN = 60

_PLAIN_NAME = re.compile(r"[^\W\d]\w*(-\w+)*")


@dataclass(frozen=True)
class Doubt:
    """What is not fit about a value.

    Args:
        kind: `missing`, `invalid`, `stale` or `out_of_distribution`.
        says: What is wrong and what was expected.
        action: What the contract says is done: `reject-422`, or the name of what is done instead.
    """

    kind: str
    says: str
    action: str


class Field:
    """Checks the values of one field.

    Args:
        feature: The field.
        behaviour: What the contract does with input that is not fit.
    """

    def __init__(self, feature: Feature, behaviour: Behaviour) -> None:
        self.fit = _fit(feature)
        self.name = feature.name
        self.path = join_path("", feature.name)
        self._feature = feature
        self._behaviour = behaviour
        self._convert = _CONVERT[feature.type]
        self._minimum = feature.minimum
        self._maximum = feature.maximum
        self._categories = None if feature.categories is None else frozenset(feature.categories)
        self._takes_absent = behaviour.missing == ACCEPT
        self._takes_null = feature.nullable or self._takes_absent

    def check(self, value: Any) -> tuple[Any, Doubt | None]:
        """The value as the model gets it (None where it gets none), and what is not fit about it."""
        if value is None or value is ABSENT:
            return None, self._missing(value)
        converted = self._convert(value)
        if converted is None:
            expected = f"expected {_EXPECTED[self._feature.type]}"
            return None, Doubt("invalid", f"is {show(value)}, {expected}.", self._behaviour.invalid)
        if self._categories is not None:
            if converted not in self._categories:
                return converted, self._unseen(f"is {show(value)}, which training never saw.")
        elif self._minimum is not None and converted < self._minimum:
            return converted, self._unseen(
                f"is {show(value)}, below {_plain(self._minimum)}, the least seen in training."
            )
        elif self._maximum is not None and converted > self._maximum:
            return converted, self._unseen(
                f"is {show(value)}, above {_plain(self._maximum)}, the most seen in training."
            )
        return converted, None

    def _missing(self, value: Any) -> Doubt | None:
        if self._takes_null if value is None else self._takes_absent:
            return None
        expected = f"expected {_EXPECTED[self._feature.type]}" + (" or null" if self._feature.nullable else "")
        found = "is missing" if value is ABSENT else "is null"
        return Doubt("missing", f"{found}, {expected}.", self._behaviour.missing)

    def _unseen(self, says: str) -> Doubt:
        return Doubt("out_of_distribution", says, self._behaviour.out_of_distribution)


def join_path(start: str, name: str) -> str:
    """`.age`, or `["odd name"]` for a name that is not a plain word. Long names are cut."""
    if len(name) > SHOWN:
        name = f"{name[:SHOWN]}..."
    if _PLAIN_NAME.fullmatch(name):
        return f"{start}.{name}"
    return f"{start}[{json.dumps(name, ensure_ascii=False)}]"


def show(value: Any) -> str:
    """A JSON value in a message: short, and never a whole object."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**SHOWN:
        return "a number of more than 60 digits"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _fit(feature: Feature) -> Callable[[Any], Any]:
    """The short way for the values that almost all callers send: what `check` gives without a doubt, or UNFIT."""
    least = -sys.float_info.max if feature.minimum is None else feature.minimum
    most = sys.float_info.max if feature.maximum is None else feature.maximum
    known = None if feature.categories is None else frozenset(feature.categories)

    def number(value: Any) -> Any:
        kind = type(value)
        return float(value) if (kind is float or kind is int) and least <= value <= most else UNFIT

    def integer(value: Any) -> Any:
        return value if type(value) is int and least <= value <= most and abs(value) <= LARGEST_INTEGER else UNFIT

    def string(value: Any) -> Any:
        return value if type(value) is str and (known is None or value in known) else UNFIT

    def boolean(value: Any) -> Any:
        return value if type(value) is bool else UNFIT

    return {"number": number, "integer": integer, "string": string, "boolean": boolean}[feature.type]


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < LARGEST_INTEGER else repr(value)


def _number(value: Any) -> float | None:
    if type(value) is float:
        return value
    if type(value) is not int:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _integer(value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER else None


def _string(value: Any) -> str | None:
    return value if type(value) is str else None


def _boolean(value: Any) -> bool | None:
    return value if type(value) is bool else None


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "string": _string,
    "boolean": _boolean,
}
_EXPECTED = {
    "number": "a number",
    "integer": "an integer of at most 64 bits",
    "string": "a string",
    "boolean": "true or false",
}
