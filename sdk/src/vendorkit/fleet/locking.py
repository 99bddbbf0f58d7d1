"""Lock files that an update would leave behind their declarations, locked again on the planned tree.

Only declarations go to uv, nothing is built, and none of them may name a place to fetch from that the platform does
not list. One resolution serves every repository with the same declarations and the same lock before, whatever its name.
"""

from __future__ import annotations

import json
import os
import threading
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from vendorkit.adapters.environment import LOCKFILE, lock_again
from vendorkit.adapters.git_objects import FILE, PROGRAM, Entry, GitObjects, Shelf
from vendorkit.errors import Refused, Unavailable
from vendorkit.fleet.lock_names import SHARED, name_in, renamed_declarations, renamed_lock
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, stale_locks
from vendorkit.records.canonical import digest_bytes, digest_json
from vendorkit.records.toml_text import load_toml

DECLARATIONS = "pyproject.toml"
PLAIN = frozenset({"package", "managed", "python-downloads", "workspace", "sources", "default-groups"})
"""Settings of uv that fetch nothing by themselves; of the others some name an index, a folder or a program."""
RESOLVED = ("name", "version", "requires-python", "dependencies", "optional-dependencies", "dynamic")
"""What uv reads of a project to lock it."""


def locked_again(planned: Plan, templates: Templates) -> Plan:
    """The plan with the lock files that it would leave behind; a lock that uv cannot make keeps its warning, with
    the reason.

    Args:
        planned: The plan.
        templates: The templates of the platform: their addresses may be fetched from. Resolutions are kept in
            their cache.
    """
    objects = GitObjects(planned.where)
    objects.lend(planned.objects)
    shelf, made, warnings = Shelf(dict(planned.objects)), dict[str, Entry | None](), list(planned.warnings)
    for path, says in stale_locks(objects, objects.tree_of(planned.base_commit), planned).items():
        place = warnings.index(says)
        files = _declarations(objects, planned.final_tree, path.removesuffix(LOCKFILE))
        try:
            _refuse_foreign(files, templates)
            made[path] = Entry(FILE, shelf.blob(_resolved(files, templates.cache / "locks")))
            warnings.remove(says)
        except (Refused, Unavailable) as error:
            warnings[place] = f"{says} It was not locked again: {error}"
    trees = [objects.changed_tree(tree, made, shelf) for tree in (planned.tree, planned.heal_tree) if tree]
    return replace(
        planned,
        tree=trees[0],
        heal_tree=trees[1] if planned.heal_tree else None,
        changed=tuple(sorted({*planned.changed, *made})),
        warnings=tuple(warnings),
        objects=shelf.objects,
    )


def _declarations(objects: GitObjects, tree: str, folder: str) -> dict[str, bytes]:
    """The lock file and every `pyproject.toml` below its folder; links are not followed."""
    return {
        path.removeprefix(folder): objects.read(entry.id)
        for path, entry in objects.walk(tree)
        if path.startswith(folder)
        and entry.mode in (FILE, PROGRAM)
        and (path == folder + LOCKFILE or path.rpartition("/")[2] == DECLARATIONS)
    }


def _resolved(files: Mapping[str, bytes], cache: Path) -> bytes:
    """The lock of declarations, resolved once for all projects that differ in nothing but their name."""
    name = name_in(files[DECLARATIONS]) if DECLARATIONS in files else ""
    shared = _nameless(files, name) if name else None
    if shared is None:
        return _resolved_once(files, cache)
    made = renamed_lock(_resolved_once(shared, cache), SHARED, name)
    return _resolved_once(files, cache) if made is None else made


def _nameless(files: Mapping[str, bytes], name: str) -> dict[str, bytes] | None:
    """The files with the name that all share; None where something else in them depends on the name."""
    values = [load_toml(data) for path, data in files.items() if path != LOCKFILE]
    asked = {canonicalize_name(Requirement(wanted).name) for value in values for wanted in _wanted(value)}
    uv = [value.get("tool", {}).get("uv", {}) for value in values]
    sources = {canonicalize_name(each) for settings in uv for each in settings.get("sources", {})}
    declared, lock = renamed_declarations(files[DECLARATIONS], SHARED), renamed_lock(files[LOCKFILE], name, SHARED)
    if declared is None or lock is None or {name, SHARED} & (asked | sources):
        return None
    return {**files, DECLARATIONS: declared, LOCKFILE: lock}


def _resolved_once(files: Mapping[str, bytes], cache: Path) -> bytes:
    """The lock of declarations; what was resolved before for the same is taken from the cache."""
    said = {path: digest_bytes(data) if path == LOCKFILE else _said(data) for path, data in files.items()}
    name = digest_json(said).removeprefix("sha256:")
    kept = cache / name
    if not kept.exists():
        data = lock_again(files)
        cache.mkdir(parents=True, exist_ok=True)
        aside = cache / f".{name}.{os.getpid()}-{threading.get_ident()}"
        aside.write_bytes(data)
        aside.replace(kept)
    return kept.read_bytes()


def _said(data: bytes) -> str:
    """What uv reads of a `pyproject.toml` when it locks."""
    value = load_toml(data)
    project = {key: value.get("project", {}).get(key) for key in RESOLVED}
    uv = value.get("tool", {}).get("uv")
    said = [project, value.get("dependency-groups"), value.get("build-system"), uv]
    return json.dumps(said, sort_keys=True, default=str)


def _refuse_foreign(files: Mapping[str, bytes], templates: Templates) -> None:
    """Refuse declarations that name other places than the index of this machine and the listed templates."""
    for path, data in files.items():
        if path.rpartition("/")[2] != DECLARATIONS:
            continue
        try:
            value = load_toml(data)
            for url in _addresses(value):
                templates.listed(url)
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError) as error:
            raise Refused(f"{path} cannot be read: {error}") from error


def _addresses(value: Mapping[str, Any]) -> Iterator[str]:
    """Every address that a `pyproject.toml` names for its dependencies; what is no address is refused.

    Raises:
        Refused: A setting of uv may fetch or read from elsewhere.
    """
    uv = value.get("tool", {}).get("uv", {})
    sources = uv.get("sources", {})
    members = [*uv.get("workspace", {}).get("members", ()), *uv.get("workspace", {}).get("exclude", ())]
    odd = sorted(set(uv) - PLAIN)
    odd += [f"sources.{name}" for name, source in sources.items() if source != {"workspace": True}]
    odd += [f"workspace: {member}" for member in members if ".." in member or member.startswith("/")]
    if odd:
        raise Refused(f"its declarations name places of their own: tool.uv.{', tool.uv.'.join(odd)}")
    for wanted in _wanted(value):
        url = Requirement(wanted).url
        if url is not None:
            before, at, commit = url.partition("#")[0].rpartition("@")
            yield before if at and "/" not in commit else url.partition("#")[0]


def _wanted(value: Mapping[str, Any]) -> Iterator[str]:
    """Every requirement that a `pyproject.toml` declares."""
    project, groups = value.get("project", {}), value.get("dependency-groups", {})
    lists = [project.get("dependencies", ()), *project.get("optional-dependencies", {}).values(), *groups.values()]
    yield from (each for entries in lists for each in entries if isinstance(each, str))
