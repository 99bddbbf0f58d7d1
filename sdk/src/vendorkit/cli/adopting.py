"""What `adopt` and `fleet adopt` share: showing what is inferred, asking, and telling what was done."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.output import Console

if TYPE_CHECKING:
    from vendorkit.fleet.adopt import Adoption
    from vendorkit.fleet.adopt_remote import Remote


def add_adopting_arguments(parser: argparse.ArgumentParser) -> None:
    """The template, the answers, and whether to go on."""
    parser.add_argument("--template", metavar="SRC", help="folder or git URL (default: where vendorkit came from)")
    parser.add_argument("--ref", metavar="TAG", help="tag, branch or commit of the template")
    parser.add_argument("--data", metavar="KEY=VALUE", action="append", default=[], help="answer a question yourself")
    parser.add_argument("--answers", metavar="FILE", help="YAML file of answers; --data wins over it")
    parser.add_argument("--yes", action="store_true", help="commit without asking")


def adopted(args: argparse.Namespace, place: str, console: Console) -> tuple[dict[str, Any], str]:
    """Plan one repository, show it, and commit it where that is wanted; gives its result and its text.

    Args:
        args: The arguments.
        place: Its folder, or its address; then the branch is pushed, and put to people where a forge is known.
        console: Is told of progress.
    """
    from vendorkit.cli.fleet import need_fleet_extra  # noqa: PLC0415

    need_fleet_extra()
    from vendorkit.fleet import adopt  # noqa: PLC0415
    from vendorkit.records.fleet import is_url  # noqa: PLC0415
    from vendorkit.steps.new import chosen_source, default_source, read_answers  # noqa: PLC0415

    given = read_answers(Path(args.answers) if args.answers else None, args.data)
    if args.template:
        source = chosen_source(args.template, args.ref, console.progress)
    else:
        source = default_source(args.ref, console.progress)
    more: dict[str, Any] = {"origin": source.origin, "progress": console.progress}
    if not is_url(place):
        planned = adopt.plan(Path(place), source.url, source.ref, given, **more)
        return _ended(args, planned, place, lambda: (adopt.commit(planned), ""))
    with _brought(args, place, console) as there:
        planned = there.plan(source.url, source.ref, given, **more)
        return _ended(args, planned, place, lambda: there.offer(planned))


def _ended(
    args: argparse.Namespace, planned: Adoption, place: str, commit: Callable[[], tuple[str, str]]
) -> tuple[dict[str, Any], str]:
    """The end of an adoption: committed where that is wanted; `commit` gives the commit and the request."""
    from vendorkit.documents.plain import clean  # noqa: PLC0415

    text = "\n".join(clean(line) for line in shown(planned, place))
    made, request = commit() if args.yes or _agreed(text, args) else ("", "")
    if made:
        where = f"; {request}" if request else ""
        text += f"\nCommitted {made[:12]} on branch {planned.branch}{where}; nothing else was touched."
        text += "\nNext: review it, merge it"
    else:
        text += "\nNothing was written. Say --yes to commit it."
    return result_of(planned, place, made, request), text


@contextmanager
def _brought(args: argparse.Namespace, place: str, console: Console) -> Iterator[Remote]:
    """A repository on another host, with the forges that the fleet here declares, where there is one."""
    from vendorkit.cli.fleet import reach_of  # noqa: PLC0415
    from vendorkit.errors import BadInput  # noqa: PLC0415
    from vendorkit.fleet.adopt_remote import Remote, row_of  # noqa: PLC0415
    from vendorkit.fleet.desks import Desks  # noqa: PLC0415
    from vendorkit.fleet.inventory import find_fleet, read_fleet  # noqa: PLC0415
    from vendorkit.records.fleet import Fleet  # noqa: PLC0415

    folder = None
    with suppress(BadInput):  # without a list, the forges that everybody knows
        folder = find_fleet(Path(args.repo) if args.repo else None)
    fleet = read_fleet(folder) if folder else Fleet(schema_version=1)
    row, desks = row_of(place), Desks(fleet, console.progress)
    try:
        with tempfile.TemporaryDirectory(prefix="vendorkit-") as home:
            yield Remote(row, reach_of(Path(home), 1, desks.accesses([row])), desks)
    finally:
        desks.leave()


def shown(planned: Adoption, place: str) -> list[str]:
    """The plan for people."""
    lines = [place]
    lines += [f"  came from {where or 'an unnamed template'} ({file})" for file, where in planned.came_from.items()]
    lines += ["  answers:"]
    lines += [f"    {name}: {one.value}  ({one.source})" for name, one in planned.answers.items()]
    lines += [f"  {len(planned.added)} files are new; nothing is deleted"]
    lines += [f"  put aside: {name} -> {there}" for name, there in planned.aside.items()]
    lines += [f"  kept: {name}" for name in planned.kept]
    return [*lines, *(f"  to do: {line}" for line in planned.todo)]


def result_of(planned: Adoption, place: str, made: str, request: str) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "name": planned.name,
        "path": place,
        "status": "adopted" if made else "planned",
        "branch": planned.branch,
        "commit": made or None,
        "request": request or None,
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
