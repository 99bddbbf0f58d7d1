"""An update of one repository: what it would change, and the commit that does exactly that.

A plan reads git objects and writes nothing. Which repositories are updated when, and what happens to the commit
on a forge, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from vendorkit.adapters.git_objects import Entry, GitObjects, Shelf, Signature, TextMerge
from vendorkit.adapters.template.blueprint import Blueprint, Rendering
from vendorkit.adapters.template.isolated import Stage
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.fleet.heal import MANIFEST, Managed, differing
from vendorkit.fleet.merge import Conflict, ConflictStyle, Merge, Merged
from vendorkit.fleet.migrating import migrated
from vendorkit.fleet.ours import Declined
from vendorkit.fleet.project import ProjectTree, folder_name
from vendorkit.fleet.recorded import recorded_answers, recorded_version
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.versions import TemplateVersion
from vendorkit.records.answers import version_of

MIGRATIONS = "migrations"

Status = Literal["updated", "current", "conflict", "drifted", "needs-tasks"]


@dataclass(frozen=True)
class Plan:
    """What an update would do to a repository. Paths are relative to the repository's top.

    Args:
        where: The repository.
        answers_file: The answers file of the project that is updated.
        base_commit: The commit that it is planned on.
        from_version: The version that the repository records.
        to_version: The version that it would have.
        status: `updated`, `current` when nothing would change, `drifted` when only managed files are restored,
            `conflict`, or `needs-tasks` when only the template's own programs could do it (nothing is planned then).
        tree: The tree after the update, without what is healed.
        heal_tree: The tree after managed files are restored too; None where none is.
        changed: Files that the update adds or changes.
        deleted: Files that it deletes.
        healed: Managed files that are restored.
        renamed: Old path to new path of files whose rename was followed.
        conflicts: What could not be merged; the repository's side is kept.
        needs: What only running the template's programs could do: `tasks`, `migrations`, `jinja_extensions`,
            `submodules`, `filters`.
        warnings: What somebody should know: a tag that moved, a commit that vanished.
        objects: The new files and folders, by id; they are written when the plan is committed.
        kind: `reset` where files are brought back because somebody asked for it.
    """

    where: Path
    answers_file: str
    base_commit: str
    from_version: TemplateVersion
    to_version: TemplateVersion
    status: Status
    tree: str
    heal_tree: str | None = None
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    healed: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    needs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    objects: Mapping[str, tuple[str, bytes]] = field(default_factory=dict, repr=False, compare=False)
    kind: Literal["update", "reset"] = "update"

    @property
    def final_tree(self) -> str:
        """The tree after everything."""
        return self.heal_tree or self.tree

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to commit."""
        return self.status in ("current", "needs-tasks") or not (self.changed or self.deleted or self.healed)


def plan(
    repository: Path,
    commit: str,
    answers_file: str,
    templates: Templates,
    to: TemplateVersion,
    conflicts: ConflictStyle = "markers",
    *,
    recorded: str | None = None,
    managed: Sequence[str] | None = None,
    as_of: date | None = None,
    name: str | None = None,
) -> Plan:
    """Work out the update of one project of a repository. Nothing of it is run and nothing is written.

    Args:
        repository: Top folder of the repository, or its bare folder.
        commit: Full id of the commit to update.
        answers_file: Path of the answers file below the repository's top.
        templates: The templates of the platform.
        to: The version to bring it to.
        conflicts: `markers` writes conflict markers into texts that both changed; `aside` leaves them as they are.
        recorded: The full template commit of the last update, where it is known: a tag may have moved since.
        managed: Lines of a `.gitignore` that say which files belong to the template alone; None leaves it to the
            template: in vendorkit's own all that is not seeded, in others none.
        as_of: The date that waivers are judged by; None means today.
        name: What the repository's folder is called, which templates may use; None takes it from `repository`.

    Raises:
        BadInput: The answers file is not there or not fit, or the template cannot be rendered with it.
        Refused: The template is not listed, the recorded version is gone, or `to` is older.
        Unavailable: An object is not there, or the template cannot be fetched.
    """
    objects = GitObjects(repository)
    tree = objects.tree_of(commit)
    answers = recorded_answers(objects, tree, answers_file)
    before, warnings = recorded_version(templates, answers, answers_file, recorded)
    _check_direction(before, to)
    with templates.lock:
        old, new = templates.blueprint(before), templates.blueprint(to)
        where = (repository, answers_file, commit, before, to)
        needs = needed(old, new)
        if needs and not templates.is_trusted(to.source):
            return Plan(*where, "needs-tasks", tree, needs=needs, warnings=warnings)
        project = ProjectTree(objects, tree, answers_file, new, name or folder_name(repository))
        programs = bool(set(needs) - {MIGRATIONS})
        base = None
        if before.commit != to.commit:
            given = project.last(answers)
            base = templates.rendered(before, project.seen, programs, given=given, exclude=new.exclude)
        migrations = _Migrations(templates, (before, to), Shelf()) if MIGRATIONS in needs else None
        if migrations is not None:
            project = project.at(migrations.run("before", project, answers))
            answers = recorded_answers(objects, project.tree, answers_file)
        theirs = templates.rendered(to, project.seen, programs, recorded=project.last(answers))
        rules = Managed.of(new.questions, theirs.seeded, managed, project.read(MANIFEST), as_of or date.today())
        work = _work(project, theirs, base, rules, conflicts, migrations)
    made = work.planned(objects, tree, where, warnings)
    return replace(made, warnings=(*made.warnings, *stale_locks(objects, tree, made).values()))


def commit(
    repository: Path,
    planned: Plan,
    author: Signature,
    message: str,
    branch: str,
    *,
    heal_message: str = "Restore files that belong to the template",
    replaces: Collection[str] = (),
) -> str:
    """Commit exactly what was planned on a branch; what is healed is a commit of its own on top.

    Done twice, it is done once: a branch that already ends in this very change is left as it is.

    Args:
        repository: The repository that was planned for.
        planned: The plan.
        author: Who commits.
        message: Message of the update.
        branch: Short name of the branch.
        heal_message: Message of the commit that restores managed files.
        replaces: Commits of ours that the branch may name and lose.

    Returns:
        The full id of the last commit.

    Raises:
        BadInput: The plan changes nothing, or no branch can be called that.
        Refused: Somebody else committed on the branch.
        Unavailable: The repository cannot be written.
    """
    if planned.changes_nothing:
        raise BadInput(f"There is nothing to commit in {repository}.")
    objects = GitObjects(repository)
    tip = objects.commit_of(f"refs/heads/{branch}")
    if tip is not None and _is_done(objects, tip, planned):
        return tip
    if tip is not None and tip not in replaces:
        says = f"has commits that are not ours, up to {tip[:12]}; it was left alone."
        raise Refused("The branch is taken.", [Fault(branch, says)], fix="Merge or delete it, then update again.")
    objects.store(planned.objects)
    last = planned.base_commit
    if planned.tree != objects.tree_of(last):
        last = objects.write_commit(planned.tree, [last], author, message)
    if planned.heal_tree is not None:
        last = objects.write_commit(planned.heal_tree, [last], author, heal_message)
    objects.move_branch(branch, last, tip)
    return last


def stale_locks(objects: GitObjects, tree: str, planned: Plan) -> dict[str, str]:
    """Lock files whose declarations a plan changes, with what to say of each; locking asks package indexes, planning
    does not.
    """
    touched = {path for path in (*planned.changed, *planned.healed) if path.rpartition("/")[2] == "pyproject.toml"}
    folders = {path.rpartition("/")[0] for path in touched}
    above = {"/".join(folder.split("/")[:depth]) for folder in folders for depth in range(folder.count("/") + 2)}
    locks = sorted(f"{folder}/uv.lock".lstrip("/") for folder in above)
    held = [lock for lock in locks if lock not in planned.changed and objects.entry(tree, lock) is not None]
    return {
        lock: f"{lock} is behind: {', '.join(sorted(touched))} changes. Run `uv lock` on the branch." for lock in held
    }


def needed(old: Blueprint, new: Blueprint) -> tuple[str, ...]:
    """What of an update only running the template's own programs could do."""
    migrates = old.checkout.commit != new.checkout.commit and new.migrates(old)
    return tuple(sorted({*old.needs, *new.needs, *((MIGRATIONS,) if migrates else ())}))


def _check_direction(before: TemplateVersion, to: TemplateVersion) -> None:
    low, high = version_of(before.name), version_of(to.name)
    if low is not None and high is not None and low > high:
        raise Declined(f"The repository has {before.name}, which is newer than {to.name}.", fix="Name a newer version.")


def _is_done(objects: GitObjects, tip: str, planned: Plan) -> bool:
    """Whether a branch ends in the very commits of a plan."""
    first = None if planned.tree == objects.tree_of(planned.base_commit) else planned.tree
    for tree in filter(None, (planned.heal_tree, first)):
        above = objects.parents(tip)
        if objects.tree_of(tip) != tree or len(above) != 1:
            return False
        tip = above[0]
    return tip == planned.base_commit


@dataclass(frozen=True)
class _Migrations:
    """The migrations between two versions of a template; what they make goes on the shelf."""

    templates: Templates
    versions: tuple[TemplateVersion, TemplateVersion]
    shelf: Shelf

    def run(self, stage: Stage, project: ProjectTree, answers: Mapping[str, Any]) -> str:
        """The tree after those of a stage."""
        return migrated(self.templates, self.versions, stage, project, project.last(answers), self.shelf)


def _work(
    project: ProjectTree,
    new: Rendering,
    base: Rendering | None,
    managed: Managed,
    style: ConflictStyle,
    migrations: _Migrations | None,
) -> _Work:
    """Merge what the template changed, let its migrations follow, then find what is to be restored.

    Args:
        project: The project, after the migrations that come before.
        new: What the template gives now.
        base: What it gave; None where both versions are the same.
        managed: Which files belong to the template alone.
        style: What a conflict in a text leaves.
        migrations: Migrations to run; None where there are none.
    """
    objects, shelf = project.objects, migrations.shelf if migrations else Shelf()
    merge = held = Merge(objects, project.tree, project.folder, shelf, TextMerge(), style)
    pieces = {path: piece for path, piece in new.pieces.items() if path != project.own}
    if base is not None:
        before = {path: piece for path, piece in base.pieces.items() if path != project.own}
        merge.run(before, pieces, seeded=new.seeded, restored=managed.restores)
        answers = new.pieces.get(project.own)
        if answers is not None:
            merge.put(project.answers_file, answers)
    tree = objects.changed_tree(project.tree, merge.merged.changes, shelf) if merge.merged.changes else project.tree
    if migrations is not None:
        objects.lend(shelf.objects)
        tree = migrations.run("after", project.at(tree), new.answers)
        held = Merge(objects, tree, project.folder, shelf, TextMerge(), style)
    open_paths = {conflict.path for conflict in merge.merged.conflicts}
    healed = {
        found.path: held.kept(found.wanted)
        for found in differing(held, project.folder, pieces, managed)
        if found.change != "edited" and not found.waived and found.path not in open_paths
        if not held.in_the_way(found.path, found.wanted)
    }
    conflicts = {each.path: each for each in (*held.merged.conflicts, *merge.merged.conflicts)}
    merged = replace(merge.merged, conflicts=[conflicts[path] for path in sorted(conflicts)])
    return _Work(merged, tree, healed, shelf, migrations is not None)


@dataclass(frozen=True)
class _Work:
    """What came out: the merge, the tree that it leaves, the managed files that are restored, the new objects, and
    whether migrations ran.
    """

    merged: Merged
    tree: str
    healed: dict[str, Entry]
    shelf: Shelf
    migrates: bool

    def planned(
        self,
        objects: GitObjects,
        before: str,
        where: tuple[Path, str, str, TemplateVersion, TemplateVersion],
        warnings: tuple[str, ...],
    ) -> Plan:
        """The plan over the tree that was there before."""
        merged = self.merged
        objects.lend(self.shelf.objects)
        changes = dict(objects.differences(before, self.tree))
        healed = objects.changed_tree(self.tree, self.healed, self.shelf) if self.healed else None
        status: Status = "current"
        if merged.conflicts:
            status = "conflict"
        elif changes:
            status = "updated"
        elif self.healed:
            status = "drifted"
        if self.migrates:
            others = sorted(changes.keys() - merged.changes.keys())
            more = f" Of files that are not the template's they changed: {', '.join(others)}." if others else ""
            warnings = (*warnings, f"The template's migrations ran in a sandbox.{more}")
        return Plan(
            *where,
            status,
            self.tree,
            healed,
            tuple(sorted(path for path, entry in changes.items() if entry is not None)),
            tuple(sorted(path for path, entry in changes.items() if entry is None)),
            tuple(sorted(self.healed)),
            dict(merged.renamed),
            tuple(merged.conflicts),
            (),
            warnings,
            self.shelf.objects,
        )
