"""The one tree of errors. Each class carries the exit code that the command line ends with.

A message says what is wrong and where, what was expected, and what to do next. All faults of one input are
collected before the error is raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Args:
        where: Path of the fault: a file with line (`engagement.yaml:12`), a key path (`people.ann.org`), or both.
        says: What is wrong and what was expected, one plain sentence.
        fix: One command or edit that mends it; empty where `says` already tells.
    """

    where: str
    says: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.says}" if self.where else self.says
        return f"{text} {self.fix}".rstrip()


class VendorkitError(Exception):
    """Base of all errors that vendorkit raises on purpose."""

    exit_code = 4

    def __init__(self, says: str, faults: Iterable[Fault] = (), *, fix: str = "") -> None:
        super().__init__(says)
        self.says = says
        self.faults = tuple(faults)
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.says, *(f"  {fault}" for fault in self.faults)]
        if self.fix:
            lines.append(self.fix)
        return "\n".join(lines)


class Refused(VendorkitError):
    """A verdict says no: a gate or check failed, or a rule of the platform forbids it."""

    exit_code = 1


class BadInput(VendorkitError):
    """The input or its use is wrong; `faults` holds all of it."""

    exit_code = 2


class Unavailable(VendorkitError):
    """Something outside failed (registry, git, network, disk); trying again may help."""

    exit_code = 3
