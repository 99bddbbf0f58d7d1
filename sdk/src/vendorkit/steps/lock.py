"""Lock the environment anew, install it, and say what that changed since the last commit, with licences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import environment, repository
from vendorkit.adapters.installed import installed, read_lock
from vendorkit.errors import BadInput, Fault
from vendorkit.records.licences import LicenceVerdict
from vendorkit.records.lockfile import LOCKFILE, Change, Lock, changes
from vendorkit.standards.policy import packaged_policy


@dataclass(frozen=True)
class Locked:
    """One package whose lock changed.

    Args:
        change: What became of it.
        licence: A canonical SPDX expression; empty where its metadata say none; None where it is not installed.
        verdict: What the platform makes of the licence; None where there is nothing to judge.
    """

    change: Change
    licence: str | None
    verdict: LicenceVerdict | None


def lock(
    repo: Path, newer: Sequence[str] | None = (), *, progress: Callable[[str], None] = lambda line: None
) -> tuple[Locked, ...]:
    """Bring `uv.lock` up to the declarations.

    Args:
        repo: Top folder of the engagement.
        newer: Packages to take the newest fitting versions of; None means all.
        progress: Is told what is being done.

    Returns:
        What differs from the last commit; where there is none, from nothing.

    Raises:
        BadInput: The names are no names of packages.
        Unavailable: uv is missing or failed.
    """
    faults = [Fault(name, "is no name of a package.") for name in newer or () if not _NAME.fullmatch(name)]
    if faults:
        raise BadInput("There are no such packages.", faults)
    policy = packaged_policy().licences  # now: installing may replace this very package
    progress("locking the environment")
    environment.lock(repo, newer=newer)
    after = (repo / LOCKFILE).read_bytes()
    progress("installing what is locked")
    place = environment.sync_all(repo)
    found = installed(place)
    told = []
    for change in changes(_committed(repo), read_lock(after)):
        here = found.get(change.package)
        licence = here.licence if here and here.version in change.after else None
        verdict = None if licence is None else policy.judge(change.package, licence)
        told.append(Locked(change, licence, verdict))
    return tuple(told)


_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def _committed(repo: Path) -> Lock:
    """The lock of the last commit: uv may have locked again on its own since."""
    data = repository.file_at(repo, "HEAD", LOCKFILE) if repository.top(repo) else None
    return Lock({}, {}) if data is None else read_lock(data)
