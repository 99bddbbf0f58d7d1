"""A small forge over real HTTP on loopback that remembers, speaks as each real one does, and breaks down on demand."""

from __future__ import annotations

from tests.support.forges.server import FakeForge, serving
from tests.support.forges.state import CREATED, HEAD, Breakdown, Pull, Repo

__all__ = ["CREATED", "HEAD", "Breakdown", "FakeForge", "Pull", "Repo", "serving"]
