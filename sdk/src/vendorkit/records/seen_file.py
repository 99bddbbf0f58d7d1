"""What was seen at a path of a repository: a value, so that checks need not touch the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SeenFile:
    """What lies at a path.

    Args:
        kind: `link` for a symbolic link in any part of the path; `other` for folders, pipes and devices.
        data: The content of a regular file, else None.
    """

    kind: Literal["file", "link", "missing", "other", "too-large"]
    data: bytes | None = None
