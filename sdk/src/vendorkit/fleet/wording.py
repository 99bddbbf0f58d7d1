"""What reviewers read of an update: the messages of its commits, and the body of its request.

Names of files, answers and lines of changelogs come from repositories and templates: they are shown, never acted on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from vendorkit.adapters.git_objects import FILE
from vendorkit.documents.plain import clean, code, lines_of, markdown
from vendorkit.fleet.merge import Conflict
from vendorkit.fleet.ours import TEMPLATE, TREE, UPDATE
from vendorkit.fleet.rules import is_binary
from vendorkit.fleet.showing import Shown, diff_lines
from vendorkit.fleet.update import Plan

MOST_FILES = 40
"""Files of a kind that a body names; the rest is counted."""
MOST_NAMED = 5
"""Files that a line names."""
MOST_DIFFS, MOST_DIFF_LINES = 5, 60
"""Files that stay as they are of which the body shows what the template changed, and lines of each."""
MOST_BODY = 60_000
"""Characters of a body; GitHub takes 65,536."""
MOST_CHANGES = 60
"""Lines of a changelog in a body."""

_EXCEPTION = "Put an exception into engagement.yaml as a waiver with an end."
_ASKED = "The platform team asked for it: what was changed here of these files goes. It stays in the history."


def title(planned: Plan, *, marked: bool) -> str:
    """The first line: what it does; with conflict markers in it, that it is not to be merged."""
    before, after = planned.from_version.name, planned.to_version.name
    if planned.kind == "reset":
        return f"Bring files back to template {after}"
    says = f"Update from template {before} to {after}" if before != after else "Restore files of the template"
    return f"DRAFT, has conflict markers: {says}" if marked else says


def told_of(planned: Plan) -> str:
    """What a plan comes to, in some words for the line of its repository."""
    if planned.status == "needs-tasks":
        return f"the template has to run programs of its own: {', '.join(planned.needs)}"
    restored = [f"restores {_first(planned.healed)}"] if planned.healed else []
    if planned.status == "conflict":
        named = [each.path for each in planned.conflicts]
        return ", ".join([f"{_counted(len(named), 'conflict')}: {_first(named)}", *restored])
    if planned.kind == "reset":
        return f"brings back {_first(planned.healed)}" if planned.healed else "is as its template gives it"
    if planned.status == "current":
        return "is on this version already"
    changed = len({*planned.changed, *planned.deleted})
    return ", ".join([*([f"changes {_counted(changed, 'file')}"] if changed else []), *restored])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _first(paths: Sequence[str]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join([*paths[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def update_message(planned: Plan, changes: Sequence[str], *, marked: bool) -> str:
    """The message of the commit that updates."""
    parts = [title(planned, marked=marked)]
    if changes:
        plain = (line.lstrip("#").strip() if line.startswith("#") else line for line in changes[:MOST_CHANGES])
        parts.append("\n".join(clean(line, 200) for line in plain))  # git takes lines with # for comments
    if planned.conflicts:
        conflicts = [f"- {clean(each.says)}" for each in planned.conflicts]
        parts.append("Conflicts:\n" + "\n".join(_some(conflicts)))
    return "\n\n".join([*parts, _trailers(planned, planned.tree)])


def heal_message(planned: Plan) -> str:
    """The message of the commit that restores managed files."""
    says, why = "Restore files that belong to the template", f"They were deleted or weakened. {_EXCEPTION}"
    if planned.kind == "reset":
        says, why = title(planned, marked=False), _ASKED
    files = "\n".join(_some([clean(path) for path in planned.healed]))
    return "\n\n".join([says, why, files, _trailers(planned, planned.final_tree)])


def _trailers(planned: Plan, tree: str) -> str:
    to = planned.to_version
    return (
        f"{UPDATE}: {planned.from_version.name}..{to.name}\n{TEMPLATE}: {clean(to.source)}@{to.commit}\n{TREE}: {tree}"
    )


def body(planned: Plan, changes: Sequence[str], branch: str, *, marked: bool, engagement: str = "") -> str:
    """The body of the request, as Markdown.

    Args:
        planned: The update.
        changes: What changed in the template between the two versions.
        branch: The branch of the request.
        marked: Whether files hold conflict markers.
        engagement: The folder that it is about; empty where it is the whole repository.
    """
    before, after = planned.from_version, planned.to_version
    about = f" in {code(engagement)}" if engagement else ""
    if planned.kind == "reset":
        opening = f"This brings files{about} back to what the template gives at **{markdown(after.name)}**. {_ASKED}"
    elif before.commit == after.commit:
        opening = f"This restores files{about} that belong to the template {markdown(after.name)}."
    else:
        opening = (
            f"This brings the template{about} from **{markdown(before.name)}** (`{before.commit[:12]}`) to "
            f"**{markdown(after.name)}** (`{after.commit[:12]}`) of {markdown(after.source)}."
        )
    parts = [opening]
    if planned.conflicts:
        kept = "have conflict markers: solve them before this is merged" if marked else "stay as they are here"
        told = [f"- {each.kind}: {markdown(each.says)}" for each in planned.conflicts]
        told = [*_some(told), "", f"Base, ours and theirs of each:\n{_ids(planned)}"]
        parts.append(_section(_counted(len(planned.conflicts), "conflict"), [f"Texts in conflict {kept}.", "", *told]))
    if changes:
        parts.append(_section("What changed in the template", [_change(line) for line in changes[:MOST_CHANGES]]))
    if planned.healed:
        said = f"They were deleted or weakened here. It is a commit of its own. {_EXCEPTION}"
        more = [] if planned.kind == "reset" else ["", said]
        parts.append(_section("What it mends", [*_files(planned.healed), *more]))
    for says, files in (("Files changed", planned.changed), ("Files deleted", planned.deleted)):
        if files:
            parts.append(_section(says, _files(files)))
    if planned.renamed:
        told = [f"- {code(old)} became {code(new)}" for old, new in planned.renamed.items()]
        parts.append(_section("Renamed files that were followed", _some(told)))
    if planned.warnings:
        parts.append(_section("To know", [f"- {markdown(each)}" for each in planned.warnings]))
    parts.append(_section("How to take over", [_take_over(branch, planned)]))
    if shown := [
        lines for each in planned.conflicts if not (marked and each.is_text) for lines in _wanted(planned, each)
    ]:
        parts.append(_section("What the template changed in files that stay as they are", _some(shown, MOST_DIFFS)))
    said = "\n\n".join(parts)
    return said if len(said) <= MOST_BODY else f"{said[:MOST_BODY]}\n\n... and more: see the branch."


def _change(line: str) -> str:
    """A line of a changelog; its headings become bold, so that they do not outrank those of the body."""
    heading = line.lstrip("#").strip()
    return f"\n**{markdown(heading)}**\n" if line.startswith("#") and heading else markdown(line)


def _take_over(branch: str, planned: Plan) -> str:
    declined = "" if planned.kind == "reset" else "; it is then named as stuck until somebody asks for it again"
    return (
        f"```\ngit fetch origin {branch}\ngit switch {branch}\n```\n\n"
        "Commit on this branch what you like: from your first commit on it is yours, and no update overwrites it. "
        f"Close the request to decline{declined}."
    )


def _ids(planned: Plan) -> str:
    rows = []
    for each in planned.conflicts:
        sides = (f"`{(name or 'none')[:12]}`" for name in (each.base, each.ours, each.theirs))
        path = code(each.path).replace("|", "\\|")  # a table splits its rows before it looks for code
        rows.append(f"| {path} | {' | '.join(sides)} |")
    return "\n".join(["", "| file | base | ours | theirs |", "|---|---|---|---|", *_some(rows)])


def _wanted(planned: Plan, conflict: Conflict) -> Iterator[str]:
    """What the template changed in a file, where no marker in it shows that; nothing where it is no text."""
    names = (conflict.base, conflict.theirs)
    held = [planned.objects.get(name or "", ("", b""))[1] for name in names]
    if conflict.kind == "link" or any(is_binary(text) for text in held) or held[0] == held[1]:
        return
    sides = (
        Shown(FILE, text) if name else None for name, text in zip((conflict.base, conflict.theirs), held, strict=True)
    )
    lines = lines_of("".join(diff_lines(conflict.path, *sides)))
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", "\n".join(lines)))])
    yield "\n".join([f"{fence}diff", *_some(lines, MOST_DIFF_LINES), fence])


def _section(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([f"### {heading}", "", *lines])


def _files(paths: Iterable[str]) -> list[str]:
    return _some([f"- {code(path)}" for path in paths])


def _some(lines: Sequence[str], most: int = MOST_FILES) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], *([f"... and {more} more"] if more > 0 else [])]
