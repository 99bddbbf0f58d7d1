"""What a Jinja text depends on: the variables it may read, the files it includes, chance.

Jinja's own analysis of undeclared variables answers it. Where that cannot tell, the text depends on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Any

from jinja2 import Environment, meta, nodes

from vendorkit.errors import BadInput, Fault

_BY_CHANCE = {"random", "shuffle", "ans_random", "random_mac", "now", "make_secret", "lipsum"}
"""Filters and variables that give another value each time."""

_MAPPINGS = ("_copier_conf", "_copier_answers")
"""Variables of Copier that are read by attribute: only the attributes that are named count."""

_MOST_VALUES = 20_000


@dataclass(frozen=True)
class Dependence:
    """What decides what a text renders to, beside the text.

    Args:
        names: Variables, as `(name,)` or `(name, attribute)`.
        files: Files that it includes, imports or extends, by their names in the template.
        open_ended: Whether it includes files that only rendering names.
        chance: Whether it renders to something else each time.
    """

    names: frozenset[tuple[str, ...]] = frozenset()
    files: frozenset[str] = frozenset()
    open_ended: bool = False
    chance: bool = False

    def __or__(self, other: Dependence) -> Dependence:
        return Dependence(
            self.names | other.names,
            self.files | other.files,
            self.open_ended or other.open_ended,
            self.chance or other.chance,
        )


def dependence(environment: Environment, texts: Iterable[str]) -> Dependence:
    """What some texts depend on together, without what the files that they include depend on.

    Raises:
        jinja2.TemplateError: A text is no template.
    """
    found = Dependence()
    marks = (environment.block_start_string, environment.variable_start_string, environment.comment_start_string)
    for text in texts:
        if environment.line_statement_prefix or any(mark in text for mark in marks):
            found |= _of_text(environment, text)
    return found


def _of_text(environment: Environment, text: str) -> Dependence:
    tree = environment.parse(text)
    loose = meta.find_undeclared_variables(tree)
    named = {name for node in tree.find_all(nodes.Filter) if (name := node.name)}
    names: set[tuple[str, ...]] = set()
    for name in loose:
        attributes = _attributes(tree, name) if name in _MAPPINGS else None
        names |= {(name,)} if attributes is None else {(name, attribute) for attribute in attributes}
    referenced = set(meta.find_referenced_templates(tree))
    return Dependence(
        frozenset(names),
        frozenset(name for name in referenced if name is not None),
        None in referenced,
        bool((named | loose) & _BY_CHANCE),
    )


def _attributes(tree: nodes.Template, name: str) -> set[str] | None:
    """The attributes by which a text reads a mapping; None where it reads it in another way too."""
    found = set()
    known = 0
    reads: list[Any] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    for node in reads:
        if isinstance(node.node, nodes.Name) and node.node.name == name:
            attribute = node.attr if isinstance(node, nodes.Getattr) else _constant(node.arg)
            if attribute is None:
                return None
            found.add(attribute)
            known += 1
    uses = sum(node.name == name for node in tree.find_all(nodes.Name))
    return found if uses == known else None


def _constant(node: nodes.Expr) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None


def closed(first: Dependence, text_of: Callable[[str], Dependence | None]) -> Dependence:
    """A dependence with that of every file that it leads to.

    Args:
        first: Of the text itself.
        text_of: What a file depends on; None where there is no such file.
    """
    found, left = first, set(first.files)
    seen: set[str] = set()
    while left - seen:
        name = min(left - seen)
        seen.add(name)
        more = text_of(name)
        if more is not None:
            found |= more
            left |= more.files
    return found


def values(names: Iterable[tuple[str, ...]], context: Mapping[str, Any]) -> tuple[object, ...]:
    """The values of variables as something that can be compared and hashed, types included.

    Raises:
        BadInput: They are too large to be answers.
    """
    return tuple(_value(path, context) for path in names)


def _value(path: tuple[str, ...], context: Mapping[str, Any]) -> object:
    value: Any = context
    for name in path:
        try:
            value = value[name]
        except KeyError:
            return "absent"
    return frozen(value)


def frozen(value: object) -> object:
    """A value as something that can be compared and hashed: 1, 1.0, true and "1" differ, and so does order.

    Raises:
        BadInput: It holds more than 20,000 values, as aliases of YAML can make of few bytes.
    """
    left = [_MOST_VALUES]

    def freeze(part: Any) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise BadInput("The answers are too large.", [Fault("answers", f"hold more than {_MOST_VALUES:,} values.")])
        if isinstance(part, Mapping):
            return ("map", *((freeze(key), freeze(item)) for key, item in part.items()))
        if isinstance(part, list | tuple | set):
            return ("list", *(freeze(item) for item in part))
        if isinstance(part, str | int | float | bool | date | bytes | PurePath) or part is None:
            return type(part).__name__, part
        return type(part).__name__, id(part)

    return freeze(value)
