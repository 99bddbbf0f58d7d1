"""What a gate's `slice` means: a condition on rows (`age < 25 and sex = female`), or columns whose groups are compared.

A small grammar, parsed by hand and never evaluated as code. What a slice picks from rows is in `gates.columns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vendorkit.errors import BadInput

Operator = Literal["<", "<=", ">", ">=", "=", "!="]

MISSING = "(missing)"
"""Name of the group of rows without a value."""
LONGEST = 500
DEEPEST = 20
MOST_COLUMNS = 12

_TOKEN = re.compile(
    r"\s*(?:(?P<operator><=|>=|==|!=|<>|<|>|=)|(?P<mark>[(),])"
    r"|(?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![\w.])"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<quoted>`[^`]+`)|(?P<word>[^\W\d][\w.-]*))"
)
_SPELLED: dict[str, Operator] = {"==": "=", "<>": "!="}
HOW = "Write a column (`sex`), columns (`sex, housing`) or a condition (`age < 25 and sex = 'female'`)."


@dataclass(frozen=True)
class Comparison:
    """A column held against a number or a text."""

    column: str
    operator: Operator
    value: float | str


@dataclass(frozen=True)
class Joined:
    """Conditions of which all (`and`) or at least one (`or`) must hold."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]


Condition = Comparison | Joined


@dataclass(frozen=True)
class Slice:
    """A parsed slice: either a condition, or columns whose groups are compared.

    Args:
        text: As it was written.
        condition: Which rows; None where groups are compared.
        groups: Columns whose groups are compared; of two or more columns, each alone and each pair.
    """

    text: str
    condition: Condition | None
    groups: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it looks at, each once."""
        found = self.groups if self.condition is None else tuple(_columns(self.condition))
        return tuple(dict.fromkeys(found))


def group_name(level: object) -> str:
    """A value of a column as the name of its group: whole numbers without a point."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() and abs(level) < 1e15 else str(level)


def parse_slice(text: str) -> Slice:
    """Read a slice.

    Args:
        text: `age < 25`, `sex = 'female' or housing != own`, `sex`, or `sex, housing`. Columns with other than
            letters, digits, `_`, `.` and `-` stand in backquotes, texts in quotes where they are not one word.

    Raises:
        BadInput: It cannot be read; says what was expected and at which character.
    """
    if len(text) > LONGEST:
        raise _bad(text, f"is longer than {LONGEST} characters")
    reader = _Reader(text)
    if reader.is_list():
        return Slice(text, None, reader.names())
    condition = reader.alternatives(0)
    reader.end()
    return Slice(text, condition, ())


def _columns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Comparison):
        yield condition.column
    else:
        for part in condition.parts:
            yield from _columns(part)


def _bad(text: str, says: str) -> BadInput:
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return BadInput(f"slice `{shown}` {says}.", fix=HOW)


class _Reader:
    """The tokens of a slice, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._fault("has something unreadable", at)
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()
        self._next = 0

    def is_list(self) -> bool:
        """Whether there is neither a comparison nor a parenthesis."""
        return not any(kind == "operator" or value in ("(", ")") for kind, value, _ in self._tokens)

    def names(self) -> tuple[str, ...]:
        """The columns of a list."""
        found = [self._column()]
        while self._take("mark", ","):
            found.append(self._column())
        self.end()
        if len(set(found)) < len(found):
            raise self._fault("names a column twice", 0)
        if len(found) > MOST_COLUMNS:
            raise self._fault(f"names more than {MOST_COLUMNS} columns", 0)
        return tuple(found)

    def alternatives(self, depth: int) -> Condition:
        """`a or b or c`."""
        parts = [self._conjunction(depth)]
        while self._take("word", "or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def end(self) -> None:
        """Refuse what is left over."""
        if self._next < len(self._tokens):
            raise self._expected("`and`, `or` or the end")

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._term(depth)]
        while self._take("word", "and"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def _term(self, depth: int) -> Condition:
        if self._take("mark", "("):
            if depth >= DEEPEST:
                raise self._fault("has too many parentheses", 0)
            inner = self.alternatives(depth + 1)
            if not self._take("mark", ")"):
                raise self._expected("`)`")
            return inner
        column = self._column()
        kind, operator, _ = self._peek()
        if kind != "operator":
            raise self._expected("a comparison such as `<`, `=` or `!=`")
        self._next += 1
        spelled: Operator = _SPELLED.get(operator, operator)  # type: ignore[arg-type]
        return Comparison(column, spelled, self._value(spelled))

    def _column(self) -> str:
        kind, value, _ = self._peek()
        if kind == "quoted" or (kind == "word" and value.lower() not in ("and", "or")):
            self._next += 1
            return value.strip("`")
        raise self._expected("the name of a column")

    def _value(self, operator: Operator) -> float | str:
        kind, value, _ = self._peek()
        if kind == "number":
            self._next += 1
            return float(value)
        if kind in ("text", "word"):
            if operator not in ("=", "!="):
                raise self._expected(f"a number after `{operator}`")
            self._next += 1
            return value[1:-1] if kind == "text" else value
        raise self._expected("a number or a text")

    def _take(self, kind: str, value: str) -> bool:
        found_kind, found, _ = self._peek()
        if found_kind == kind and found.lower() == value:
            self._next += 1
            return True
        return False

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "", len(self._text))

    def _expected(self, what: str) -> BadInput:
        kind, value, at = self._peek()
        return self._fault(f"needs {what} {'at its end' if kind == 'end' else f'in place of `{value}`'}", at)

    def _fault(self, says: str, at: int) -> BadInput:
        return _bad(self._text, f"{says} (character {at + 1})")
