"""What a repository changed of the files of its template: rendered again and compared.

The version is the one that the repository records. What brings a file back is planned in `update` and `reset`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from vendorkit.adapters.git_objects import LINK, GitObjects, Shelf, TextMerge
from vendorkit.adapters.template.asking import Operation
from vendorkit.adapters.template.blueprint import Piece
from vendorkit.errors import Refused
from vendorkit.fleet.heal import MANIFEST, Change, Difference, Managed, differing
from vendorkit.fleet.merge import Merge
from vendorkit.fleet.project import ProjectTree, folder_name
from vendorkit.fleet.recorded import recorded_answers, recorded_version
from vendorkit.fleet.showing import Shown, diff_lines, shown
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.versions import TemplateVersion


@dataclass(frozen=True)
class Drift:
    """A file that is not as the template gives it.

    Args:
        path: Relative to the repository's top.
        change: `edited` where lines were only added, `weakened` where lines of the template are missing or changed,
            `deleted`, or `replaced` by a link or a folder.
        waived: Whether a waiver that holds excuses it.
        managed: Whether it belongs to the template alone.
        diff: From what the template gives to what the repository holds, as a unified diff; only when asked for.
    """

    path: str
    change: Change
    waived: bool
    managed: bool = True
    diff: str = ""


@dataclass(frozen=True)
class Beside:
    """A project beside what its recorded version of the template gives it.

    Args:
        project: The project.
        version: The version.
        warnings: What is odd about it.
        pieces: What the template gives, by path below the project's top.
        managed: Which files are managed.
        merge: The project as it is.
    """

    project: ProjectTree
    version: TemplateVersion
    warnings: tuple[str, ...]
    pieces: Mapping[str, Piece]
    managed: Managed
    merge: Merge


def drift(
    repository: Path,
    commit: str,
    answers_file: str,
    templates: Templates,
    *,
    everything: bool = False,
    with_diff: bool = False,
    recorded: str | None = None,
    managed: Sequence[str] | None = None,
    as_of: date | None = None,
    name: str | None = None,
) -> list[Drift]:
    """What differs from the version that a project records, sorted by path; other arguments are those of `plan`.

    Args:
        everything: Whether files that the template only begins count too.
        with_diff: Whether the difference itself is wanted.

    Raises:
        BadInput: The answers are not there or not fit.
        Refused: The template is not listed, its recorded version is gone, or rendering it runs programs.
        Unavailable: An object is not there, or the template cannot be fetched.
    """
    with templates.lock:
        held = beside(
            repository,
            commit,
            answers_file,
            templates,
            operation="copy" if everything else "update",
            recorded=recorded,
            managed=managed,
            as_of=as_of,
            name=name,
        )
        rules = replace(held.managed, belongs=lambda path: True) if everything else held.managed
        return [_told(held, each, with_diff) for each in differing(held.merge, held.project.folder, held.pieces, rules)]


def given(held: Beside) -> dict[str, bytes]:
    """The managed files as the template gives them, by path below the project's top; without links, and without those
    that git ignores or filters.
    """
    merge, folder = held.merge, held.project.folder
    kept = {path: piece for path, piece in held.pieces.items() if held.managed.belongs(path) and piece.mode != LINK}
    rules = merge.rules
    seen = (path for path in kept if not rules.has_filter(folder + path))
    return {
        path: merge.side(folder + path, kept[path]).read()
        for path in seen
        if merge.ours(folder + path) is not None or not rules.ignores(folder + path)
    }


def _told(held: Beside, found: Difference, with_diff: bool) -> Drift:
    project, diff = held.project, ""
    if with_diff:
        there = shown(project.objects, project.objects.entry(project.tree, found.path))
        given = Shown(found.wanted.entry.mode, found.wanted.read())
        diff = "".join(diff_lines(found.path, given, there))
    is_managed = held.managed.belongs(found.path.removeprefix(project.folder))
    return Drift(found.path, found.change, found.waived, is_managed, diff)


def beside(
    repository: Path,
    commit: str,
    answers_file: str,
    templates: Templates,
    *,
    operation: Operation = "update",
    recorded: str | None = None,
    managed: Sequence[str] | None = None,
    as_of: date | None = None,
    name: str | None = None,
) -> Beside:
    """A project beside its template; `operation` copy gives seeded files too. Hold the lock of the templates.

    Raises:
        BadInput: The answers are not there or not fit.
        Refused: The template is not listed, its recorded version is gone, or rendering it runs programs.
        Unavailable: An object is not there, or the template cannot be fetched.
    """
    objects = GitObjects(repository)
    tree = objects.tree_of(commit)
    answers = recorded_answers(objects, tree, answers_file)
    version, warnings = recorded_version(templates, answers, answers_file, recorded)
    blueprint = templates.blueprint(version)
    if blueprint.needs and not templates.is_trusted(version.source):
        raise Refused(f"What the template gives is known only by running its {', '.join(blueprint.needs)}.")
    project = ProjectTree(objects, tree, answers_file, blueprint, name or folder_name(repository))
    programs = bool(blueprint.needs)
    given = templates.rendered(version, project.seen, programs, operation=operation, given=project.last(answers))
    rules = Managed.of(blueprint.questions, given.seeded, managed, project.read(MANIFEST), as_of or date.today())
    merge = Merge(objects, tree, project.folder, Shelf(), TextMerge(), "aside")
    pieces = {path: piece for path, piece in given.pieces.items() if path != project.own}
    return Beside(project, version, warnings, pieces, rules, merge)
