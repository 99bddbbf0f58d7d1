"""Repositories that mean harm: nothing of them is run, nothing fetched that is not listed, nothing written outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vendorkit.adapters import git_objects
from vendorkit.adapters.git_objects import FILE, FOLDER, Entry, GitObjects, Shelf, Signature
from vendorkit.errors import BadInput, Refused, VendorkitError
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, commit, plan

from tests.support.fleet import Content, commit_all, git, make_project, make_template, write

ANN = Signature("Ann", "ann@bank.example", 1_800_000_000)
FIRST: dict[str, Content] = {
    "copier.yml": "name: {type: str, default: World}\nfolder: {type: str, default: here}\n",
    "{{ folder }}/a.txt.jinja": "{{ name }}\n1\n2\n3\n",
    "lib/x.txt": "1\n",
}
SECOND: dict[str, Content] = {
    "{{ folder }}/a.txt.jinja": "{{ name }}\n1\n2\nTHREE\n",
    "lib/x.txt": "2\n",
    "lib/y.txt": "new\n",
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template", FIRST, SECOND)


@pytest.fixture
def project(tmp_path: Path, template: Path) -> Path:
    return make_project(template, tmp_path / "project")


@pytest.fixture
def templates(tmp_path: Path, template: Path) -> Templates:
    return Templates(tmp_path / "cache", [str(template)])


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """A file that appears when something is run."""
    return tmp_path / "it-was-run"


def planned(project: Path, templates: Templates, template: Path, answers: str = ".copier-answers.yml") -> Plan:
    head = git(project, "rev-parse", "HEAD")
    return plan(project, head, answers, templates, templates.version(str(template)))


def answer(project: Path, old: str, new: str) -> None:
    file = project / ".copier-answers.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    commit_all(project)


def test_no_program_of_the_repository_is_run(project: Path, templates: Templates, template: Path, proof: Path) -> None:
    script = project / ".git/run.sh"
    script.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    script.chmod(0o755)
    write(project, {".gitattributes": "*.txt filter=evil diff=evil merge=evil\n"})
    git(project, "-c", "core.attributesFile=/dev/null", "add", "--all")
    git(project, "commit", "--quiet", "-m", "Filters")
    for hook in ("reference-transaction", "post-commit", "pre-commit", "post-checkout", "post-index-change", "update"):
        place = project / ".git/hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(script)
    for key in (
        "core.fsmonitor",
        "core.editor",
        "core.pager",
        "core.sshCommand",
        "core.askPass",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "merge.evil.driver",
        "credential.helper",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "alias.log",
    ):
        git(project, "config", key, str(script))
    git(project, "config", "commit.gpgSign", "true")
    git(project, "config", "core.hooksPath", str(project / ".git/hooks"))
    proof.unlink(missing_ok=True)
    found = planned(project, templates, template)
    assert {each.kind for each in found.conflicts} == {"filtered"}, "what a filter would have to do is named"
    made = commit(project, found, ANN, "Update", "up")
    assert GitObjects(project).commit_of("refs/heads/up") == made
    assert not proof.exists()


def test_another_template_is_not_fetched(
    project: Path, tmp_path: Path, templates: Templates, template: Path, proof: Path
) -> None:
    other = make_template(tmp_path / "other", FIRST)
    for source in (
        str(other),
        f"file://{other}",
        f"ext::sh -c touch% {proof}",
        "https://evil.example/t.git",
        "-u",
        "..",
    ):
        head = GitObjects(project).commit_of("HEAD")
        assert head
        file = project / ".copier-answers.yml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("_src_path")]
        file.write_text("\n".join([*lines, f"_src_path: {source!r}"]) + "\n")
        commit_all(project)
        with pytest.raises(Refused, match="not a template that the platform lists"):
            planned(project, templates, template)
    assert not proof.exists()
    assert len(list((tmp_path / "cache").glob("*.git"))) <= 1


@pytest.mark.parametrize(
    "commit_name", ["--upload-pack=touch", "HEAD~1", "v1^{tree}", "refs/heads/main", "@{-1}", "v9", "'../x'"]
)
def test_a_version_is_a_name_and_nothing_more(
    commit_name: str, project: Path, templates: Templates, template: Path
) -> None:
    answer(project, "_commit: v1", f"_commit: {commit_name!r}" if "'" not in commit_name else f"_commit: {commit_name}")
    with pytest.raises(Refused, match="no such version"):
        planned(project, templates, template)


def test_answers_with_jinja_in_them_stay_text(project: Path, templates: Templates, template: Path) -> None:
    evil = "{{ 7 * 191 }}{% for x in range(3) %}x{% endfor %}{{ ().__class__ }}"
    answer(project, "name: World", f"name: {evil!r}")
    write(project, {"here/a.txt": f"{evil}\n1\n2\n3\n"})
    commit_all(project)
    found = planned(project, templates, template)
    text = next(data for kind, data in found.objects.values() if kind == "blob" and b"THREE" in data)
    assert text == f"{evil}\n1\n2\nTHREE\n".encode()
    assert b"1337" not in b"".join(data for _, data in found.objects.values())


@pytest.mark.parametrize("folder", ["../out", "/outside", "a/../../out", ".GIT/x", "a/.git./b"])
def test_answers_lead_to_no_path_outside(folder: str, project: Path, templates: Templates, template: Path) -> None:
    answer(project, "folder: here", f"folder: {folder!r}")
    with pytest.raises(BadInput):
        planned(project, templates, template)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\nname: [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        "name: !!python/object/apply:os.system [exit]\n",
        "[" * 5000,
        "just text",
        "1: 2\n",
        "name: " + "x" * 300_000,
        "",
    ],
    ids=["bomb", "object", "deep", "no mapping", "no names", "long", "empty"],
)
def test_answers_that_are_no_answers_are_named(text: str, project: Path, templates: Templates, template: Path) -> None:
    file = project / ".copier-answers.yml"
    file.write_text(f"_commit: v1\n_src_path: {template}\n{text}" if ":" in text else text)
    commit_all(project)
    with pytest.raises(BadInput):
        planned(project, templates, template)


def test_links_are_not_followed(project: Path, templates: Templates, template: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"x.txt": "theirs\n"})
    write(project, {"lib": outside})
    commit_all(project)
    found = planned(project, templates, template)
    assert [(each.path, each.kind) for each in found.conflicts] == [
        ("lib/x.txt", "deleted-here"),
        ("lib/y.txt", "in-the-way"),
    ]
    commit(project, found, ANN, "Update", "up")
    assert (outside / "x.txt").read_text() == "theirs\n"
    assert not (outside / "y.txt").exists()


def test_an_answers_file_that_is_a_link_is_not_read(project: Path, templates: Templates, template: Path) -> None:
    write(project, {".copier-answers.yml": Path("/etc/passwd")})
    commit_all(project)
    with pytest.raises(BadInput, match="no regular file"):
        planned(project, templates, template)


def test_submodules_are_neither_fetched_nor_changed(
    project: Path, templates: Templates, template: Path, proof: Path
) -> None:
    write(
        project, {".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = ext::sh -c touch% {proof}\n', "lib": None}
    )
    git(project, "add", "--all")
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(project, "commit", "--quiet", "-m", "Submodule")
    found = planned(project, templates, template)
    assert {each.kind for each in found.conflicts} == {"deleted-here", "in-the-way"}
    made = commit(project, found, ANN, "Update", "up")
    assert git(project, "ls-tree", made, "lib").startswith("160000")
    assert not proof.exists()


def test_a_tree_with_paths_that_git_forbids_is_only_read(project: Path, templates: Templates, template: Path) -> None:
    objects = GitObjects(project)
    head = git(project, "rev-parse", "HEAD")
    shelf = Shelf()
    entry = objects.entry(objects.tree_of(head), "lib/x.txt")
    tree = objects.changed_tree(objects.tree_of(head), {"../evil": entry, ".git/config": entry}, shelf)
    objects.store(shelf.objects)
    odd = objects.write_commit(tree, [head], ANN, "Odd")
    found = plan(project, odd, ".copier-answers.yml", templates, templates.version(str(template)))
    assert not any("evil" in path or ".git" in path for path in found.changed)


def test_folders_without_end_end(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, shelf = GitObjects(project), Shelf()
    entry = Entry(FILE, shelf.blob(b"a"))
    for _ in range(3_000):
        entry = Entry(FOLDER, shelf.tree({b"d": entry}))
    objects.lend(shelf.objects)
    assert [path for path, _ in objects.walk(entry.id, "top/")] == ["top/" + "/".join(["d"] * 3_000)]
    monkeypatch.setattr(git_objects, "MOST_FILES", 1_000)
    entry = Entry(FILE, shelf.blob(b"a"))
    for _ in range(9):
        entry = Entry(FOLDER, shelf.tree({b"%d" % number: entry for number in range(10)}))
    objects.lend(shelf.objects)
    with pytest.raises(Refused, match="more than 1,000 files"):
        list(objects.walk(entry.id))


def test_the_users_own_settings_and_folders_take_no_part(
    project: Path, templates: Templates, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults:\n  name: from the settings\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    found = plan(
        project,
        GitObjects(project).commit_of("HEAD") or "",
        ".copier-answers.yml",
        templates,
        templates.version(str(template)),
    )
    assert b"from the settings" not in b"".join(data for _, data in found.objects.values())
    assert os.environ["GIT_DIR"]


def test_what_is_no_repository_is_said(tmp_path: Path, templates: Templates, template: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(VendorkitError):
            plan(place, "0" * 40, ".copier-answers.yml", templates, templates.version(str(template)))
