"""The name of a project taken out of its declarations and its lock, and put back, so that a resolution can be shared.

Engagements differ by the name of their top project, which decides nothing that uv resolves. Both texts keep the form
that uv writes; where that cannot be had, nothing is renamed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

from vendorkit.records.toml_text import load_toml

SHARED = "engagement"
"""The name that every project has while it is resolved."""

_PACKAGE = "\n[[package]]\n"
_MEMBERS = re.compile(r"(?ms)^members = \[\n(.*?)^\]")


def name_in(declared: bytes) -> str:
    """The name of the project that a `pyproject.toml` declares, as uv writes it; empty where it has none."""
    name = load_toml(declared).get("project", {}).get("name", "")
    return re.sub(r"[-_.]+", "-", name).lower() if isinstance(name, str) else ""


def renamed_declarations(declared: bytes, new: str) -> bytes | None:
    """A `pyproject.toml` with another name and nothing else changed; None where that cannot be done for sure."""
    text = declared.decode("utf-8")
    wanted = tomllib.loads(text)
    renamed = re.sub(r"(?m)^(\[project\][^\[]*?^name[ \t]*=[ \t]*)([\"']).*?\2", rf'\g<1>"{new}"', text, count=1)
    if not isinstance(wanted.get("project"), dict):
        return None
    wanted["project"]["name"] = new
    return renamed.encode() if tomllib.loads(renamed) == wanted else None


def renamed_lock(lock: bytes, old: str, new: str) -> bytes | None:
    """A `uv.lock` in which a project of the workspace has another name, in the order that uv would write.

    None where another package has one of the names, or where more than the project's own entry names it.
    """
    head, *packages = lock.decode("utf-8").split(_PACKAGE)
    quoted, name = f'"{old}"', f'name = "{old}"\n'
    mine = [place for place, text in enumerate(packages) if text.startswith(name)]
    taken = any(text.startswith(f'name = "{new}"\n') for text in packages)
    if len(mine) != 1 or (taken and old != new) or any(quoted in text.replace(name, "", 1) for text in packages):
        return None
    packages[mine[0]] = packages[mine[0]].replace(name, f'name = "{new}"\n', 1)
    packages = [text.rstrip("\n") + "\n" for text in packages]
    packages.sort(key=lambda text: text.partition("\n")[0])
    return _PACKAGE.join([_MEMBERS.sub(_among(old, new), head), *packages]).encode()


def _among(old: str, new: str) -> Callable[[re.Match[str]], str]:
    """Renames and sorts the members of a workspace."""

    def sorted_members(found: re.Match[str]) -> str:
        names = sorted(line.replace(f'"{old}"', f'"{new}"') for line in found[1].splitlines())
        return "\n".join(["members = [", *names, "]"])

    return sorted_members
