"""Migrations of a trusted template over the tree of a project: run in a sandbox, read back as a tree.

Only the project's own folder is written out there; submodules and what is not below it stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorkit.adapters.git_objects import FILE, LINK, PROGRAM, Entry, Shelf, safe_path
from vendorkit.adapters.template.isolated import Stage, migrate_isolated
from vendorkit.fleet.project import ProjectTree
from vendorkit.fleet.rules import Rules
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.versions import TemplateVersion


def migrated(
    templates: Templates,
    versions: tuple[TemplateVersion, TemplateVersion],
    stage: Stage,
    project: ProjectTree,
    recorded: Mapping[str, Any],
    shelf: Shelf,
) -> str:
    """The tree after the migrations of a stage; its new objects are on the shelf and lent to the project's repository.

    Files that the migrations leave behind and git ignores are left out.

    Args:
        templates: The templates of the platform.
        versions: The version that the project has, and the one that it gets.
        stage: Which migrations.
        project: The project, at the tree that they run over.
        recorded: The answers that it records.
        shelf: Takes new objects.

    Raises:
        BadInput: A migration failed.
        Unavailable: No sandbox can be had here.
    """
    (parts, older), (more, newer) = (templates.at(version) for version in versions)
    source = versions[1].source
    changes = migrate_isolated(
        {**parts, **more}, source, (older, newer), stage, project.seen, _files(project), recorded=recorded
    )
    rules = Rules(lambda path: project.read(path.removeprefix(project.folder)))
    entries: dict[str, Entry | None] = {}
    for path, change in changes.items():
        full = project.folder + path
        if change is None:
            entries[full] = None
        elif project.objects.entry(project.tree, full) is not None or not rules.ignores(full):
            entries[full] = Entry(change[0], shelf.blob(change[1]))
    tree = project.objects.changed_tree(project.tree, entries, shelf)
    project.objects.lend(shelf.objects)
    return tree


def _files(project: ProjectTree) -> Iterator[tuple[str, int, bytes]]:
    """Every file and link of the project, by path below its top."""
    top = project.objects.entry(project.tree, project.folder.rstrip("/")) if project.folder else None
    for path, entry in project.objects.walk(top.id if top else project.tree):
        if entry.mode in (FILE, PROGRAM, LINK) and safe_path(path):
            yield path, entry.mode, project.objects.read(entry.id)
