"""The JSON Schema (2020-12) of the manifest, made from its models, for editors and other programs.

The packaged file is `vendorkit/schemas/engagement.schema.json`; `python -m vendorkit.records.manifest.schema`
prints what it should hold. Rules across the file are not in it.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from vendorkit.records.manifest.model import Manifest


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of `engagement.yaml`, version 1. Its descriptions are those of the models."""
    schema = Manifest.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        _describe(part)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vendorkit manifest, engagement.yaml",
    }
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}


def _describe(part: dict[str, Any]) -> None:
    """Hand each attribute's line of a model's docstring to its property, where editors show it."""
    says, _, listed = part.get("description", "").partition("\n\nArgs:\n")
    if says:
        part["description"] = " ".join(says.split())
    for name, line in re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE):
        part["properties"][name]["description"] = " ".join(line.split())


def schema_text() -> str:
    """The text of the packaged file."""
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
