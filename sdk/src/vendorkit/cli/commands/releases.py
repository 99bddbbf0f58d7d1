"""List what is registered, approved, live and retired; what was in production on a date; what is due.

`--as-of DATE` shows everything that was in production on that day (UTC), `--as-of TIME` at that moment, by the signed
history of decisions. `--due` lists reviews, idle models, emergencies to review, decided ends and waivers, judged by
today or that day."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.records.decision import Ending
    from vendorkit.steps.releases import ReleaseLine

EXAMPLES = ("vendorkit releases credit --as-of 2026-11-22", "vendorkit releases --due --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="MODEL", help="only this model")
    parser.add_argument("--as-of", metavar="DATE|TIME", help="as it was on this day or at this time, UTC")
    parser.add_argument("--due", action="store_true", help="what is due, with who answers for it and who decides")
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="folder of prediction logs by model, for --due")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from dataclasses import asdict  # noqa: PLC0415

    from vendorkit.steps.releases import in_production, moment_of, releases  # noqa: PLC0415

    repo = repo_of(args)
    first, last = moment_of(args.as_of) if args.as_of else (None, None)
    if args.due:
        return _due(args, repo, last)
    lines = releases(repo, args.model, as_of=last)
    values = [
        {**asdict(line), "ending": line.ending.model_dump(mode="json") if line.ending else None} for line in lines
    ]
    if not first or not last:
        rows = [("RELEASE", "STATUS", "ALIASES", "APPROVED BY", "TRAINED BY", "REGISTERED")]
        rows += [
            (f"{line.model}/{line.version}", line.status, ", ".join(line.aliases) or "-",
             ", ".join(line.approvals) or "-", line.author, line.created_at)
            for line in lines
        ]  # fmt: skip
        named = [(f"{line.model}/{line.version}", line) for line in lines]
        notes = [f"To be reviewed, {name}: {what.removeprefix(f'{name}: ')}" for name, line in named
                 for what in line.to_review]  # fmt: skip
        notes += [f"{name} {_says(line.ending)}" for name, line in named if line.ending]
        text = "\n".join([_table(rows), *notes, *_doubts(lines)])
        return Outcome({"releases": values}, text if lines else "Nothing is registered yet.")
    stays = in_production(repo, args.model, first, last)
    history: list[tuple[str, ...]] = [("RELEASE", "ALIAS", "SINCE", "UNTIL", "BY", "HOW", "WHY")]
    history += [
        (f"{stay.model}/{stay.version}", stay.alias, stay.since, stay.until or "-", stay.actor, stay.kind, stay.reason)
        for stay in stays
    ]
    result = {"as_of": args.as_of, "releases": values, "production": [asdict(stay) for stay in stays]}
    return Outcome(result, _table(history) if stays else f"Nothing was in production as of {args.as_of}.")


def _doubts(lines: Sequence[ReleaseLine]) -> list[str]:
    """Why releases are suspect: each reason once, with all that it concerns."""
    concerned: dict[str, list[str]] = {}
    for line in lines:
        name = f"{line.model}/{line.version}"
        for doubt in line.doubts:
            concerned.setdefault(doubt.removeprefix(f"{name}: ").removesuffix("."), []).append(name)
    told = [f"Suspect, {', '.join(names)}: {doubt}." for doubt, names in concerned.items()]
    return [*told, "`vendorkit trace` shows what of a release holds."] if told else []


def _due(args: argparse.Namespace, repo: Path, as_of: datetime | None) -> Outcome:
    from dataclasses import asdict  # noqa: PLC0415

    from vendorkit.steps.due import due  # noqa: PLC0415

    found = due(repo, args.model, as_of=as_of.date() if as_of else None, logs=args.predictions)
    rows: list[tuple[str, ...]] = [("STATE", "ON", "WHAT", "SUBJECT", "OWNER", "DECIDES", "WHY")]
    rows += [
        (entry.state, entry.on, entry.what, entry.subject, entry.owner, entry.approver or "-", entry.says)
        for entry in found
    ]
    return Outcome({"due": [asdict(entry) for entry in found]}, _table(rows) if found else "Nothing is due.")


def _says(ending: Ending) -> str:
    parts = [f"warns from {ending.warn_from}"] if ending.warn_from else []
    parts += [f"is blocked from {ending.block_from}"] if ending.block_from else []
    parts += [f"use {ending.replacement}"] if ending.replacement else []
    return ", ".join(parts) + "."


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    from vendorkit.documents.plain import clean  # noqa: PLC0415

    rows = [tuple(map(clean, row)) for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
