"""The LIC family: whether what is installed from the lock may be used, by its licences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vendorkit.records.licences import Dependency, LicenceVerdict
from vendorkit.records.lockfile import LOCKFILE
from vendorkit.standards.base import Check, Part, RepositoryView

SYNC = "Run `uv sync --locked --all-packages`, then `uv run --locked vendorkit check`."
SHOWN = 5


@dataclass
class LicenceCheck:
    """One check of the family; attributes as of `Check`.

    Args:
        verdict: The verdict of the policy that makes it fail.
        tell: From a package with that verdict to what is said of it.
        holds: What is said where there is none.
        fix: What mends it.
    """

    id: str
    title: str
    why: str
    verdict: LicenceVerdict
    tell: Callable[[Dependency], str]
    holds: str
    fix: str
    capability: str = "C008"
    needs_template: bool = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each package at fault; else a pass, unless some could not be looked at."""
        if view.dependencies is None:
            return [Part("not-yet", f"Cannot be judged: {view.no_dependencies}", LOCKFILE, SYNC)]
        judged = [each for each in view.dependencies if each.licence is not None]
        parts = [
            Part("fail", self.tell(each), f"{LOCKFILE}: {each.name}", self.fix, each.name)
            for each in judged
            if view.licences.judge(each.name, each.licence or "") == self.verdict
        ]
        absent = [each for each in view.dependencies if each.licence is None]
        if absent:
            named = ", ".join(f"{each.name} {each.version}" for each in absent[:SHOWN])
            more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
            says = f"Not installed as locked where this runs, so that nobody looked: {named}{more}."
            parts.append(Part("not-yet", says, LOCKFILE, SYNC))
        facts = {"licences": {each.name: each.licence for each in judged}}
        return parts or [Part("pass", f"{self.holds} ({len(judged)} packages).", LOCKFILE, facts=facts)]


def _licence(each: Dependency) -> str:
    return each.licence or "no licence that SPDX knows"


LICENCE_CHECKS: tuple[Check, ...] = (
    LicenceCheck(
        "LIC-01",
        "No dependency has a forbidden licence",
        "A forbidden licence can oblige the client to publish its own code, or to stop using the model.",
        "forbidden",
        lambda each: f"{each.name} {each.version} is under {_licence(each)}, which the platform forbids.",
        "None is under a licence that the platform forbids",
        "Use another package, or ask the platform for a waiver.",
    ),
    LicenceCheck(
        "LIC-02",
        "Every dependency has an allowed licence",
        "What nobody has judged is found out when it is too late to use another.",
        "unlisted",
        lambda each: f"{each.name} {each.version} has {_licence(each)}, which the platform has not judged.",
        "Each is under a licence that the platform allows",
        "Let the platform judge it: allow the licence, accept the package, or waive it here.",
    ),
)
