"""The JSON Schema (2020-12) of the manifest, made from its models, for editors and other programs.

The packaged file is `vendorkit/schemas/engagement.schema.json`; `python -m vendorkit.records.manifest.schema`
prints what it should hold. Rules across the file are not in it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from vendorkit.records.manifest.model import Manifest


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of `engagement.yaml`, version 1."""
    schema = Manifest.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vendorkit manifest, engagement.yaml",
    }
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}


def schema_text() -> str:
    """The text of the packaged file."""
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
