"""Real data and official schemas that lie beside the repository in ../shared; tests skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The path of a shared file, for instance `german-credit/german.csv`; skips the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs real data: ../shared/data/{name} is not there")
    return path


def shared_schema(name: str) -> Path:
    """The path of an official schema, for instance `modelpack/config-schema.json`; skips where it is absent."""
    path = SHARED.parent / "schemas" / name
    if not path.exists():
        pytest.skip(f"needs an official schema: ../shared/schemas/{name} is not there")
    return path
