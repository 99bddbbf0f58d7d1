"""From the bytes of `engagement.yaml` to a `Manifest`, or to everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from pydantic import ValidationError

from vendorkit.errors import BadInput, Fault
from vendorkit.records.manifest.draft import Draft, Problem, draft_of
from vendorkit.records.manifest.model import Manifest
from vendorkit.records.manifest.rules import CROSS_RULES, SCHEMA_RULES, WAIVER_RULES, Rule
from vendorkit.records.plain_words import kind_of
from vendorkit.records.shape_faults import shape_faults
from vendorkit.records.yaml_text import NotTextError, YamlText, capped, read_yaml

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Examined:
    """A manifest and everything that is wrong with it.

    Args:
        manifest: The manifest; None where its shape is wrong.
        draft: As much of it as could be read.
        text: The plain value with its lines.
        shape: Faults of the file's shape: keys, types, required sections.
        cross: Faults across the file.
        waivers: Faults of the exceptions.
    """

    manifest: Manifest | None
    draft: Draft
    text: YamlText
    shape: tuple[Fault, ...]
    cross: tuple[Fault, ...]
    waivers: tuple[Fault, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults in the order of the file."""
        return (*self.shape, *self.cross, *self.waivers)


def load_manifest(text: bytes, where: str = "engagement.yaml") -> Manifest:
    """Read a manifest, or tell every fault of it at once.

    Args:
        text: UTF-8 text of the file, at most 1 MB.
        where: Its name, for messages.

    Raises:
        BadInput: Not strict YAML, another schema version, wrong shape, or rules across the file are broken;
            `faults` has each with line and key path.
    """
    found = examine(text, where)
    if found.faults or found.manifest is None:
        raise BadInput(f"{where} is not a valid manifest.", capped(found.faults, where))
    return found.manifest


def examine(text: bytes, where: str = "engagement.yaml") -> Examined:
    """Read a manifest as far as possible, with all its faults.

    Raises:
        NotTextError: The bytes are binary, or too long.
    """
    try:
        read = read_yaml(text, where)
    except NotTextError:
        raise
    except BadInput as error:
        return Examined(None, Draft(), YamlText(None, {}, where), error.faults, (), ())
    version = _other_version(read)
    if version is not None:
        return Examined(None, Draft(), read, (version,), (), ())
    shape: Iterable[Fault] = ()
    manifest = None
    try:
        manifest = Manifest.model_validate_json(json.dumps(read.value))
    except ValidationError as error:
        shape = shape_faults(error, read, Manifest, "the manifest")
    draft = draft_of(read.value)
    return Examined(
        manifest,
        draft,
        read,
        tuple(capped(chain(shape, _broken(SCHEMA_RULES, draft, read)), where)),
        tuple(capped(_broken(CROSS_RULES, draft, read), where)),
        tuple(capped(_broken(WAIVER_RULES, draft, read), where)),
    )


def _other_version(read: YamlText) -> Fault | None:
    """The fault of a file that this version cannot judge; other faults of it would mislead."""
    if not isinstance(read.value, dict):
        return Fault(read.place(()), f"is {kind_of(read.value)}; expected a mapping with the keys of a manifest.")
    version = read.value.get("schema_version")
    if "schema_version" in read.value and version != SCHEMA_VERSION and type(version) is int:
        says = f"is {version}; this vendorkit reads {SCHEMA_VERSION}."
        fix = "Install a newer vendorkit." if version > SCHEMA_VERSION else f"Set `schema_version: {SCHEMA_VERSION}`."
        return Fault(read.place(("schema_version",)), says, fix)
    return None


def _broken(rules: Iterable[Rule], draft: Draft, read: YamlText) -> Iterator[Fault]:
    return (_fault(problem, read) for rule in rules for problem in rule(draft))


def _fault(problem: Problem, read: YamlText) -> Fault:
    return Fault(read.place(problem.path), problem.says, problem.fix)
