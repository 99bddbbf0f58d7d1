"""Which packages are installed in an environment, and under which licences. Nothing of them is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.markers import default_environment
from packaging.utils import canonicalize_name

from vendorkit.records.licences import Dependency, licence_of
from vendorkit.records.lockfile import Lock, parse_lock


@dataclass(frozen=True)
class Installed:
    """A package that is installed.

    Args:
        version: Its version.
        licence: A canonical SPDX expression; empty where its metadata say nothing that SPDX knows.
    """

    version: str
    licence: str


def installed(environment: Path | None = None) -> Mapping[str, Installed]:
    """Canonical name to what is installed.

    Args:
        environment: Folder of a virtual environment; None means the one that this process runs in.
    """
    if environment is None:
        found = distributions()
    else:
        libraries = (*environment.glob("lib/python3*/site-packages"), *environment.glob("Lib/site-packages"))
        found = distributions(path=[str(library) for library in libraries])
    told = (_told(each) for each in found)
    return dict(sorted(each for each in told if each is not None))


def read_lock(data: bytes) -> Lock:
    """A lock file, with what it installs on the system that this runs on.

    Raises:
        BadInput: It is no lock file of uv.
    """
    return parse_lock(data, {name: str(value) for name, value in default_environment().items()})


def dependencies(lock: bytes, found: Mapping[str, Installed]) -> tuple[Dependency, ...]:
    """What a lock file installs on this system, with the licences that installed packages of that version say.

    Raises:
        BadInput: It is no lock file of uv.
    """
    needed = read_lock(lock).needed
    return tuple(
        Dependency(name, version, found[name].licence if name in found and found[name].version == version else None)
        for name, version in needed.items()
    )


def _told(found: Distribution) -> tuple[str, Installed] | None:
    """Only the headers of its metadata are parsed: what follows may be long."""
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    said = HeaderParser().parsestr(text, headersonly=True)
    if not said["Name"] or not said["Version"]:
        return None  # half removed
    classifiers = [str(each) for each in said.get_all("Classifier", ())]
    licence = licence_of(str(said.get("License-Expression", "")), str(said.get("License", "")), classifiers)
    return canonicalize_name(str(said["Name"])), Installed(str(said["Version"]), licence)
