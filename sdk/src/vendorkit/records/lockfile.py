"""What `uv.lock` locks, and how two of them differ. Who locks, and what is installed, is told elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.markers import Marker

from vendorkit.errors import BadInput, Fault
from vendorkit.records.toml_text import load_toml

LOCKFILE = "uv.lock"
MAX_LOCK_BYTES = 16_000_000

DEVELOPMENT = "dev"
"""The dependency group that is installed unless somebody asks for less."""


@dataclass(frozen=True)
class Lock:
    """A lock file; the repository's own members are left out.

    Args:
        packages: Package to its locked versions; more than one where markers choose.
        needed: Package to the version that one system installs, development tools included.
    """

    packages: Mapping[str, tuple[str, ...]]
    needed: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What became of one package.

    Args:
        package: Its name.
        before: Its versions before; none where it is new.
        after: Its versions now; none where it is gone.
    """

    package: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        return "added" if not self.before else "changed" if self.after else "removed"


def parse_lock(data: bytes, system: Mapping[str, str], where: str = LOCKFILE) -> Lock:
    """The packages of a lock file.

    Args:
        data: Its bytes, at most 16 MB.
        system: The values of markers, as `packaging.markers.default_environment` gives them.
        where: Its name, for messages.

    Raises:
        BadInput: It is no lock file of uv.
    """
    try:
        content = load_toml(data[:MAX_LOCK_BYTES])  # what is longer is cut, and then no TOML
        packages, own = content["package"], _own(content)
        return Lock(_versions(packages, own), _needed(packages, own, dict(system)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"it has no `{error.args[0]}`" if isinstance(error, KeyError) else str(error)[:100]
        says = f"is no lock file of uv: {reason}."
        raise BadInput(f"{where} cannot be read.", [Fault(where, says, "Run `vendorkit lock`.")]) from error


def changes(before: Lock, after: Lock) -> tuple[Change, ...]:
    """What differs, by name of the package."""
    names = sorted({*before.packages, *after.packages})
    both = (Change(name, before.packages.get(name, ()), after.packages.get(name, ())) for name in names)
    return tuple(change for change in both if change.before != change.after)


def _own(content: dict[str, Any]) -> set[str]:
    """The members of the workspace; of a single project itself."""
    members = set(content.get("manifest", {}).get("members", ()))
    alone = (
        each["name"]
        for each in content["package"]
        if "." in (each["source"].get("virtual"), each["source"].get("editable"))
    )
    return members or set(alone)


def _versions(packages: Sequence[dict[str, Any]], own: set[str]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for package in packages:
        if package["name"] not in own:
            found[package["name"]].add(str(package.get("version", "")))
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _needed(packages: Sequence[dict[str, Any]], own: set[str], system: dict[str, str]) -> dict[str, str]:
    """Every package that the members lead to on this system, by markers and extras."""
    entries: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for package in packages:
        entries[package["name"]].append(package)
    waiting = [dependency for name in own for entry in entries[name] for dependency in _asked(entry, own=True)]
    found: dict[str, str] = {}
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    while waiting:
        dependency = waiting.pop()
        key = (dependency["name"], str(dependency.get("version", "")), tuple(dependency.get("extra", ())))
        if key in seen or not _applies(str(dependency.get("marker", "")), system):
            continue
        seen.add(key)
        for entry in entries[key[0]]:
            if key[1] in ("", entry.get("version")):
                waiting += _asked(entry, extras=key[2])
                found |= {} if key[0] in own else {key[0]: str(entry.get("version", ""))}
    return dict(sorted(found.items()))


def _asked(entry: dict[str, Any], *, extras: Sequence[str] = (), own: bool = False) -> list[dict[str, Any]]:
    """The dependencies of a package, with those of some extras; of a member with its development tools."""
    optional = entry.get("optional-dependencies", {})
    groups = entry.get("dev-dependencies", {}).get(DEVELOPMENT, []) if own else []
    return [*entry.get("dependencies", ()), *(each for extra in extras for each in optional.get(extra, ())), *groups]


def _applies(marker: str, system: dict[str, str]) -> bool:
    return not marker or Marker(marker).evaluate(system)
