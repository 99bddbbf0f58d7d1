"""Real data that lies beside the repository in ../shared/data; tests that need it skip where it is absent."""

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
