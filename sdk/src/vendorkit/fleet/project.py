"""A project inside a repository: the folder that its template fills, found from its answers file."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from vendorkit.adapters.git_objects import FILE, PROGRAM, GitObjects, safe_path
from vendorkit.adapters.template.asking import Project
from vendorkit.adapters.template.blueprint import Blueprint


class ProjectTree:
    """A project at one commit.

    Args:
        objects: The repository.
        tree: The commit's tree.
        answers_file: Path of the answers file below the repository's top.
        blueprint: The template, which says how far below the project's top its answers lie.
        name: What the repository's folder is called.
    """

    def __init__(self, objects: GitObjects, tree: str, answers_file: str, blueprint: Blueprint, name: str) -> None:
        self.objects = objects
        self.tree = tree
        self.answers_file = answers_file
        self.folder = project_folder(answers_file, blueprint)
        self.own = answers_file.removeprefix(self.folder)
        self.seen = Project(self.folder.rstrip("/").rpartition("/")[2] or name, self.own, self.read)

    def at(self, tree: str) -> ProjectTree:
        """The same project at another tree."""
        other = copy(self)
        other.tree = tree
        other.seen = replace(self.seen, read=other.read)
        return other

    def read(self, path: str) -> bytes | None:
        """The content of a regular file below the project's top; None where there is none."""
        entry = self.objects.entry(self.tree, self.folder + path) if safe_path(path) else None
        return self.objects.read(entry.id) if entry and entry.mode in (FILE, PROGRAM) else None

    def last(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The recorded answers as Copier carries them over: without other private keys of the template."""
        return {key: value for key, value in answers.items() if key in ("_src_path", "_commit") or key[:1] != "_"}


def project_folder(answers_file: str, blueprint: Blueprint) -> str:
    """The folder that a project lies in, with a `/` at its end; empty at the repository's top.

    It is above the answers file by as much as the template puts between.
    """
    own = blueprint.answers_file
    if answers_file == own or answers_file.endswith(f"/{own}"):
        return answers_file.removesuffix(own)
    folder = answers_file.rpartition("/")[0]
    depth = own.count("/")
    parts = folder.split("/") if folder else []
    kept = parts[: len(parts) - depth] if depth <= len(parts) else parts
    return "".join(f"{part}/" for part in kept)


def folder_name(repository: Path) -> str:
    """What templates call the folder of a repository: its name, without `.git`."""
    path = repository.absolute()
    return path.parent.name if path.name == ".git" else path.name.removesuffix(".git")
