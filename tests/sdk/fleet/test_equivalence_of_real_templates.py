"""A public template as its users have it, beside the real `copier update`.

`coopie` (MIT) is the Copier template that could be had here: its source releases on PyPI are its versions. They are
fetched for this test, become tags of a repository, and are not part of this project. Templates that live on forges
alone cannot be had where only package registries are reached.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sdk.fleet.test_equivalence import both
from tests.support.fleet import commit_all, git, make_project, write

VERSIONS = ("0.9.0", "1.0.14")
FETCH = ("uvx", "--quiet", "--with", "hatchling", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its versions as tags of a repository."""
    folder = tmp_path_factory.mktemp("real")

    def fetch(version: str) -> subprocess.CompletedProcess[str]:
        command = [*FETCH, "--no-binary=:all:", "--dest", str(folder), f"coopie=={version}"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(len(VERSIONS)) as pool:
        for done in pool.map(fetch, VERSIONS):
            if done.returncode != 0:
                pytest.skip(f"needs PyPI, for `{' '.join(FETCH)} coopie`: {done.stderr[-300:]}")
    place = folder / "template"
    place.mkdir()
    for version in VERSIONS:
        if (place / ".git").exists():
            git(place, "rm", "--quiet", "-r", ".")
        shutil.unpack_archive(folder / f"coopie-{version}.tar.gz", folder)  # no filter: Python 3.11.2 has none
        unpacked = folder / f"coopie-{version}"
        kept = [path for path in (unpacked / "copier.yml", *(unpacked / "template").rglob("*")) if path.is_file()]
        write(place, {path.relative_to(unpacked).as_posix(): path.read_bytes() for path in kept})
        commit_all(place, f"Release {version}")
        git(place, "tag", f"v{version}")
    return place


def test_its_users_get_what_copier_gives(template: Path, tmp_path: Path) -> None:
    answers = {"project_name": "churn", "project_type": "cli"}
    project = make_project(template, tmp_path / "project", answers, at="v0.9.0")
    texts = sorted(path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)
    edits = {}
    for number, path in enumerate(texts):
        name, text = path.relative_to(project).as_posix(), path.read_text("utf-8")
        rows = text.splitlines(keepends=True)
        if name != ".copier-answers.yml" and number % 3 != 1 and rows:
            rows[len(rows) // 2 : len(rows) // 2] = ["# ours\n"]
            edits[name] = "".join(rows)
    write(project, edits)
    commit_all(project)
    found, given, copiers = both(tmp_path, template, project)
    assert len(found.changed) > 8
    kept = {conflict.path for conflict in found.conflicts if conflict.kind == "deleted-there"}
    more = given.keys() - copiers.keys()
    assert more - kept <= {".python-version"}, "a seeded file that the template has no more stays"
    assert kept <= more, "Copier drops what was edited here and deleted there"
    assert copiers.keys() <= given.keys()
    assert kept <= edits.keys()
    assert [path for path in copiers if given[path] != copiers[path]] == []
