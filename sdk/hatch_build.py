"""Puts the template into the package: one version, so that a repository can be compared with it offline.

In the repository the template lies beside `sdk/`; in an unpacked source distribution it lies inside.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = ("copier.yml", "template")


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        here = Path(self.root)
        home = here if (here / "copier.yml").exists() else here.parent
        inside = "" if self.target_name == "sdist" else "vendorkit/_template/"
        for part in PARTS:
            build_data["force_include"][str(home / part)] = inside + part
