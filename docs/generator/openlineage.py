"""The events that are sent, from the facets that are written and the schema of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vendorkit.documents.openlineage_facets import FACETS, TRAINING, training_facet_schema

from generator.form import page, table


def openlineage() -> str:
    """`reference/openlineage.md`, from the facets that are written and the schema of our own."""
    head = """`vendorkit trace ID --format openlineage` prints the events of a release, one a line; the steps send them
as [Send lineage to your catalogue](../how-to/send-lineage.md) tells. They keep specification 2-0-2 of
[OpenLineage](https://openlineage.io). Column lineage is not written: which columns a feature was made from is known
to the vendor's code alone."""
    jobs = [
        ["`MODEL.delivery`", "one candidate's way from training to registration; the parent of all others", "", ""],
        ["`MODEL.train`", "training", "each dataset, version: its content digest", "`MODEL.candidate`"],
        ["`MODEL.gate`", "the gates; ends with FAIL where they fail", "`MODEL.candidate`, the benchmarks", ""],
        ["`MODEL.publish`", "registration", "`MODEL.candidate`", "`MODEL`, version: the release's digest"],
        ["`MODEL.KIND`", "a decision of that kind", "`MODEL`", "`MODEL@ALIAS` where an alias moved"],
    ]
    naming = """The namespace of jobs is the engagement's id; of models `systems.models`, else `vendorkit://ENGAGEMENT/models`;
of datasets the scheme and host of their URL, else `systems.code`. Users, passwords and queries of URLs are left out.
A run id is the run record's own, else UUID version 5 of the record's digest in the URL namespace."""
    official = [[f"`{name}`", version] for name, version in sorted(FACETS.items())]
    schema = json.loads(training_facet_schema())
    return page(
        "OpenLineage events",
        head,
        "## Jobs",
        table(["job", "what", "inputs", "outputs"], jobs),
        naming,
        "## Official facets",
        table(["facet", "version"], official),
        "## vendorkit_training, a run facet of our own",
        f"{schema['description']}\n\nIts `_schemaURL` is `{TRAINING}`: the `$id` of "
        "`vendorkit/schemas/training-run-facet.schema.json` in the package, which tests hold every event against.",
        table(["key", "value", "required", "meaning"], list(_schema_rows(schema, "", schema["$defs"]))),
    )


def _schema_rows(schema: dict[str, Any], path: str, parts: dict[str, Any]) -> Iterator[list[str]]:
    for name, given in schema["properties"].items():
        part = {**parts.get(str(given.get("$ref", "")).rpartition("/")[2], {}), **given}
        inner = part.get("items", part)
        kind = inner.get("type") or ("one of " + ", ".join(inner["enum"]) if "enum" in inner else "text")
        kind = {"string": "text", "object": "mapping"}.get(kind, kind)
        listed = f"list of {kind}s" if part.get("type") == "array" else kind
        needed = "yes" if name in schema.get("required", ()) else ""
        yield [f"`{path}{name}`", listed, needed, part.get("description", "")]
        if "properties" in inner:
            yield from _schema_rows(inner, f"{path}{name}.", parts)
