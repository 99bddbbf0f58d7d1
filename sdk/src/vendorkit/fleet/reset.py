"""Files of a repository brought back to what its recorded version of the template gives: a change of its own.

All managed files that differ and have no waiver, those with added lines too; or exactly those that are named, seeded
ones among them. How the change is committed, pushed and put to people is `offer`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pathspec import GitIgnoreSpec

from vendorkit.errors import Fault, Refused
from vendorkit.fleet.drift import Beside, beside
from vendorkit.fleet.heal import Managed, differing
from vendorkit.fleet.inventory import Row
from vendorkit.fleet.offer import Ground, Offers
from vendorkit.fleet.reach import Stand
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan


class Resets(Offers):
    """Makes the resets of a fleet.

    Args:
        ground: What they stand on.
        files: Lines of a `.gitignore` that name the files; none means all managed ones.
    """

    def __init__(self, ground: Ground, files: Sequence[str]) -> None:
        super().__init__(ground)
        self._files = tuple(files)

    def branch(self, row: Row, planned: Plan) -> str:
        """The same for every version: a later reset takes the place of an earlier one."""
        return row.reset_branch

    def plan(self, row: Row, stand: Stand, repository: Path, source: str, version: str) -> Plan:
        """What the reset would change. Nothing is written.

        Raises:
            BadInput: The answers are not fit.
            Refused: The template is not listed, its version is gone, or it gives no such file.
            Unavailable: Something cannot be read or fetched.
        """
        declared = self.ground.declared(source)
        return plan_reset(
            repository,
            stand.commit,
            row.answers_path,
            self.ground.templates,
            self._files,
            recorded=self.ground.recorded(row, version, repository, stand.commit),
            managed=declared.managed if declared else None,
            as_of=self.ground.today,
            name=row.short_name,
        )


def plan_reset(
    repository: Path,
    commit: str,
    answers_file: str,
    templates: Templates,
    files: Sequence[str] = (),
    *,
    recorded: str | None = None,
    managed: Sequence[str] | None = None,
    as_of: date | None = None,
    name: str | None = None,
) -> Plan:
    """Work out a reset; the arguments besides `files` are those of `vendorkit.fleet.update.plan`.

    Args:
        files: Lines of a `.gitignore` that name files of the template below the project's top: those are brought
            back, whoever owns them and whatever waivers say. None means all managed files without a waiver.

    Raises:
        BadInput: The answers are not there or not fit.
        Refused: The template is not listed, its recorded version is gone, or it gives none of a name.
        Unavailable: An object is not there, or the template cannot be fetched.
    """
    with templates.lock:
        held = beside(
            repository,
            commit,
            answers_file,
            templates,
            operation="copy" if files else "update",
            recorded=recorded,
            managed=managed,
            as_of=as_of,
            name=name,
        )
        merge, folder = held.merge, held.project.folder
        chosen = _named(held, files) if files else held.managed
        found = [each for each in differing(merge, folder, held.pieces, chosen) if not each.waived]
        back = {each.path: merge.kept(each.wanted) for each in found if not merge.in_the_way(each.path, each.wanted)}
        filtered = [
            path for path in held.pieces if files and chosen.belongs(path) and merge.rules.has_filter(folder + path)
        ]
    objects, shelf, tree = held.project.objects, merge.shelf, held.project.tree
    conflicts = tuple(merge.merged.conflicts)
    return Plan(
        repository,
        answers_file,
        commit,
        held.version,
        held.version,
        "conflict" if conflicts else "updated" if back else "current",
        tree,
        objects.changed_tree(tree, back, shelf) if back else None,
        healed=tuple(sorted(back)),
        conflicts=conflicts,
        warnings=(*held.warnings, *(f"{path} goes through a filter and was left as it is." for path in filtered)),
        objects=shelf.objects,
        kind="reset",
    )


def _named(held: Beside, files: Sequence[str]) -> Managed:
    """Exactly the named files, whatever waivers say.

    Raises:
        Refused: A line names no file of the template.
    """
    unknown = [line for line in files if not any(GitIgnoreSpec.from_lines([line]).match_files(held.pieces))]
    if unknown:
        faults = [Fault(line, f"is no file of the template at {held.version.name}.") for line in unknown]
        raise Refused("The template gives no such file.", faults)
    spec = GitIgnoreSpec.from_lines(files)
    return Managed(lambda path: bool(spec.match_file(path)), lambda path: False)
