"""A public template as its users have it, beside the real `copier update`.

Its versions are source releases on PyPI. Templates that live on forges alone cannot be had where only package
registries are reached.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sdk.fleet.test_equivalence import both
from tests.support.fleet import commit_all, make_project, public_template, write


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return public_template(tmp_path_factory.mktemp("real"))
    except ConnectionError as error:
        pytest.skip(str(error))


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
