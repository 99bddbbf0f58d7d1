"""`fleet reset`: managed files back to what the template gives, named seeded ones too, by a branch of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.rollouts import (
    COPIER,
    VERSIONS,
    commit,
    git,
    make_remote,
    make_repository,
    make_template,
    run,
)

BRANCH = "vendorkit/reset"
CI = VERSIONS["v1.0.0"]["ci.yml"].rstrip("\n")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it is managed but `notes.md`, which is left out of updates as in vendorkit's own template."""
    template = make_template(tmp_path_factory.mktemp("template") / "t")
    seeded = "_skip_if_exists: [/notes.md]\n_exclude: [\"{% if _copier_operation == 'update' %}notes.md{% endif %}\"]\n"
    git(template, "checkout", "--quiet", "v1.0.0")
    commit(template, {"copier.yml": COPIER + seeded}, "Seed the notes")
    git(template, "tag", "--force", "v1.0.0")
    return template


def reset(folder: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = run(folder, "reset", *arguments)
    assert answer.code == code, answer.out + answer.err
    return {each["name"]: each for each in answer.result["repos"]}


def test_managed_files_come_back_and_nothing_else_changes(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    theirs = {"ci.yml": f"{CI}\n  - more\n", "old.txt": None, "notes.md": "ours\n", "own.py": "x = 1\n"}
    base = commit(credit, theirs)
    run(tmp_path, "add", str(credit), str(make_repository(tmp_path / "clean", template)))
    shown = reset(tmp_path, "--dry-run")
    assert "-  - more" in shown["credit"]["diff"]
    assert git(credit, "branch", "--list", "vendorkit/*") == ""
    done = reset(tmp_path)
    assert {name: each["status"] for name, each in done.items()} == {"credit": "updated", "clean": "current"}
    assert (done["credit"]["branch"], done["credit"]["healed"]) == (BRANCH, ["ci.yml", "old.txt"])
    assert git(credit, "diff", "--name-only", base, BRANCH).split() == ["ci.yml", "old.txt"]
    assert git(credit, "show", f"{BRANCH}:ci.yml") == CI
    assert git(credit, "log", "-1", "--format=%s", BRANCH) == "Bring files back to template v1.0.0"
    assert git(credit, "rev-parse", f"{BRANCH}~1") == base
    assert reset(tmp_path)["credit"]["commit"] == done["credit"]["commit"]


def test_named_files_come_back_whoever_owns_them_and_the_branch_takes_the_last_wish(
    tmp_path: Path, template: Path
) -> None:
    credit = make_repository(tmp_path / "credit", template)
    bare = make_remote(credit)
    run(tmp_path, "add", str(credit))
    base = commit(credit, {"ci.yml": "none\n", "notes.md": "ours\n"})
    git(credit, "push", "--quiet", "origin", "main")
    reset(tmp_path)
    done = reset(tmp_path, "credit", "--file", "notes.md")["credit"]
    assert done["healed"] == ["notes.md"]
    assert git(bare, "diff", "--name-only", base, BRANCH).split() == ["notes.md"]
    assert git(bare, "show", f"{BRANCH}:notes.md") + "\n" == VERSIONS["v1.0.0"]["notes.md"].replace(
        "{{ name }}", "credit"
    )
    refused = reset(tmp_path, "--file", "notes.md", "--file", "nothing/", code=1)["credit"]
    assert refused["status"] == "refused"
    assert "nothing/" in refused["why"]


def test_a_reset_is_told_of_and_counts_as_no_update(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"ci.yml": "none\n"})
    run(tmp_path, "add", str(credit))
    reset(tmp_path)
    found = run(tmp_path, "status").result["repos"][0]
    assert (found["request"]["branch"], found["request"]["state"], found["last"]) == (BRANCH, "open", None)
    git(credit, "merge", "--quiet", "--ff-only", BRANCH)
    assert run(tmp_path, "status").result["repos"][0]["drift"] == []
    told = [(each["what"], each["by"]) for each in run(tmp_path, "history").result["repos"][0]["events"]]
    assert ("reset updated", "platform@bank.example") in told
    assert run(tmp_path, "update", "--retry").result["repos"] == []


def test_what_lies_in_the_way_stays_and_is_named(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    git(credit, "rm", "--quiet", "ci.yml")
    commit(credit, {"ci.yml/theirs.txt": "a folder where the template has a file\n"})
    run(tmp_path, "add", str(credit))
    for command in (("reset",), ("update", "--to", "v1.0.0"), ("update", "--to", "v1.1.0")):
        done = run(tmp_path, *command).result["repos"][0]
        assert (done["status"], "ci.yml" in done["conflicts"]) == ("conflict", True), command
        assert "folder" in git(credit, "show", f"{done['branch'] or 'main'}:ci.yml/theirs.txt"), command
    assert git(credit, "branch", "--list", BRANCH) == "", "there was nothing to commit"


def test_people_on_the_branch_are_left_alone(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"ci.yml": "none\n"})
    run(tmp_path, "add", str(credit))
    reset(tmp_path)
    git(credit, "switch", "--quiet", BRANCH)
    theirs = commit(credit, {"fix.txt": "by hand\n"})
    git(credit, "switch", "--quiet", "main")
    assert "People committed" in reset(tmp_path, code=1)["credit"]["why"]
    assert git(credit, "rev-parse", BRANCH) == theirs
