"""Freeze declared datasets and benchmarks: write pointers with digest, rows, columns and time.

The digest covers every row and column. A dataset that did not change keeps its pointer as it is.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.steps.snapshot import Taken

EXAMPLES = (
    "vendorkit snapshot                   every dataset and benchmark that has a source",
    "vendorkit snapshot applications      one of them",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `snapshot`."""
    parser.add_argument(
        "datasets", nargs="*", metavar="DATASET", help="datasets or benchmarks of engagement.yaml (default: all)"
    )


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Freeze and tell."""
    from vendorkit.steps.snapshot import snapshot  # noqa: PLC0415

    taken = snapshot(repo_of(args), args.datasets, progress=console.bar)
    return Outcome({"datasets": [_value(each) for each in taken]}, "\n".join(_lines(taken)))


def _value(taken: Taken) -> dict[str, Any]:
    return {
        "id": taken.id,
        "digest": taken.snapshot.content_digest,
        "rows": taken.snapshot.rows,
        "columns": len(taken.snapshot.columns),
        "taken_at": taken.snapshot.taken_at,
        "pointer": taken.pointer,
        "status": taken.status,
        "changes": list(taken.changes),
        "notes": list(taken.notes),
    }


def _lines(taken: list[Taken]) -> list[str]:
    width = max(len(each.id) for each in taken)
    lines = []
    for each in taken:
        record = each.snapshot
        size = f"{record.rows:>12,} rows {len(record.columns):>4} columns"
        lines.append(f"{each.id:<{width}}  {each.status:<9} {size}  {record.content_digest[:19]}  {each.pointer}")
        lines += [f"{'':<{width}}  {says}" for says in each.changes]
        lines += [f"{'':<{width}}  note: {says}" for says in each.notes]
    if any(each.status != "unchanged" for each in taken):
        lines.append("Next: commit the pointers, then `vendorkit train` or `vendorkit build`.")
    return lines
