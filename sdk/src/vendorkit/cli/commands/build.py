"""Build what is delivered besides models: features, datasets, reports and batch jobs, each held to its contract.

A table that breaks its contract, or that is another one when it is made again, does not replace the one before.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.steps.build import Built

EXAMPLES = (
    "vendorkit build             every surface that has datasets and a data contract",
    "vendorkit build report      one of them",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `build`."""
    parser.add_argument("surfaces", nargs="*", metavar="SURFACE", help="surfaces of engagement.yaml (default: all)")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Build and tell."""
    from vendorkit.steps.build import build  # noqa: PLC0415

    built = build(repo_of(args), args.surfaces, tell=console.progress)
    findings = [each.finding for each in built]
    text = "\n".join(line for each in built for line in _lines(each))
    failed = any(finding.blocks for finding in findings)
    return Outcome({"surfaces": [_value(each) for each in built]}, text, findings, 1 if failed else 0)


def _value(built: Built) -> dict[str, Any]:
    record = built.record
    return {
        "id": built.surface.id,
        "kind": built.surface.kind,
        "rows": built.rows,
        "rules": built.rules,
        "broken": list(built.broken),
        "table": built.path,
        "record": record.digest if record else None,
        "content_digest": record.content_digest if record else None,
        "query": built.surface.query,
        "refresh": built.surface.refresh,
    }


def _lines(built: Built) -> list[str]:
    if built.record is None:
        return [f"FAIL  {built.finding.says}", f"      {built.finding.fix}"]
    reading = f", read at {built.surface.query}" if built.surface.query else ""
    often = f", made anew every {built.surface.refresh}" if built.surface.refresh else ""
    return [f"PASS  {built.finding.says}", f"      {built.path}{reading}{often}"]
