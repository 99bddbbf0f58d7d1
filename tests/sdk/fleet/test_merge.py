"""What the merge does that Copier does not: renames, conflicts left aside, what is in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from vendorkit.fleet.merge import alike
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, plan

from tests.support.fleet import Content, commit_all, files_of, git, make_project, make_template, store_plan, write

LONG = "".join(f"line {number}\n" for number in range(1, 21))


def changed(text: str, number: int, to: str) -> str:
    return text.replace(f"line {number}\n", f"{to}\n")


Updated = Callable[..., tuple[Plan, dict[str, tuple[str, bytes]]]]


@pytest.fixture
def updated(tmp_path: Path) -> Updated:
    def run(
        base: dict[str, Content], ours: dict[str, Content], theirs: dict[str, Content], style: str = "markers"
    ) -> tuple[Plan, dict[str, tuple[str, bytes]]]:
        template = make_template(tmp_path / "template", {"copier.yml": "", **base}, theirs)
        project = make_project(template, tmp_path / "project")
        write(project, ours)
        head = commit_all(project)
        templates = Templates(tmp_path / "cache", [str(template)])
        version = templates.version(str(template))
        found = plan(project, head, ".copier-answers.yml", templates, version, style)  # type: ignore[arg-type]
        store_plan(project, found)
        return found, files_of(project, found.tree)

    return run


def test_an_edit_follows_a_file_that_the_template_renamed(updated: Updated) -> None:
    found, files = updated(
        {"old.txt": LONG},
        {"old.txt": changed(LONG, 2, "HERE")},
        {"old.txt": None, "new/name.txt": changed(LONG, 19, "T")},
    )
    assert (found.status, dict(found.renamed)) == ("updated", {"old.txt": "new/name.txt"})
    assert "old.txt" not in files
    assert files["new/name.txt"][1] == changed(changed(LONG, 2, "HERE"), 19, "T").encode()


def test_a_change_follows_a_file_that_was_renamed_here(updated: Updated) -> None:
    moved = changed(LONG, 2, "HERE")
    found, files = updated({"old.txt": LONG}, {"old.txt": None, "mine.txt": moved}, {"old.txt": changed(LONG, 19, "T")})
    assert (found.status, dict(found.renamed)) == ("updated", {"old.txt": "mine.txt"})
    assert files["mine.txt"][1] == changed(moved, 19, "T").encode()


def test_a_rename_that_is_not_clear_is_a_conflict(updated: Updated) -> None:
    found, files = updated(
        {"old.txt": LONG}, {"old.txt": changed(LONG, 2, "HERE")}, {"old.txt": None, "a.txt": LONG, "b.txt": LONG}
    )
    assert [(each.path, each.kind) for each in found.conflicts] == [("old.txt", "deleted-there")]
    assert files["old.txt"][1] == changed(LONG, 2, "HERE").encode()


def test_of_two_files_that_went_the_likelier_one_was_renamed(updated: Updated) -> None:
    other = LONG + "other\n" * 8
    mine = changed(LONG, 2, "HERE")
    found, files = updated(
        {"a.txt": LONG, "b.txt": other}, {"a.txt": mine}, {"a.txt": None, "b.txt": None, "new.txt": other + "more\n"}
    )
    assert dict(found.renamed) == {}
    assert [(each.path, each.kind) for each in found.conflicts] == [("a.txt", "deleted-there")]
    assert files["new.txt"][1] == (other + "more\n").encode(), "it was b.txt, and nobody here edited that"
    assert files["a.txt"][1] == mine.encode()


def test_a_file_of_the_template_is_not_what_another_one_was_renamed_to(updated: Updated) -> None:
    found, files = updated(
        {"a.txt": LONG, "b.txt": LONG, "c.txt": LONG[:-3]}, {"a.txt": None}, {"a.txt": changed(LONG, 19, "T")}
    )
    assert [(each.path, each.kind) for each in found.conflicts] == [("a.txt", "deleted-here")]
    assert files["b.txt"][1] == LONG.encode(), "the template gave both, and changed only the other"


def test_a_file_of_another_project_is_not_what_one_was_renamed_to(tmp_path: Path) -> None:
    template = make_template(tmp_path / "t", {"copier.yml": "", "a.txt": LONG}, {"a.txt": changed(LONG, 19, "T")})
    write(tmp_path / "repo", {"README.md": "Two projects.\n"})
    commit_all(tmp_path / "repo")
    for name in ("one", "two"):
        make_project(template, tmp_path / "repo" / name)
    write(tmp_path / "repo", {"one/a.txt": None})
    head = commit_all(tmp_path / "repo")
    templates = Templates(tmp_path / "cache", [str(template)])
    found = plan(tmp_path / "repo", head, "one/.copier-answers.yml", templates, templates.version(str(template)))
    assert [(each.path, each.kind) for each in found.conflicts] == [("one/a.txt", "deleted-here")]
    assert found.changed == ("one/.copier-answers.yml",)


def test_conflicts_left_aside_leave_the_text_and_name_all_three(updated: Updated, tmp_path: Path) -> None:
    mine, yours = changed(LONG, 4, "HERE"), changed(LONG, 4, "THERE")
    found, files = updated({"a.txt": LONG}, {"a.txt": mine}, {"a.txt": yours}, "aside")
    assert files["a.txt"][1] == mine.encode()
    (conflict,) = found.conflicts
    held = [
        git(tmp_path / "project", "cat-file", "blob", each or "")
        for each in (conflict.base, conflict.ours, conflict.theirs)
    ]
    assert held == [LONG.strip(), mine.strip(), yours.strip()]


def test_a_folder_where_the_template_puts_a_file_stays(updated: Updated) -> None:
    found, files = updated({}, {"thing/inner.txt": "mine\n"}, {"thing": "a file\n"})
    assert [(each.path, each.kind) for each in found.conflicts] == [("thing", "in-the-way")]
    assert files["thing/inner.txt"][1] == b"mine\n"


def test_a_file_where_the_template_puts_a_folder_stays(updated: Updated) -> None:
    found, files = updated({}, {"thing": "mine\n"}, {"thing/inner.txt": "a file\n"})
    assert [(each.path, each.kind) for each in found.conflicts] == [("thing/inner.txt", "in-the-way")]
    assert files["thing"][1] == b"mine\n"


def test_a_file_that_the_template_makes_a_folder(updated: Updated) -> None:
    found, files = updated({"thing": "old\n"}, {}, {"thing": None, "thing/inner.txt": "new\n"})
    assert found.conflicts == ()
    assert files["thing/inner.txt"][1] == b"new\n"


def test_how_much_two_texts_are_alike() -> None:
    assert alike(b"a\nb\n", b"a\nb\n") == 1.0
    assert alike(b"a\nb\n", b"a\nc\n") == 0.5
    assert alike(b"a\n", b"b\n") == 0.0
