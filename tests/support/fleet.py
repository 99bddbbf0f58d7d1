"""Templates with versions, and repositories made from them, for tests of the fleet. The peer is Copier itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import copier
from vendorkit.adapters.git_objects import GitObjects
from vendorkit.fleet.update import Plan

REPOSITORY = Path(__file__).parents[2]

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@bank.example",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@bank.example",
    "GIT_AUTHOR_DATE": "2026-09-01T12:00:00Z",
    "GIT_COMMITTER_DATE": "2026-09-01T12:00:00Z",
}

ANSWERS = "{{ _copier_conf.answers_file }}.jinja"
ANSWERS_TEXT = "{{ _copier_answers|to_nice_yaml }}\n"


class Program(str):
    """The text of a file that may be executed."""


Content = str | bytes | Path | None
"""A file's text or bytes; a path is a link; None deletes."""


def git(folder: Path, *arguments: str) -> str:
    """Standard output of a git command."""
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, Content]) -> None:
    """Write, link or delete files below a folder."""
    for name, content in files.items():
        place = folder / name
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        if content is None:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_bytes(content.encode() if isinstance(content, str) else content)
            place.chmod(0o755 if isinstance(content, Program) else 0o644)


def commit_all(folder: Path, message: str = "Change") -> str:
    """Commit everything in a folder; gives the commit."""
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def make_template(folder: Path, *versions: Mapping[str, Content]) -> Path:
    """A template repository with tags v1, v2, ...; each version adds to the one before. Without an answers file of its
    own it gets the usual one.
    """
    folder.mkdir(parents=True)
    write(folder, {ANSWERS: ANSWERS_TEXT} if not any("answers_file" in name for name in versions[0]) else {})
    for number, files in enumerate(versions, 1):
        write(folder, files)
        commit_all(folder, f"Version {number}")
        git(folder, "tag", f"v{number}")
    return folder


def make_project(
    template: Path, folder: Path, answers: Mapping[str, Any] | None = None, *, at: str = "v1", **more: Any
) -> Path:
    """A repository made by Copier itself from a version of a template."""
    folder.mkdir(parents=True, exist_ok=True)
    copier_quietly(copier.run_copy, str(template), folder, data=dict(answers or {}), vcs_ref=at, **more)
    commit_all(folder, "Kick off")
    return folder


def copier_update(folder: Path, to: str | None = None, **more: Any) -> str:
    """Update a copy of a repository with Copier's own update and commit what it left; gives the tree.

    Args:
        folder: The repository; it is changed.
        to: The version; None means the newest.
        more: Options of Copier.
    """
    copier_quietly(copier.run_update, folder, vcs_ref=to, overwrite=True, **more)
    git(folder, "add", "--all")
    return git(folder, "write-tree")


def copier_quietly(verb: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Run one of Copier's verbs with defaults for open questions and the tests' git identity."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verb(*arguments, defaults=True, quiet=True, **options)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def files_of(folder: Path, tree: str) -> dict[str, tuple[str, bytes]]:
    """Path to mode and content of everything in a tree of a repository."""
    rows = git(folder, "ls-tree", "-r", "-z", "--full-tree", tree).split("\0")
    found = {}
    for row in filter(None, rows):
        head, path = row.split("\t", 1)
        mode, _, blob = head.split()
        done = subprocess.run(["git", "cat-file", "blob", blob], cwd=folder, capture_output=True, check=True)
        found[path] = (mode, done.stdout)
    return found


def store_plan(folder: Path, planned: Plan) -> None:
    """Write the objects of a plan, so that git can look at its tree; no reference changes."""
    GitObjects(folder).store(planned.objects)


PUBLIC = ("0.9.0", "1.0.14")
"""Releases of `coopie` (MIT), the Copier template that package registries have; its tags are v and the number."""
FETCH = ("uvx", "--quiet", "--with", "hatchling", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation")


def public_template(folder: Path) -> Path:
    """A public template as its users have it: the source releases that it has on PyPI, as tags of a repository. They
    are fetched for this and are not part of this project.

    Raises:
        ConnectionError: PyPI cannot be reached; says what was tried.
    """

    def fetch(version: str) -> subprocess.CompletedProcess[str]:
        command = [*FETCH, "--no-binary=:all:", "--dest", str(folder), f"coopie=={version}"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(len(PUBLIC)) as pool:
        for done in pool.map(fetch, PUBLIC):
            if done.returncode != 0:
                raise ConnectionError(f"needs PyPI, for `{' '.join(FETCH)} coopie`: {done.stderr[-300:]}")
    place = folder / "template"
    place.mkdir()
    for version in PUBLIC:
        if (place / ".git").exists():
            git(place, "rm", "--quiet", "-r", ".")
        shutil.unpack_archive(folder / f"coopie-{version}.tar.gz", folder)  # no filter: Python 3.11.2 has none
        unpacked = folder / f"coopie-{version}"
        kept = [path for path in (unpacked / "copier.yml", *(unpacked / "template").rglob("*")) if path.is_file()]
        write(place, {path.relative_to(unpacked).as_posix(): path.read_bytes() for path in kept})
        commit_all(place, f"Release {version}")
        git(place, "tag", f"v{version}")
    return place


def own_template(folder: Path) -> Path:
    """Three versions of the template of this repository; the second changes managed and seeded files."""
    template = make_template(folder, own_files(), {})
    git(template, "tag", "-d", "v2")
    changed = {
        "template/noxfile.py.jinja": lambda text: text.replace("import nox", "import os\n\nimport nox", 1),
        "template/.pre-commit-config.yaml": lambda text: text + "# more\n",
        "template/README.md.jinja": lambda text: text + "\nMore.\n",
        "template/.gitignore": None,
    }
    files = own_files()
    write(template, {name: change(files[name]) if change else None for name, change in changed.items()})
    write(template, {"template/SECURITY.md": "Tell us.\n"})
    commit_all(template, "Version 2")
    git(template, "tag", "v2")
    return template


def own_files() -> dict[str, Any]:
    names = git(REPOSITORY, "ls-files", "copier.yml", "template").splitlines()
    texts: dict[str, Content] = {}
    for name in names:
        clean = re.sub(r'^"|"$', "", name)
        texts[clean] = (REPOSITORY / clean).read_text("utf-8")
    return texts
