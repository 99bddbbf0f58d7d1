"""The licences of everything that the lock installs on this system, and what the platform makes of each."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters.engagement import read_file
from vendorkit.adapters.installed import dependencies, installed
from vendorkit.errors import BadInput, Fault
from vendorkit.records.licences import Dependency, LicenceVerdict
from vendorkit.records.lockfile import LOCKFILE
from vendorkit.standards.policy import packaged_policy


def licences(repo: Path) -> tuple[tuple[Dependency, LicenceVerdict | None], ...]:
    """Every package that is needed here, by name; no verdict where it is not installed as locked.

    Args:
        repo: Top folder of the engagement.

    Raises:
        BadInput: There is no lock file of uv.
    """
    lock = read_file(repo, LOCKFILE)
    if lock.data is None:
        raise BadInput("There is nothing to list.", [Fault(LOCKFILE, "is no file here.", "Run `vendorkit lock`.")])
    policy = packaged_policy().licences
    return tuple(
        (each, None if each.licence is None else policy.judge(each.name, each.licence))
        for each in dependencies(lock.data, installed())
    )
