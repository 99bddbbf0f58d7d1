"""Versions of templates: which are fetched, what they are called, what moved and what vanished."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendorkit.adapters.git_objects import GitObjects
from vendorkit.adapters.repository import fetch_template
from vendorkit.errors import Refused, Unavailable
from vendorkit.fleet import versions
from vendorkit.fleet.drift import drift
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, plan
from vendorkit.fleet.versions import plain_source, resolved

from tests.support.fleet import Content, commit_all, git, make_project, make_template, write

FIRST = {
    "copier.yml": "name: World\n",
    "a.txt.jinja": "{{ name }}\n1\n2\n3\n",
    "CHANGELOG.md": "# Changes\n\n## v1\n- First\n",
}
SECOND = {
    "a.txt.jinja": "{{ name }}\n1\n2\nTHREE\n",
    "CHANGELOG.md": "# Changes\n\n## v2\n- Three is loud\n\n## v1\n- First\n",
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def templates(tmp_path: Path, template: Path) -> Templates:
    return Templates(tmp_path / "cache", [str(template)])


def planned(project: Path, templates: Templates, template: Path, **more: object) -> Plan:
    head = git(project, "rev-parse", "HEAD")
    version = templates.version(str(template))
    return plan(project, head, ".copier-answers.yml", templates, version, **more)  # type: ignore[arg-type]


def test_the_newest_release_a_tag_a_commit_and_a_description(templates: Templates, template: Path) -> None:
    write(template, {"b.txt": "b\n"})
    later = commit_all(template, "After v2")
    git(template, "tag", "v3.0.0rc1")
    source = str(template)
    assert templates.version(source).name == "v2"
    assert templates.version(source, "v1").commit == git(template, "rev-parse", "v1")
    assert templates.version(source, later).name == "v3.0.0rc1"
    git(template, "tag", "-d", "v3.0.0rc1")
    fresh = Templates(templates.cache, [source])
    described = fresh.version(source, "main").name
    assert described == git(template, "describe", "--tags", "main") == f"v2-1-g{later[:7]}"
    assert fresh.version(source, described).commit == later


def test_a_template_without_tags_is_its_default_branch(tmp_path: Path) -> None:
    folder = tmp_path / "untagged"
    write(folder, FIRST)
    commit = commit_all(folder)
    assert Templates(tmp_path / "cache", [str(folder)]).version(str(folder)).commit == commit


def test_how_far_behind_and_what_changed(templates: Templates, template: Path) -> None:
    source = str(template)
    assert templates.behind(source, "v1", "v2") == 1
    assert templates.behind(source, "v2", "v2") == 0
    assert templates.changes(source, "v1", "v2") == ["## v2", "- Three is loud"]
    write(template, {"c.txt": "c\n"})
    later = commit_all(template, "Add c")
    fresh = Templates(templates.cache, [source])
    assert fresh.behind(source, "v2", later) == 1
    assert fresh.changes(source, "v2", later) == ["Add c"]


def test_a_tag_that_moved_is_said_and_the_recorded_commit_is_the_base(
    tmp_path: Path, templates: Templates, template: Path
) -> None:
    project = make_project(template, tmp_path / "project")
    first = templates.version(str(template), "v1").commit
    git(template, "checkout", "--quiet", "v1")
    write(template, {"a.txt.jinja": "{{ name }}\nMOVED\n2\n3\n"})
    moved = commit_all(template, "Another v1")
    git(template, "tag", "--force", "v1")
    again = Templates(templates.cache, [str(template)])
    assert set(again.tag_meant(str(template), "v1")) == {first, moved}
    found = planned(project, again, template)
    assert found.warnings == (f"The tag v1 of the template moved; it means {moved[:12]} now.",)
    found = planned(project, again, template, recorded=first)
    assert found.from_version.commit == first
    assert "moved from" in found.warnings[0]
    assert found.status == "updated"


def test_a_commit_that_vanished_is_said(tmp_path: Path, template: Path) -> None:
    templates = Templates(tmp_path / "empty", [str(template)])
    project = make_project(template, tmp_path / "project")
    found = planned(project, templates, template, recorded="1" * 40)
    assert "vanished" in found.warnings[-1]
    git(template, "tag", "-d", "v1")
    with pytest.raises(Refused, match="not there"):
        planned(project, Templates(tmp_path / "other", [str(template)]), template)


def test_a_tag_that_was_seen_before_stays_known(tmp_path: Path, templates: Templates, template: Path) -> None:
    project = make_project(template, tmp_path / "project")
    templates.version(str(template), "v1")
    git(template, "tag", "-d", "v1")
    assert planned(project, Templates(templates.cache, [str(template)]), template).status == "updated"


def test_a_template_that_moved_to_another_url(tmp_path: Path, template: Path) -> None:
    project = make_project(template, tmp_path / "project")
    place = tmp_path / "elsewhere"
    template.rename(place)
    templates = Templates(tmp_path / "cache", [str(place)], moved={str(template): str(place)})
    found = planned(project, templates, place)
    assert found.status == "updated"
    answers = next(data for _, data in found.objects.values() if b"_src_path" in data)
    assert f"_src_path: {place}\n".encode() in answers


def test_one_template_is_fetched_and_written_out_once(templates: Templates, template: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        project = make_project(template, tmp_path / name, {"name": name})
        assert planned(project, templates, template).status == "updated"
    assert len(list(templates.cache.glob("*.git"))) == 1
    assert len(list(templates.cache.glob("*/*/copier.yml"))) == 2
    assert templates.renders.made == 3 * 3 + 2, "for each a text, its base and the answers; the changelogs for all"


def test_a_template_that_cannot_be_fetched(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    with pytest.raises(Unavailable, match="git"):
        Templates(tmp_path / "cache", [gone]).version(gone)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gh:a/b", "https://github.com/a/b.git"),
        ("git+https://x.example/a", "https://user:secret@x.example/a.git/"),
        ("file:///srv/t", "/srv/t"),
    ],
)
def test_spellings_of_one_source(one: str, other: str) -> None:
    assert plain_source(one) == plain_source(other)


@pytest.mark.parametrize(
    ("source", "url", "place"),
    [
        ("https://git.bank.example/platform/t.git", "../lib.git", "https://git.bank.example/platform/lib.git"),
        ("git@git.bank.example:platform/t.git", "../lib.git", "git@git.bank.example:platform/lib.git"),
        ("file:///srv/platform/t", "./lib", "file:///srv/platform/t/lib"),
        ("/srv/platform/t", "../../lib", "/srv/lib"),
        ("/srv/platform/t", "https://git.bank.example/lib.git", "https://git.bank.example/lib.git"),
    ],
)
def test_where_a_submodule_lies(source: str, url: str, place: str) -> None:
    assert resolved(source, url) == place


@pytest.mark.parametrize(
    ("files", "needs"),
    [
        ({"copier.yml": "_jinja_extensions: [jinja2.ext.do]\nname: World\n"}, "jinja_extensions"),
        ({".gitattributes": "*.bin filter=lfs\n"}, "filters"),
    ],
)
def test_what_else_only_programs_could_do_is_reported(files: dict[str, Content], needs: str, tmp_path: Path) -> None:
    template = make_template(tmp_path / "template", {**FIRST, **files}, SECOND)
    project = make_project(template, tmp_path / "project", unsafe=True)
    found = planned(project, Templates(tmp_path / "cache", [str(template)]), template)
    assert (found.status, found.needs, found.objects) == ("needs-tasks", (needs,), {})


def test_a_template_that_runs_programs_is_reported(tmp_path: Path) -> None:
    configuration = "_tasks: ['touch ran']\nname: World\n"
    template = make_template(tmp_path / "tasks", {**FIRST, "copier.yml": configuration}, SECOND)
    project = make_project(template, tmp_path / "project", skip_tasks=True)
    templates = Templates(tmp_path / "cache", [str(template)])
    found = planned(project, templates, template)
    assert (found.status, found.needs, found.objects) == ("needs-tasks", ("tasks",), {})
    with pytest.raises(Refused, match="tasks"):
        drift(project, GitObjects(project).commit_of("HEAD") or "", ".copier-answers.yml", templates)


def test_migrations_between_the_two_versions_are_reported(tmp_path: Path) -> None:
    later = {**SECOND, "copier.yml": "_migrations: [{version: v2, command: touch ran}]\nname: World\n"}
    template = make_template(tmp_path / "migrating", FIRST, later)
    project = make_project(template, tmp_path / "project")
    assert planned(project, Templates(tmp_path / "cache", [str(template)]), template).needs == ("migrations",)


def test_a_template_that_cannot_be_reached_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr(versions, "fetch_template", lambda *given: tried.append(given) or fetch_template(*given))
    templates = Templates(tmp_path / "cache", [str(tmp_path / "nowhere")])
    for _ in range(3):
        with pytest.raises(Unavailable):
            templates.version(str(tmp_path / "nowhere"))
    assert len(tried) == 1
