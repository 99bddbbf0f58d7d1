"""How every repository stands: its version, how far behind, drift, failing checks, its update request, and why.

What did not change since last time is not looked at again. Ends with 1 when managed files drifted. `--on VERSION`
answers who is still on a version, `--stuck` lists updates that do not go on by themselves, with who has to do what.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.fleet.status import Standing

EXAMPLES = (
    "vendorkit fleet status --on v1.2.0",
    "vendorkit fleet status --format csv",
)
FORMATS = ("text", "json", "csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", default="", metavar="VERSION", help="only those on this version of their template")
    parser.add_argument("--stuck", action="store_true", help="only those whose update does not go on by itself")
    parser.add_argument("--format", choices=FORMATS, default="text", help="form on standard output (default: text)")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write all that the fleet remembers as JSON")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.adapters.store import write_whole  # noqa: PLC0415
    from vendorkit.cli.fleet import drift_of, judge_of, newest_of, opened  # noqa: PLC0415
    from vendorkit.fleet.status import on_version, status  # noqa: PLC0415
    from vendorkit.records.canonical import digest_json  # noqa: PLC0415

    today = datetime.now(UTC).date()
    with opened(args, console) as fleet:
        standings = status(
            fleet.rows,
            fleet.state,
            fleet.reach,
            newest=newest_of(fleet.versions),
            drift=drift_of(fleet, today),
            judge=judge_of(today),
            look=fleet.desks.look,
            rules=digest_json([template.model_dump(mode="json") for template in fleet.fleet.templates]),
            deadline=fleet.fleet.rollout.deadline,
            today=today,
            progress=console.bar,
        )
        if args.export:
            write_whole(args.export, f"{json.dumps(fleet.state.exported(), indent=1, ensure_ascii=False)}\n".encode())
        state = {name: fleet.state.setting(name) for name in ("paused", "stopped")}
    if args.on:
        standings = on_version(standings, args.on)
    if args.stuck:
        standings = [each for each in standings if each.stuck]
    repos = [each.to_value() for each in standings]
    result = {"repos": repos, **{name: why or None for name, why in state.items()}}
    text = _text(standings, state) if args.format == "text" else {"json": _json, "csv": _csv}[args.format](standings)
    return Outcome(result, text, exit_code=1 if any(each.facts.drift for each in standings) else 0)


def _json(standings: Sequence[Standing]) -> str:
    return json.dumps([each.to_value() for each in standings], indent=2, ensure_ascii=False)


def _csv(standings: Sequence[Standing]) -> str:
    """One line each; lists are set apart by spaces, the request is its address or branch."""
    columns = [
        "name",
        "path",
        "template",
        "version",
        "newest",
        "behind",
        "drift",
        "stage",
        "owner",
        "ring",
        "failing",
        "request",
        "age_days",
        "checks",
        "activity",
        "why",
        "stuck",
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for each in standings:
        value: dict[str, Any] = each.to_value()
        request = value["request"]
        value |= {"age_days": request["age_days"], "checks": request["checks"]} if request else {}
        value["request"] = (request["url"] or request["branch"]) if request else ""
        row = [" ".join(cell) if isinstance(cell := value.get(name, ""), list) else cell for name in columns]
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue().rstrip("\n")


def _harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _text(standings: Sequence[Standing], state: Mapping[str, str]) -> str:
    from vendorkit.documents.plain import clean, short  # noqa: PLC0415

    heads = ("repository", "version", "behind", "drift", "checks", "stage", "owner", "active", "why")
    rows = [heads, *(_row(each) for each in standings)]
    cells = [[short(cell, 40) for cell in row[:-1]] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(heads) - 1)]
    lines = []
    for row, shown in zip(rows, cells, strict=True):
        padded = [cell.ljust(width) for cell, width in zip(shown, widths, strict=True)]
        lines.append("  ".join([*padded, clean(row[-1], 200)]).rstrip())
    lines += [f"stuck: {clean(each.row.name)}: {clean(each.stuck)}" for each in standings if each.stuck]
    behind = sum(bool(each.behind) for each in standings)
    drifted = sum(bool(each.facts.drift) for each in standings)
    stuck = sum(bool(each.stuck) for each in standings)
    faulty = sum(bool(each.facts.fault) for each in standings)
    all_of_them = f"{len(standings)} repositor{'y' if len(standings) == 1 else 'ies'}"
    counted = f"{all_of_them}, {behind} behind, {drifted} drifted, {stuck} stuck"
    lines.append(f"{counted}{f', {faulty} with a fault' if faulty else ''}.")
    if held := state["paused"]:
        lines.append(clean(f"paused: {held}. Next: vendorkit fleet update --resume"))
    elif held := state["stopped"]:
        lines.append(clean(f"stopped: {held}. Next: vendorkit fleet update --retry, or go on with --resume"))
    elif stuck:
        lines.append("Next: what is stuck, then vendorkit fleet update --retry")
    elif behind:
        lines.append("Next: vendorkit fleet update --dry-run")
    return "\n".join(lines)


def _row(each: Standing) -> tuple[str, ...]:
    facts = each.facts
    behind = "?" if each.behind is None else str(each.behind)
    failing = ", ".join(facts.failing) or ("ok" if facts.engagement else "")
    drift = str(len(facts.drift) or "")
    name, version, active = each.row.name, facts.version or "?", facts.activity[:10]
    return name, version, behind, drift, failing, facts.stage, each.owner, active, each.why
