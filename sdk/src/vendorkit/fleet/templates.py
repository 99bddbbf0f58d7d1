"""The versions of the platform's templates, written out once and rendered for everyone.

What a version does to a repository is decided in `update`.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vendorkit.adapters.git_objects import FILE, LINK, PROGRAM, SUBMODULE, GitObjects, object_id, safe_path
from vendorkit.adapters.template.asking import Checkout, Operation, Project
from vendorkit.adapters.template.blueprint import Blueprint, Rendering, Renders
from vendorkit.adapters.template.isolated import render_isolated
from vendorkit.errors import BadInput, Fault, Refused, Unavailable
from vendorkit.fleet.rules import Rules
from vendorkit.fleet.versions import TemplateVersion, Versions, plain_source, resolved

_SUBMODULE_URL = re.compile(r"^\s*url\s*=\s*\"?([^\"\n]+?)\"?\s*$", re.MULTILINE)


class Templates(Versions):
    """The templates of the platform, each version ready to be rendered.

    Args:
        cache: A folder of our own, kept between runs.
        allowed: The sources that may be fetched.
        moved: Old source to the listed one that took its place.
        trusted: Those of `allowed` whose tasks, migrations and extensions may run (in a child process).
    """

    def __init__(
        self,
        cache: Path,
        allowed: Sequence[str],
        *,
        moved: Mapping[str, str] | None = None,
        trusted: Sequence[str] = (),
    ) -> None:
        super().__init__(cache, allowed, moved=moved)
        self.renders = Renders()
        self._trusted = {plain_source(source) for source in trusted}
        self._blueprints: dict[tuple[str, str], Blueprint] = {}

    def is_trusted(self, source: str) -> bool:
        """Whether the platform lets the template's own programs run."""
        return plain_source(self.listed(source)) in self._trusted

    def blueprint(self, version: TemplateVersion) -> Blueprint:
        """A version, ready to be rendered.

        Raises:
            BadInput: Its configuration cannot be read.
        """
        with self.lock:
            key = (version.source, version.commit)
            if key not in self._blueprints:
                self._blueprints[key] = Blueprint(self._checkout(version), self.renders)
            return self._blueprints[key]

    def rendered(
        self,
        version: TemplateVersion,
        project: Project,
        programs: bool,
        *,
        operation: Operation = "update",
        given: Mapping[str, Any] | None = None,
        recorded: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> Rendering:
        """What a version gives a project.

        Args:
            version: The version.
            project: What may be known of the project.
            programs: Whether programs of the template have to run: then Copier renders in a child process.
            operation: What the template is told: some leave files out of an update.
            given: Answers that count as they are.
            recorded: Answers that count where they still fit.
            exclude: More patterns to leave out.

        Raises:
            BadInput: The answers are not fit, or the template or its programs failed.
            Unavailable: No sandbox can be had here.
        """
        more: dict[str, Any] = {"operation": operation, "given": given, "recorded": recorded, "exclude": exclude}
        if not programs:
            return self.blueprint(version).render(project, **more)
        mirrors, ref = self.at(version)
        return render_isolated(mirrors, version.source, ref, project, **more)

    def at(self, version: TemplateVersion) -> tuple[dict[str, Path], str]:
        """Address to where it lies here, of a version's template and of its submodules; and by which name git finds the
        version there: its tag, or its full commit.

        Raises:
            Refused: A submodule comes from a place that the platform does not list.
            Unavailable: A submodule cannot be fetched.
        """
        mirror = self._mirror(version.source)
        is_tag = mirror.commit_of(f"refs/tags/{version.name}") == version.commit
        entry = mirror.entry(mirror.tree_of(version.commit), ".gitmodules")
        text = mirror.read(entry.id).decode("utf-8", "replace") if entry and entry.mode in (FILE, PROGRAM) else ""
        places = [resolved(version.source, found) for found in _SUBMODULE_URL.findall(text)]
        return {version.source: mirror.path, **self._parts(places)}, version.name if is_tag else version.commit

    def _parts(self, places: Sequence[str]) -> dict[str, Path]:
        """Address to where it lies here, of submodules."""
        try:
            return {place: self._mirror(self.listed(place)).path for place in places}
        except Refused as error:
            raise Refused("A submodule of the template is not listed.", error.faults, fix=error.fix) from error

    def _checkout(self, version: TemplateVersion) -> Checkout:
        mirror = self._mirror(version.source)
        tree = mirror.tree_of(version.commit)
        entries = _as_written(mirror, tree)
        folder = mirror.path.with_suffix("") / version.commit
        if not folder.exists():
            _write_out(mirror, tree, folder)
        return Checkout(version.source, version.name, version.commit, tree, folder, entries)


def _rules(mirror: GitObjects, tree: str) -> Rules:
    def read(path: str) -> bytes | None:
        entry = mirror.entry(tree, path)
        return mirror.read(entry.id) if entry and entry.mode in (FILE, PROGRAM) else None

    return Rules(read)


def _as_written(mirror: GitObjects, tree: str) -> dict[str, tuple[int, str]]:
    """Path to mode and id of what is written out there, with the line ends that the template asks for."""
    found = {path: (entry.mode, entry.id) for path, entry in mirror.walk(tree)}
    if any(path.rpartition("/")[2] == ".gitattributes" for path in found):
        rules = _rules(mirror, tree)
        for path, (mode, blob) in found.items():
            if mode in (FILE, PROGRAM):
                found[path] = mode, object_id("blob", rules.written(path, mirror.read(blob)))
    return found


def _write_out(mirror: GitObjects, tree: str, folder: Path) -> None:
    """Write a version beside its place, then move it there."""
    entries = dict(mirror.walk(tree))
    rules = _rules(mirror, tree)
    if odd := [path for path in entries if not safe_path(path)]:
        raise BadInput("The template cannot be written out.", [Fault(path, "leads out of it.") for path in odd])
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for path, entry in entries.items():
            place = aside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == SUBMODULE:
                place.mkdir()
            elif entry.mode == LINK:
                place.symlink_to(os.fsdecode(mirror.read(entry.id)))
            else:
                place.write_bytes(rules.written(path, mirror.read(entry.id)))
                place.chmod(0o755 if entry.mode == PROGRAM else 0o644)
        aside.rename(folder)
    except FileExistsError as error:
        raise BadInput(f"The template cannot be written out: {error}") from error
    except OSError as error:
        if not folder.exists():
            raise Unavailable(f"The template cannot be written out: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
