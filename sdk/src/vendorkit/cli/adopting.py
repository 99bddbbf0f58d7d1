"""What `adopt` and `fleet adopt` share: showing what is inferred, asking, and telling what was done."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.output import Console

if TYPE_CHECKING:
    from vendorkit.fleet.adopt import Adoption


def add_adopting_arguments(parser: argparse.ArgumentParser) -> None:
    """The template, the answers, and whether to go on."""
    parser.add_argument("--template", metavar="SRC", help="folder or git URL (default: where vendorkit came from)")
    parser.add_argument("--ref", metavar="TAG", help="tag, branch or commit of the template")
    parser.add_argument("--data", metavar="KEY=VALUE", action="append", default=[], help="answer a question yourself")
    parser.add_argument("--answers", metavar="FILE", help="YAML file of answers; --data wins over it")
    parser.add_argument("--yes", action="store_true", help="commit without asking")


def adopted(args: argparse.Namespace, path: Path, console: Console) -> tuple[dict[str, Any], str]:
    """Plan one repository, show it, and commit it where that is wanted; gives its result and its text."""
    from vendorkit.cli.fleet import need_fleet_extra  # noqa: PLC0415

    need_fleet_extra()
    from vendorkit.documents.plain import clean  # noqa: PLC0415
    from vendorkit.fleet import adopt  # noqa: PLC0415
    from vendorkit.steps.new import chosen_source, default_source, read_answers  # noqa: PLC0415

    given = read_answers(Path(args.answers) if args.answers else None, args.data)
    if args.template:
        source = chosen_source(args.template, args.ref, console.progress)
    else:
        source = default_source(args.ref, console.progress)
    planned = adopt.plan(path, source.url, source.ref, given, origin=source.origin, progress=console.progress)
    text = "\n".join(clean(line) for line in shown(planned))
    made = ""
    if args.yes or _agreed(text, args):
        made = adopt.commit(planned)
        text += (
            f"\nCommitted {made[:12]} on branch {planned.branch}; nothing else was touched.\nNext: review it, merge it"
        )
    else:
        text += "\nNothing was written. Say --yes to commit it."
    return result_of(planned, made), text


def shown(planned: Adoption) -> list[str]:
    """The plan for people."""
    lines = [f"{planned.path}"]
    lines += [f"  came from {where or 'an unnamed template'} ({file})" for file, where in planned.came_from.items()]
    lines += ["  answers:"]
    lines += [f"    {name}: {one.value}  ({one.source})" for name, one in planned.answers.items()]
    lines += [f"  {len(planned.added)} files are new; nothing is deleted"]
    lines += [f"  put aside: {name} -> {there}" for name, there in planned.aside.items()]
    lines += [f"  kept: {name}" for name in planned.kept]
    return [*lines, *(f"  to do: {line}" for line in planned.todo)]


def result_of(planned: Adoption, made: str) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "name": planned.path.resolve().name,
        "path": str(planned.path),
        "status": "adopted" if made else "planned",
        "branch": planned.branch,
        "commit": made or None,
        "version": planned.version,
        "came_from": planned.came_from,
        "answers": {name: {"value": one.value, "from": one.source} for name, one in planned.answers.items()},
        "added": planned.added,
        "kept": planned.kept,
        "aside": planned.aside,
        "todo": planned.todo,
        "why": "",
    }


def _agreed(text: str, args: argparse.Namespace) -> bool:
    """Ask, where somebody sits there."""
    if args.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{text}\nCommit this on a branch of its own? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
