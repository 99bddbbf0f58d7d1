"""Fields of pydantic models, in words."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import vendorkit.records.fleet
from pydantic import BaseModel
from vendorkit.records import base
from vendorkit.records.manifest import words

from generator.form import anchor, table


def described(model: type) -> tuple[str, dict[str, str]]:
    """A docstring as its words and the meaning of each argument."""
    text = inspect.cleandoc(model.__doc__ or "")
    says, _, arguments = text.partition("Args:\n")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + arguments.split("\n\n")[0]) if arguments else []:
        names, _, meaning = entry.strip().partition(":")
        for name in names.split(","):
            meanings[name.strip()] = " ".join(meaning.split())
    return says.strip(), meanings


def constants(module: types.ModuleType) -> dict[str, tuple[Any, str]]:
    """Name to value and documentation of a module's own words."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for place, node in enumerate(body):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        after = body[place + 1] if place + 1 < len(body) else None
        said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        says = str(after.value.value) if said else ""  # type: ignore[union-attr]
        found[node.targets[0].id] = (getattr(module, node.targets[0].id), says)
    return found


WORDS = {**constants(words), **constants(base), **constants(vendorkit.records.fleet)}


def hints(model: type[BaseModel]) -> dict[str, Any]:
    """Field to its annotation, with names of words kept apart."""
    every = get_type_hints(model, include_extras=True)
    return {name: every[name] for name in model.model_fields}


def spoken(name: str) -> str:
    """`RepoPath` as `repo path`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


Names = dict[type[BaseModel], str]
"""The heading under which a page tells of a model."""


def type_name(kind: Any, names: Names) -> str:
    """A type in words of JSON, for instance `list of text`; named words and parts are links."""
    named = next((name for name, (value, _) in WORDS.items() if get_origin(value) is Annotated and kind == value), "")
    if named:
        return "text" if named == "Text" else f"[{spoken(named)}](#kinds-of-values)"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{names[kind]}](#{anchor(names[kind])})"
    if get_origin(kind) is Annotated:
        return type_name(get_args(kind)[0], names)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    return _composed(kind, names) or {str: "text", int: "integer", float: "number", bool: "true or false"}[kind]


def _composed(kind: Any, names: Names) -> str:
    """A union, list or mapping; empty text for what is none of them."""
    parts = [type_name(part, names) for part in get_args(kind) if part not in (types.NoneType, ...)]
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(parts))
    if get_origin(kind) is tuple:
        return f"list of {' and '.join(parts)}"
    return f"{parts[0]} to {parts[1]}" if parts else ""


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from models_in(part)


def parts_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Key path and model of everything that a model's fields are made of, in order, nested ones too."""
    for name, kind in hints(model).items():
        here = f"{path}.{name}" if path else name
        for part in models_in(kind):
            yield here, part
            yield from parts_of(part, here)


def fields(model: type[BaseModel], names: Names, *, nothing: str) -> str:
    """The table of a model's fields; `nothing` is what stands for Python's None."""
    _, meanings = described(model)
    rows = []
    for name, kind in hints(model).items():
        needed = "yes" if model.model_fields[name].is_required() else ""
        says = re.sub(r"\bNone\b", nothing, meanings.get(name, ""))
        may_be_null = nothing == "null" and types.NoneType in get_args(kind)
        shown = type_name(kind, names) + (" or null" if may_be_null else "")
        rows.append([f"`{name}`", shown, needed, says[:1].upper() + says[1:]])
    if not any(row[3] for row in rows):
        return table(["key", "value", "required"], [row[:3] for row in rows])
    return table(["key", "value", "required", "meaning"], rows)


def kinds_of_values(module: types.ModuleType) -> str:
    """The table of named words: ids, dates, digests."""
    rows = []
    for name, (value, says) in constants(module).items():
        if get_origin(value) is Annotated:
            patterns = [getattr(part, "pattern", None) for part in get_args(value)[1:]]
            pattern = next((f"`{found}`" for found in patterns if found and found != r"\S"), "")
            rows.append([spoken(name), " ".join(says.split()), pattern])
    return table(["name", "meaning", "pattern"], rows)
