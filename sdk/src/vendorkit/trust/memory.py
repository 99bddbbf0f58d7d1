"""What this engagement's folder last saw of the decisions about a model: a log that lost its end is noticed here.

A chain cannot show by itself that its newest entries were cut off. Whoever has seen them can.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from vendorkit.adapters.registry import EMBEDDED, Registry
from vendorkit.adapters.store import working_folder, write_whole
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_json


class Memory:
    """The last decision about a model that was seen from an engagement's folder.

    Args:
        repo: The engagement.
        registry: Where the log lies; what was seen in another registry says nothing about this one.
        model: Id of the model.
    """

    def __init__(self, repo: Path, registry: Registry, model: str) -> None:
        embedded = str(repo / EMBEDDED) in registry.tracking
        place = "embedded" if embedded else digest_json([registry.tracking])[7:19]
        name = model if model.replace("-", "").replace("_", "").isalnum() else digest_json([model])[7:19]
        self.path = working_folder(repo) / "seen" / f"{name}-{place}.json"
        self.head, self.at = self._read()

    def _read(self) -> tuple[str | None, str]:
        try:
            value = json.loads(self.path.read_text("utf-8"))
            return str(value["head"]), str(value["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, ""

    def keep(self, head: str | None) -> None:
        """Remember the newest decision. A folder that cannot be written to remembers nothing."""
        if head and head != self.head:
            with suppress(OSError):
                write_whole(self.path, json.dumps({"head": head, "at": now()}).encode())
