"""Templates that run programs of their own: in a child process behind walls, where the platform trusts them."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from plumbum import local
from vendorkit.adapters.template.walls import program_for_walls
from vendorkit.errors import BadInput, Refused, Unavailable
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, plan

from tests.support.fleet import (
    Program,
    commit_all,
    copier_update,
    files_of,
    git,
    make_project,
    make_template,
    store_plan,
    write,
)
from tests.support.rollouts import run as fleet


def walled() -> bool:
    """Whether this system lets a user make walls."""
    try:
        program_for_walls()
    except Unavailable:
        return False
    return True


pytestmark = pytest.mark.skipif(not walled(), reason="needs `unshare --user --net` (apt-get install util-linux)")

TASK = "_tasks:\n  - \"printf '%s' '{{ name }}' | tr a-z A-Z > made.txt\"\n"
FIRST = {"copier.yml": f"{TASK}name: World\n", "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\n5\n"}
SECOND = {
    "copier.yml": f"{TASK}  - echo second >> made.txt\nname: World\n",
    "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\nFIVE\n",
}


def planned(template: Path, project: Path, cache: Path) -> Plan:
    templates = Templates(cache, [str(template)], trusted=[str(template)])
    head = git(project, "rev-parse", "HEAD")
    return plan(project, head, ".copier-answers.yml", templates, templates.version(str(template)))


def test_tasks_of_a_trusted_template_give_what_copier_gives(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", FIRST, SECOND)
    project = make_project(template, tmp_path / "project", {"name": "Ann"}, unsafe=True)
    write(project, {"a.txt": "Ann\nONE\n2\n3\n4\n5\n"})
    commit_all(project)
    found = planned(template, project, tmp_path / "cache")
    assert found.status == "updated"
    store_plan(project, found)
    given = files_of(project, found.tree)
    assert given["made.txt"][1] == b"ANNsecond\n"
    assert given["a.txt"][1] == b"Ann\nONE\n2\n3\n4\nFIVE\n"
    assert given == files_of(project, copier_update(project, unsafe=True))


def test_extensions_and_filters_of_a_trusted_template_give_what_copier_gives(tmp_path: Path) -> None:
    first = {
        "copier.yml": "_jinja_extensions: [jinja2.ext.do]\nname: World\n",
        "a.txt.jinja": "{% set all = [] %}{% do all.append(name) %}{{ all }}\n1\n",
        ".gitattributes": "*.bin filter=lfs\n",
        "model.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 3\n",
    }
    second = {"a.txt.jinja": "{% set all = [] %}{% do all.append(name) %}{{ all }}\n1\n2\n"}
    template = make_template(tmp_path / "template", first, second)
    project = make_project(template, tmp_path / "project", {"name": "Ann"}, unsafe=True)
    found = planned(template, project, tmp_path / "cache")
    assert (found.status, found.changed) == ("updated", (".copier-answers.yml", "a.txt"))
    store_plan(project, found)
    assert files_of(project, found.tree) == files_of(project, copier_update(project, unsafe=True))


def test_submodules_of_a_trusted_template_give_what_copier_gives_where_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")  # git would refuse a submodule in a folder
    monkeypatch.setitem(local.env._curr, "GIT_ALLOW_PROTOCOL", "file")  # what Copier gives its git
    write(tmp_path / "lib", {"lib.txt": "one\n"})
    commit_all(tmp_path / "lib")
    template = make_template(tmp_path / "template", {"copier.yml": "name: World\n", "a.txt": "1\n"})
    git(template, "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    commit_all(template, "With a library")
    git(template, "tag", "--force", "v1")
    write(tmp_path / "lib", {"lib.txt": "two\n", "more.txt": "two\n"})
    commit_all(tmp_path / "lib")
    git(template / "lib", "pull", "--quiet", "origin", "main")
    commit_all(template, "With a newer library")
    git(template, "tag", "v2")
    project = make_project(template, tmp_path / "project")
    with pytest.raises(Refused, match="not listed"):
        planned(template, project, tmp_path / "cache")
    templates = Templates(tmp_path / "cache", [str(template), str(tmp_path / "lib")], trusted=[str(template)])
    head = git(project, "rev-parse", "HEAD")
    found = plan(project, head, ".copier-answers.yml", templates, templates.version(str(template)))
    store_plan(project, found)
    given = files_of(project, found.tree)
    assert given["lib/lib.txt"][1] == b"two\n"
    assert given == files_of(project, copier_update(project))


def test_the_child_has_no_network_no_token_and_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    look = (
        "env > seen.txt; echo $HOME >> seen.txt; cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' ' > devices.txt"
    )
    template = make_template(
        tmp_path / "template", {"copier.yml": ""}, {"copier.yml": f"_tasks:\n  - {look!r}\n", "b.txt": "b\n"}
    )
    project = make_project(template, tmp_path / "project")
    found = planned(template, project, tmp_path / "cache")
    store_plan(project, found)
    given = files_of(project, found.tree)
    assert b"ghp_secret" not in given["seen.txt"][1]
    assert str(Path.home()).encode() + b"\n" not in given["seen.txt"][1]
    assert given["devices.txt"][1].split() == [b"lo"]


def test_a_task_that_fails_changes_nothing(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", {"copier.yml": ""}, {"copier.yml": "_tasks: ['exit 3']\n"})
    project = make_project(template, tmp_path / "project")
    with pytest.raises(BadInput, match="failed in its sandbox"):
        planned(template, project, tmp_path / "cache")


def test_the_child_sees_no_home_no_temporary_files_and_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    write(home, {".ssh/id": "key of somebody\n", "own/t/x": ""})
    monkeypatch.setenv("HOME", str(home))
    with tempfile.NamedTemporaryFile("w", suffix=".secret") as other:
        other.write("token of somebody\n")
        other.flush()
        tries = f"cat {home}/.ssh/id {other.name} /proc/[0-9]*/environ >> seen.txt 2>> errors.txt"
        undone = f"umount -l {home} /proc {Path(other.name).parent}; {tries}"
        inside = f"unshare -rm sh -c '{undone}'"
        tasks = "_tasks:\n" + "".join(f'  - "{each} || true"\n' for each in (tries, undone, inside))
        template = make_template(home / "own/template", {"copier.yml": ""}, {"copier.yml": tasks})
        project = make_project(template, home / "own/project")
        with subprocess.Popen(["sleep", "60"], env={"TOKEN": "variable of somebody"}) as process:
            try:
                found = planned(template, project, home / "cache")
            finally:
                process.kill()
    store_plan(project, found)
    seen = files_of(project, found.tree)["seen.txt"][1]
    assert b"of somebody" not in seen
    assert b"TMPDIR=" in seen, "it saw its own variables"


def test_a_task_writes_nowhere_but_in_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tries = (
        f"touch {outside}/x || mount -o remount,bind,rw / || unshare -rm mount -o remount,bind,rw / || echo no > no.txt"
    )
    template = make_template(tmp_path / "template", {"copier.yml": ""}, {"copier.yml": f"_tasks:\n  - {tries!r}\n"})
    found = planned(template, make_project(template, tmp_path / "project"), tmp_path / "cache")
    assert "no.txt" in found.changed
    assert list(outside.iterdir()) == []


MIGRATIONS = """name: World
_migrations:
  - command: git mv old.cfg settings.cfg
    when: "{{ _stage == 'before' }}"
  - command: "sed -i 's/Ann/Bea/' {{ _copier_conf.answers_file }}"
    when: "{{ _stage == 'before' }}"
  - command: "echo {{ name }} {{ _version_from }} {{ _version_to }} >> own.txt"
  - command: "python3 {{ _copier_conf.src_path }}/move.py"
    version: v2
"""
MOVE = "import pathlib\npathlib.Path('made.txt').write_text('made\\n')\npathlib.Path('gone.txt').unlink()\n"


def test_migrations_of_a_trusted_template_give_what_copier_gives(tmp_path: Path) -> None:
    left_out = "_exclude: [copier.yml, .git, move.py]\n"
    first = {
        "copier.yml": f"name: World\n{left_out}",
        "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\n5\n",
    }
    second = {
        "copier.yml": MIGRATIONS + left_out,
        "move.py": MOVE,
        "a.txt.jinja": "{{ name }}\n1\n2\n3\n4\nFIVE\n",
    }
    template = make_template(tmp_path / "template", first, second)
    project = make_project(template, tmp_path / "project", {"name": "Ann"})
    theirs = {
        "old.cfg": "a = 1\n",
        "own.txt": "mine\n",
        "gone.txt": "x\n",
        "link": Path("own.txt"),
        ".gitignore": "made.*\n",
    }
    write(project, {**theirs, "run.sh": Program("#!/bin/sh\n"), "a.txt": "Ann\n1\n2\nIII\n4\n5\n"})
    before = commit_all(project)
    found = planned(template, project, tmp_path / "cache")
    assert (found.status, found.conflicts) == ("updated", ())
    assert "settings.cfg" in found.warnings[0]
    store_plan(project, found)
    given = files_of(project, found.tree)
    assert given["own.txt"][1] == b"mine\nBea v1 v2\n"
    assert given["a.txt"][1] == b"Bea\n1\n2\nIII\n4\nFIVE\n"
    assert {"settings.cfg", "link", "run.sh"} <= set(given)
    assert not {"old.cfg", "gone.txt", "made.txt"} & set(given)
    assert git(project, "rev-parse", "HEAD") == before
    assert given == files_of(project, copier_update(project, unsafe=True))


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", {"copier.yml": ""}, {"copier.yml": "_migrations: ['exit 3']\n"})
    project = make_project(template, tmp_path / "project")
    with pytest.raises(BadInput, match="failed in its sandbox"):
        planned(template, project, tmp_path / "cache")


def test_the_platform_says_whether_programs_run(tmp_path: Path) -> None:
    first, second = {"copier.yml": "", "a.txt": "1\n"}, {"copier.yml": "_migrations: ['echo 2 >> own.txt']\n"}
    template = make_template(tmp_path / "template", first, second)
    project = make_project(template, tmp_path / "project")
    before = fleet(tmp_path, "add", str(project)).result
    (reported,) = fleet(tmp_path, "update", "--to", "v2").result["repos"]
    assert (before["templates"], reported["status"]) == ([str(template)], "needs-tasks")
    assert "migrations" in reported["why"]
    listed = (tmp_path / "fleet.yaml").read_text()
    (tmp_path / "fleet.yaml").write_text(listed.replace("templates:\n  - ", "templates:\n  - tasks: sandbox\n    ", 1))
    (done,) = fleet(tmp_path, "update", "--to", "v2").result["repos"]
    assert (done["status"], done["changed"]) == ("updated", [".copier-answers.yml", "own.txt"])
    assert git(project, "show", f"{done['branch']}:own.txt") == "2"
    assert "own.txt" in done["warnings"][0]
