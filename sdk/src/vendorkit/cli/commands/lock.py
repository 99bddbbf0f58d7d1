"""Bring uv.lock up to the declarations, install it, and say what changed since the last commit.

Without arguments versions that still fit are kept. Ends with 1 when a new package has a forbidden licence.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.steps.lock import Locked

EXAMPLES = (
    "vendorkit lock                       after an edit of models/credit/pyproject.toml",
    "vendorkit lock scikit-learn pandas   newer versions of these two",
)
_SAYS = {"allowed": "", "unlisted": ": not judged by the platform", "forbidden": ": forbidden by the platform"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `lock`."""
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="take the newest fitting version of it")
    parser.add_argument("--upgrade", action="store_true", help="take the newest fitting version of every package")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Lock and tell."""
    from vendorkit.steps.lock import lock  # noqa: PLC0415

    changed = lock(repo_of(args), None if args.upgrade else args.packages, progress=console.progress)
    forbidden = any(each.verdict == "forbidden" for each in changed)
    return Outcome({"changes": [_value(each) for each in changed]}, _text(changed), exit_code=1 if forbidden else 0)


def _value(locked: Locked) -> dict[str, Any]:
    return {
        "package": locked.change.package,
        "kind": locked.change.kind,
        "before": list(locked.change.before),
        "after": list(locked.change.after),
        "licence": locked.licence,
        "verdict": locked.verdict,
    }


def _text(changed: tuple[Locked, ...]) -> str:
    if not changed:
        return "uv.lock has the packages of the last commit."
    counts = [f"{sum(each.change.kind == kind for each in changed)} {kind}" for kind in _SIGNS]
    lines = [f"uv.lock since the last commit: {', '.join(counts)}."]
    for each in changed:
        before, after = ", ".join(each.change.before), ", ".join(each.change.after)
        versions = f"{before} -> {after}" if before and after else before or after
        lines.append(f"  {_SIGNS[each.change.kind]} {each.change.package} {versions}{_licence(each)}")
    return "\n".join([*lines, "Next: commit uv.lock with the declarations."])


def _licence(each: Locked) -> str:
    if each.licence is None:
        return "  (not installed on this system)" if each.change.after else ""
    return f"  ({each.licence or 'no licence that SPDX knows'}{_SAYS[each.verdict or 'unlisted']})"
