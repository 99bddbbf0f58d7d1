"""The manifest, the list of a fleet and the records, from their models."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import vendorkit.records.fleet
from pydantic import BaseModel
from vendorkit.records import base
from vendorkit.records.base import Record
from vendorkit.records.fleet import Fleet
from vendorkit.records.manifest import words
from vendorkit.records.manifest.model import OWED_UNTIL_DELIVERY, Manifest
from vendorkit.records.manifest.rules import CROSS_RULES, SCHEMA_RULES, WAIVER_RULES

from generator.form import anchor, page, table
from generator.models import Names, described, fields, kinds_of_values, parts_of

ORDER = "Snapshot FeatureSet Run GateReport Build Contract Release Decision Deployment Reproduction Pack Acceptance"
"""Records in the order in which they come to be."""


def manifest() -> str:
    """`reference/manifest.md`, from the manifest's models and rules."""
    head = """`engagement.yaml` declares; evidence proves. No result that a step could measure stands in it. Unknown and
duplicate keys are errors, and all faults are shown at once, each with its path and line. The same as
JSON Schema 2020-12, for editors, is `vendorkit/schemas/engagement.schema.json` in the package."""
    owed = ", ".join(f"`{name}`" for name in OWED_UNTIL_DELIVERY)
    names: Names = {model: path for path, model in parts_of(Manifest)}
    sections = [
        f"## {path}\n\n{described(model)[0]}\n\n{fields(model, names, nothing='absent')}"
        for model, path in names.items()
    ]
    rules = "\n".join(
        f"- {inspect.cleandoc(rule.__doc__ or '')}" for rule in (*SCHEMA_RULES, *CROSS_RULES, *WAIVER_RULES)
    )
    return page(
        "Manifest",
        head,
        "## Top level",
        fields(Manifest, names, nothing="absent"),
        f"May be absent at stage kickoff, and must be there from stage delivery on: {owed}.",
        *sections,
        "## Kinds of values",
        kinds_of_values(words),
        "## Rules across the file",
        "What no single entry can tell. A breach is an error of MAN-01, MAN-02 or MAN-05.",
        rules,
    )


def fleet() -> str:
    """`reference/fleet.md`, from the models of the list of a fleet."""
    head = """`fleet.yaml` lists the repositories of a fleet and says how updates are rolled out. `vendorkit fleet add`
writes it and keeps what stands there; edit it as you like. Unknown and duplicate keys are errors, and all faults are
shown at once, each with its path and line."""
    names: Names = {model: path for path, model in parts_of(Fleet)}
    sections = [
        f"## {path}\n\n{described(model)[0]}\n\n{fields(model, names, nothing='absent')}"
        for model, path in names.items()
    ]
    kinds = [kinds_of_values(vendorkit.records.fleet), kinds_of_values(words)]
    return page(
        "Fleet list",
        head,
        "## Top level",
        fields(Fleet, names, nothing="absent"),
        *sections,
        "## Kinds of values",
        *kinds,
    )


def records() -> str:
    """`reference/records.md`, from the record classes."""
    for module in pkgutil.iter_modules(vendorkit.records.__path__, "vendorkit.records."):
        importlib.import_module(module.name)
    head = """A record is a frozen JSON document. Its name is the SHA-256 of its canonical form (RFC 8785), written
`sha256:` and 64 hexadecimal digits, and it names its parents by such digests. Besides its own fields each
carries `schema`. Unknown fields are errors. Where each record lies is told in
[Where records lie](../explanation/where-records-lie.md); the digest of a table in
[Content digest](content-digest.md)."""
    ours = [kind for kind in Record.__subclasses__() if kind.__module__.startswith("vendorkit.")]
    every = sorted(ours, key=lambda kind: (ORDER.find(kind.__name__), kind.__name__))
    parts = list(dict.fromkeys(part for kind in every for _, part in parts_of(kind)))
    names: Names = {kind: kind.__name__ for kind in [*every, *parts]}
    overview = [
        [f"[{kind.__name__}](#{anchor(kind.__name__)})", f"`{kind.schema_name}`", described(kind)[0].split("\n")[0]]
        for kind in every
    ]
    return page(
        "Records",
        head,
        table(["record", "schema", "what it says"], overview),
        *(_section(kind, names, 2) for kind in every),
        "## Parts of records",
        *(_section(kind, names, 3) for kind in parts if kind not in every),
        "## Kinds of values",
        kinds_of_values(base),
    )


def _section(kind: type[BaseModel], names: Names, level: int) -> str:
    return f"{'#' * level} {kind.__name__}\n\n{described(kind)[0]}\n\n{fields(kind, names, nothing='null')}"
