"""Strict YAML: the plain value of a text, and on which line each of its keys stands.

Values are built from the event stream without recursion, so that no input can exhaust the stack. What a value
means is not decided here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import key_path

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_FAULTS = 200

KeyPath = tuple[int | str, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = ("", "~", "null", "Null", "NULL")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BOOLEAN_KEYS = ("on", "off", "yes", "no", "y", "n", "true", "false")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class YamlText:
    """What a YAML text says.

    Args:
        value: Plain values: dict with string keys, list, str, int, float, bool, None.
        lines: Key path to line number, counted from 1. The path of an entry in a list ends in its index.
        where: The file it comes from, for messages.
    """

    value: Any
    lines: Mapping[KeyPath, int]
    where: str

    def place(self, path: KeyPath) -> str:
        """`engagement.yaml:12: people.ann.org`; a key that is missing is placed at its parent."""
        return place(self.where, self.lines, path)


def place(where: str, lines: Mapping[KeyPath, int], path: KeyPath) -> str:
    """Where a key path stands, as `FILE:LINE: PATH`."""
    known = path
    while known and known not in lines:
        known = known[:-1]
    line = lines.get(known, 1)
    return f"{where}:{line}: {key_path(path)}" if path else f"{where}:{line}"


def capped(faults: Iterable[Fault], where: str) -> list[Fault]:
    """At most 200 faults; one more then tells that there are others. No more than these are worked out."""
    some = list(islice(faults, MAX_FAULTS + 1))
    if len(some) > MAX_FAULTS:
        some[MAX_FAULTS] = Fault(where, "there are more faults.", "Mend these first.")
    return some


class NotTextError(BadInput):
    """The bytes are no text that could be judged: binary, or too long."""


def read_yaml(data: bytes, where: str, *, most: int = MAX_BYTES) -> YamlText:
    """Read one YAML document strictly, with YAML 1.2's core meaning of plain words.

    Args:
        data: UTF-8 text, nested at most 64 levels deep.
        where: The file it comes from, for messages.
        most: Bytes that it may have.

    Raises:
        NotTextError: Binary, or too long.
        BadInput: Not such YAML; anchors, aliases, tags, several documents, duplicate keys, keys that other
            readers take for booleans; `faults` has all of them with their lines.
    """
    text = _decode(data, where, most)
    builder = _Builder(where)
    try:
        for event in _events(text):
            builder.take(event)
    except _TooDeepError:
        builder.faults.append(Fault(f"{where}:{builder.line}", f"nested more than {MAX_DEPTH} levels deep."))
    except yaml.YAMLError as error:
        builder.faults.append(_syntax_fault(error, text, where))
    if not builder.faults and builder.documents == 0:
        builder.faults.append(Fault(where, "is empty."))
    if builder.faults:
        raise BadInput(f"{where} is not valid.", capped(builder.faults, where))
    return YamlText(builder.value, builder.lines, where)


def _decode(data: bytes, where: str, most: int) -> str:
    if len(data) > most:
        says = f"is {len(data):,} bytes long; at most {most:,} are read."
        raise NotTextError(f"{where} is too long.", [Fault(where, says)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        says = f"byte {error.start} is not UTF-8 text; is it a binary file?"
        raise NotTextError(f"{where} is not text.", [Fault(f"{where}:{line}", says)]) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        fault = Fault(f"{where}:{line}", "has a NUL byte; is it a binary file?")
        raise NotTextError(f"{where} is not text.", [fault])
    return text


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax_fault(error: yaml.YAMLError, text: str, where: str) -> Fault:
    """What the YAML parser stumbled over, and where the thing began that it was reading."""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
    says = f"not YAML: {' '.join(str(problem).split())}"
    begun = getattr(error, "context_mark", None)
    if begun is not None and error.context:  # type: ignore[attr-defined]
        says += f" ({error.context} that starts on line {begun.line + 1})"  # type: ignore[attr-defined]
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Fault(where, f"{says}.")
    last = len(text.splitlines()) or 1  # the parser counts the end of the file as one line more
    return Fault(f"{where}:{min(mark.line + 1, last)}", f"{says}.")


class _TooDeepError(Exception):
    pass


@dataclass
class _Open:
    """A mapping or sequence whose end has not come yet. `key` waits for its value."""

    path: KeyPath
    value: Any
    key: str | None = None
    skips: bool = False  # the value to come has a key that cannot be used
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Takes events one by one; keeps the open collections on its own stack."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.value: Any = None
        self.lines: dict[KeyPath, int] = {}
        self.faults: list[Fault] = []
        self.documents = 0
        self.line = 1
        self._stack: list[_Open] = []
        self._ignored = 0  # depth inside a key that is itself a collection

    def take(self, event: Any) -> None:
        """Take one event of the stream."""
        self.line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:
                self._fault("a second document starts here; expected one.")
        elif isinstance(event, yaml.AliasEvent):
            self._fault(f"alias *{event.anchor} is not allowed; write the value out.")
            self._add(None)
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_extras(event)
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_extras(event)
            self._start({} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()

    def _fault(self, says: str, path: KeyPath | None = None, fix: str = "") -> None:
        here = self._next_path() if path is None else path
        at = f"{self.where}:{self.line}"
        self.faults.append(Fault(f"{at}: {key_path(here)}" if here else at, says, fix))

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            self._fault(f"anchor &{event.anchor} is not allowed; write the value out where it is needed.")
        if event.tag is not None:
            self._fault(f"tag {event.tag} is not allowed.")

    def _next_path(self) -> KeyPath:
        """The path of the value that comes next."""
        if not self._stack:
            return ()
        top = self._stack[-1]
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return top.path if top.key is None else (*top.path, top.key)

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _start(self, value: Any) -> None:
        if len(self._stack) + self._ignored >= MAX_DEPTH:
            raise _TooDeepError
        if self._ignored or self._awaits_key():
            if not self._ignored:
                self._fault("a key must be a word.")
            self._ignored += 1
            return
        path = self._next_path()
        self._add(value)
        self._stack.append(_Open(path, value))

    def _end(self) -> None:
        if not self._ignored:
            self._stack.pop()
            return
        self._ignored -= 1
        if not self._ignored:
            self._stack[-1].key, self._stack[-1].skips = "?", True

    def _scalar(self, event: Any) -> None:
        if self._ignored:
            return
        plain = not event.style
        if self._awaits_key():
            self._key(event.value, plain)
            return
        if _UNPRINTABLE.search(event.value):
            self._fault("has a control character.")
        self._add(self._resolve(event.value) if plain else event.value)

    def _key(self, key: str, plain: bool) -> None:
        top = self._stack[-1]
        path = (*top.path, key)
        if plain and key.lower() in _BOOLEAN_KEYS:
            self._fault(f"key {key} reads as a boolean elsewhere.", path, "Choose another word.")
        elif _UNPRINTABLE.search(key) or key == "" or (plain and key in _NULL):
            self._fault("a key must be a printable word.", top.path)
            top.key, top.skips = "?", True
            return
        elif key in top.seen:
            self._fault(f"duplicate key; it stands on line {top.seen[key]} already.", path)
            top.skips = True
        top.seen.setdefault(key, self.line)
        self.lines.setdefault(path, self.line)
        top.key = key

    def _add(self, value: Any) -> None:
        """Put a value where it belongs."""
        if self._ignored:
            return
        if not self._stack:
            if self.documents <= 1:
                self.value = value
            return
        top = self._stack[-1]
        if isinstance(top.value, list):
            self.lines[(*top.path, len(top.value))] = self.line
            top.value.append(value)
        elif top.key is None:  # an alias as key
            top.key, top.skips = "?", True
        else:
            if not top.skips:
                top.value[top.key] = value
            top.key, top.skips = None, False

    def _resolve(self, word: str) -> Any:
        """A plain word by YAML 1.2's core schema; dates and yes/no stay words."""
        if word in _NULL:
            return None
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        if _INTEGER.fullmatch(word):
            if len(word) <= 20:
                base = {"0o": 8, "0x": 16}.get(word[:2], 10)
                number = int(word[2:] if base != 10 else word, base)
                if abs(number) < 2**53:
                    return number
            self._fault("this whole number is too large; at most 2**53 is exact.")
        elif _FLOAT.fullmatch(word):
            real = float(word)
            if math.isfinite(real):
                return real
            self._fault("this number is too large.")
        elif _NOT_FINITE.fullmatch(word):
            self._fault("expected a finite number.")
        return word
