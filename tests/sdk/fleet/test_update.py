"""Plans of updates and the commits that carry them out."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendorkit.adapters.git_objects import GitObjects, Signature
from vendorkit.errors import BadInput, Refused
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, commit, plan

from tests.support.fleet import Program, commit_all, copier_update, files_of, git, make_project, make_template, write

ANN = Signature("Ann", "ann@bank.example", 1_800_000_000)
QUESTIONS = 'name:\n  type: str\n  default: World\nlow:\n  type: str\n  default: "{{ name|lower }}"\n'
LINES = "one {{ name }}\ntwo\nthree\nfour\nfive\nsix\n"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    first = {
        "copier.yml": QUESTIONS,
        "text.txt.jinja": LINES,
        "{{ low }}.md": "plain\n",
        "run.sh": Program("#!/bin/sh\n"),
        "gone.txt": "bye\n",
    }
    second = {"text.txt.jinja": LINES.replace("five", "FIVE"), "gone.txt": None, "new.txt.jinja": "{{ low }}"}
    return make_template(tmp_path / "template", first, second)


@pytest.fixture
def templates(tmp_path: Path, template: Path) -> Templates:
    return Templates(tmp_path / "cache", [str(template)])


@pytest.fixture
def project(tmp_path: Path, template: Path) -> Path:
    return make_project(template, tmp_path / "project", {"name": "Ann"})


def planned(project: Path, templates: Templates, template: Path, to: str = "v2", **more: object) -> Plan:
    head = git(project, "rev-parse", "HEAD")
    version = templates.version(str(template), to)
    return plan(project, head, ".copier-answers.yml", templates, version, **more)  # type: ignore[arg-type]


def test_a_plan_gives_the_tree_that_copier_gives(project: Path, templates: Templates, template: Path) -> None:
    write(project, {"text.txt": LINES.replace("{{ name }}", "Bob"), "own.txt": "mine\n"})
    commit_all(project)
    found = planned(project, templates, template)
    assert found.status == "updated"
    assert (found.changed, found.deleted) == ((".copier-answers.yml", "new.txt", "text.txt"), ("gone.txt",))
    assert found.tree == copier_update(project)


def test_a_plan_writes_nothing(project: Path, templates: Templates, template: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    found = planned(project, templates, template)
    assert found.objects
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_the_commit_is_exactly_the_plan_and_touches_nothing_else(
    project: Path, templates: Templates, template: Path
) -> None:
    found = planned(project, templates, template)
    made = commit(project, found, ANN, "Update\n", "vendorkit/update-v2")
    assert git(project, "rev-parse", "vendorkit/update-v2") == made
    assert git(project, "rev-parse", f"{made}^") == found.base_commit
    assert git(project, "rev-parse", f"{made}^{{tree}}") == found.tree
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "fsck", "--strict") == ""
    assert files_of(project, made)["run.sh"] == ("100755", b"#!/bin/sh\n")


def test_committing_twice_commits_once(project: Path, templates: Templates, template: Path) -> None:
    found = planned(project, templates, template)
    assert commit(project, found, ANN, "Update", "up") == commit(project, found, ANN, "Update", "up")


def test_a_branch_with_commits_of_others_is_left_alone(project: Path, templates: Templates, template: Path) -> None:
    found = planned(project, templates, template)
    made = commit(project, found, ANN, "Update", "up")
    git(project, "checkout", "--quiet", "up")
    theirs = commit_all(project, "A hand's work")
    git(project, "checkout", "--quiet", "main")
    with pytest.raises(Refused, match="taken"):
        commit(project, found, ANN, "Update", "up", replaces=[made])
    assert git(project, "rev-parse", "up") == theirs


def test_our_own_branch_is_replaced(project: Path, templates: Templates, template: Path) -> None:
    made = commit(project, planned(project, templates, template), ANN, "Update", "up")
    commit_all(project, "Work goes on")
    again = commit(project, planned(project, templates, template), ANN, "Update", "up", replaces=[made])
    assert git(project, "rev-parse", "up") == again != made


def test_a_current_repository_has_nothing_to_commit(project: Path, templates: Templates, template: Path) -> None:
    found = planned(project, templates, template, to="v1")
    assert (found.status, found.changed, found.objects) == ("current", (), {})
    with pytest.raises(BadInput, match="nothing to commit"):
        commit(project, found, ANN, "Update", "up")


def test_an_older_version_is_refused(tmp_path: Path, templates: Templates, template: Path) -> None:
    newer = make_project(template, tmp_path / "newer", at="v2")
    with pytest.raises(Refused, match="newer"):
        planned(newer, templates, template, to="v1")


def test_a_bare_repository_is_updated_as_well(
    tmp_path: Path, project: Path, templates: Templates, template: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")
    bare = tmp_path / "bare.git"
    head = GitObjects(bare).commit_of("HEAD")
    assert head
    found = plan(bare, head, ".copier-answers.yml", templates, templates.version(str(template)))
    made = commit(bare, found, ANN, "Update", "up")
    assert git(bare, "rev-parse", "up") == made


def test_a_lock_that_falls_behind_is_said(tmp_path: Path) -> None:
    first = {"copier.yml": "", "pyproject.toml": "[project]\nname = 'a'\n", "other.txt": "1\n"}
    template = make_template(
        tmp_path / "locked", first, {"other.txt": "2\n"}, {"pyproject.toml": "[project]\nname = 'b'\n"}
    )
    project = make_project(template, tmp_path / "project")
    write(project, {"uv.lock": "version = 1\n", "models/uv.lock": "version = 1\n"})
    commit_all(project)
    templates = Templates(tmp_path / "cache", [str(template)])
    assert planned(project, templates, template, to="v2").warnings == ()
    (warning,) = planned(project, templates, template, to="v3").warnings
    assert warning == "uv.lock is behind: pyproject.toml changes. Run `uv lock` on the branch."
