"""`fleet update` on real git: branches, remotes, conflicts, heals, plans, people's commits, rings, shards."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.rollouts import (
    VERSIONS,
    commit,
    git,
    make_remote,
    make_repository,
    make_template,
    rendered,
    run,
)

TO = ("--to", "v1.1.0")
BRANCH = "vendorkit/update-v1.1.0"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same template, of which nothing is managed."""
    return make_template(tmp_path_factory.mktemp("template") / "t", managed=False)


def add(folder: Path, *places: Path | str) -> None:
    answer = run(folder, "add", *map(str, places))
    assert answer.code == 0, answer.out


def update(folder: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = run(folder, "update", *(arguments or TO))
    assert answer.code == code, answer.out + answer.err
    return {each["name"]: each for each in answer.result["repos"]}


def shown(repository: Path, path: str, branch: str = BRANCH) -> str:
    return git(repository, "show", f"{branch}:{path}")


def everything_but_branches(repository: Path) -> tuple[str, ...]:
    asked = (("status", "--porcelain"), ("rev-parse", "HEAD"), ("branch", "--show-current"), ("stash", "list"))
    config = (repository / ".git/config").read_text()
    return (*(git(repository, *each) for each in asked), config, str(sorted(p.name for p in repository.iterdir())))


def test_a_folder_gets_a_branch_and_nothing_else(tmp_path: Path, plain: Path) -> None:
    credit = make_repository(tmp_path / "credit", plain)
    base = commit(credit, {"notes.md": "# credit\n\none\ntwo\nthree\nfour\nFIVE\n", "own.py": "x = 1\n"}, "Ours")
    (credit / "draft.txt").write_text("not committed")
    before = everything_but_branches(credit)
    add(tmp_path, credit)
    done = update(tmp_path)["credit"]
    assert {key: done[key] for key in ("from", "to", "status", "branch", "conflicts", "request")} == {
        "from": "v1.0.0", "to": "v1.1.0", "status": "updated", "branch": BRANCH, "conflicts": [], "request": None,
    }  # fmt: skip
    assert everything_but_branches(credit) == before
    assert git(credit, "rev-parse", BRANCH) == done["commit"]
    assert git(credit, "rev-parse", f"{BRANCH}~1") == base
    assert shown(credit, "notes.md") == "# credit\n\none\nTWO\nthree\nfour\nFIVE"
    assert "scan" in shown(credit, "ci.yml")
    assert "_commit: v1.1.0" in shown(credit, ".copier-answers.yml")
    assert "old.txt" not in git(credit, "ls-tree", "--name-only", BRANCH)
    message = git(credit, "log", "-1", "--format=%B", BRANCH)
    assert message.startswith("Update from template v1.0.0 to v1.1.0\n")
    assert "What v1.1.0 mends." in message
    assert update(tmp_path)["credit"]["commit"] == done["commit"]


def test_a_remote_gets_the_branch(tmp_path: Path, template: Path) -> None:
    bare = make_remote(make_repository(tmp_path / "credit", template))
    other = make_remote(make_repository(tmp_path / "churn", template))
    add(tmp_path, tmp_path / "credit", f"file://{other}")
    done = update(tmp_path)
    for name, place in (("credit", bare), ("churn", other)):
        assert git(place, "rev-parse", BRANCH) == done[name]["commit"]
    assert git(tmp_path / "credit", "branch", "--list", "vendorkit/*") == ""
    git(bare, "update-ref", "refs/heads/main", BRANCH)
    assert update(tmp_path)["credit"]["status"] == "current"


def test_conflicts_are_named_and_look_like_a_draft(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"notes.md": "# credit\n\none\n2\nthree\nfour\nfive\n", "old.txt": "we still need it\n"})
    add(tmp_path, credit)
    done = update(tmp_path, code=1)["credit"]
    assert done["status"] == "conflict"
    assert done["conflicts"] == ["notes.md", "old.txt"]
    assert "<<<<<<<" in shown(credit, "notes.md")
    assert shown(credit, "old.txt") == "we still need it"
    assert git(credit, "log", "-1", "--format=%s", BRANCH).startswith("DRAFT, has conflict markers")
    aside = update(tmp_path, *TO, "--conflicts", "aside", code=1)["credit"]
    assert aside["commit"] != done["commit"]
    assert "<<<<<<<" not in shown(credit, "notes.md")


def test_deleted_and_weakened_files_come_back_as_a_commit_of_their_own(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template, "v1.1.0")
    commit(credit, {"ci.yml": "steps:\n  - lint\n", "new.txt": None}, "Make it quick")
    add(tmp_path, credit)
    done = update(tmp_path, code=1)["credit"]
    assert (done["status"], done["healed"]) == ("drifted", ["ci.yml", "new.txt"])
    assert shown(credit, "ci.yml") + "\n" == VERSIONS["v1.1.0"]["ci.yml"]
    assert git(credit, "log", "-1", "--format=%s", BRANCH) == "Restore files that belong to the template"


def test_people_are_never_overwritten(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    bare = make_remote(credit)
    add(tmp_path, credit)
    update(tmp_path)
    git(credit, "fetch", "--quiet", "origin", BRANCH)
    git(credit, "switch", "--quiet", "--create", "mine", "FETCH_HEAD")
    theirs = commit(credit, {"fix.txt": "by hand\n"}, "Fix")
    git(credit, "push", "--quiet", "origin", f"mine:{BRANCH}")
    git(credit, "switch", "--quiet", "main")
    commit(credit, {"more.txt": "more\n"})
    git(credit, "push", "--quiet", "origin", "main")
    done = update(tmp_path, code=1)["credit"]
    assert done["status"] == "refused"
    assert theirs[:12] in done["why"]
    assert git(bare, "rev-parse", BRANCH) == theirs
    git(credit, "switch", "--quiet", "mine")
    git(credit, "reset", "--quiet", "--hard", "HEAD~1")
    (credit / "ci.yml").write_text("amended\n")
    git(credit, "commit", "--quiet", "--all", "--amend", "--no-edit")
    git(credit, "push", "--quiet", "--force", "origin", f"mine:{BRANCH}")
    assert update(tmp_path, code=1)["credit"]["status"] == "refused"
    assert shown(bare, "ci.yml") == "amended"


def test_our_own_branch_follows_its_base(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    add(tmp_path, credit)
    first = update(tmp_path)["credit"]["commit"]
    base = commit(credit, {"more.txt": "more\n"})
    second = update(tmp_path)["credit"]["commit"]
    assert second != first
    assert git(credit, "rev-parse", f"{BRANCH}~1") == base


def test_a_dry_run_shows_the_difference_and_writes_nothing(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    add(tmp_path, credit)
    objects = {path for path in (credit / ".git").rglob("*") if path.is_file()}
    done = update(tmp_path, *TO, "--dry-run")["credit"]
    assert done["status"] == "updated"
    assert "+  - scan" in done["diff"]
    assert "--- /dev/null\n+++ b/new.txt" in done["diff"]
    assert {path for path in (credit / ".git").rglob("*") if path.is_file()} == objects
    patch = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=credit, input=done["diff"], text=True, capture_output=True, check=False
    )
    assert patch.returncode == 0, patch.stderr


def test_a_plan_is_executed_exactly_or_refused(tmp_path: Path, template: Path) -> None:
    names = ("credit", "churn", "fraud")
    repositories = {name: make_repository(tmp_path / name, template) for name in names}
    add(tmp_path, *repositories.values())
    plan = tmp_path / "plan.json"
    update(tmp_path, *TO, "--plan", str(plan))
    assert all(git(each, "branch", "--list", "vendorkit/*") == "" for each in repositories.values())
    commit(repositories["churn"], {"more.txt": "more\n"})
    written = json.loads(plan.read_text())
    for each in written["repositories"]:
        if each["name"] == "fraud":
            each["final_tree"] = "0" * 40
    plan.write_text(json.dumps(written))
    done = update(tmp_path, "--apply", str(plan), code=1)
    assert {name: each["status"] for name, each in done.items()} == {
        "credit": "updated", "churn": "refused", "fraud": "refused",
    }  # fmt: skip
    assert "moved on" in done["churn"]["why"]
    assert git(repositories["credit"], "rev-parse", f"{BRANCH}^{{tree}}") == written["repositories"][0]["final_tree"]
    (tmp_path / "fleet.yaml").write_text((tmp_path / "fleet.yaml").read_text().replace("/churn", "/else"))
    gone = run(tmp_path, "update", "--apply", str(plan))
    assert (gone.code, [each["where"] for each in gone.result["faults"]]) == (2, ["churn"])
    plan.write_text("{}")
    assert run(tmp_path, "update", "--apply", str(plan)).code == 2


def test_rings_wait_until_the_one_before_is_merged(tmp_path: Path, template: Path) -> None:
    repositories = [make_repository(tmp_path / name, template) for name in ("a", "b", "c")]
    (tmp_path / "fleet.yaml").write_text(
        "schema_version: 1\nrings: [{name: canary}, {name: early, merged: 0.5}, {name: rest}]\n"
    )
    for ring, repository in zip(("canary", "early", "rest"), repositories, strict=True):
        assert run(tmp_path, "add", str(repository), "--ring", ring).code == 0
    answer = run(tmp_path, "update", *TO)
    assert [each["name"] for each in answer.result["repos"]] == ["a"]
    assert [(each["name"], each["ring"]) for each in answer.result["held"]] == [("b", "early"), ("c", "rest")]
    assert "0 of 1 have it" in answer.result["held"][0]["why"]
    git(repositories[0], "merge", "--quiet", "--ff-only", BRANCH)
    answer = run(tmp_path, "update", *TO)
    assert {each["name"]: each["status"] for each in answer.result["repos"]} == {"a": "current", "b": "updated"}
    assert [each["name"] for each in answer.result["held"]] == ["c"]
    assert run(tmp_path, "update", *TO, "--ring", "rest").result["held"][0]["name"] == "c"


def test_a_ring_does_not_wait_for_templates_without_the_version(tmp_path: Path, template: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("schema_version: 1\nrings: [{name: canary}, {name: rest}]\n")
    other = make_template(tmp_path / "other", managed=False)
    git(other, "tag", "--delete", "v1.1.0")
    run(tmp_path, "add", str(make_repository(tmp_path / "a", other)), "--ring", "canary", "--template", str(template))
    assert run(tmp_path, "add", str(make_repository(tmp_path / "b", template)), "--ring", "rest").code == 0
    assert [each["status"] for each in update(tmp_path, *TO, code=1).values()] == ["refused", "updated"]


def test_it_stops_at_too_many_failures_and_goes_on_when_told(tmp_path: Path, template: Path) -> None:
    good = [make_repository(tmp_path / f"z{number}", template) for number in range(3)]
    bad = [make_repository(tmp_path / f"b{number}", template) for number in range(4)]
    (tmp_path / "fleet.yaml").write_text("schema_version: 1\nrollout: {stop_after: 2, stop_at: 0.5}\n")
    add(tmp_path, *bad, *good)
    for each in bad:
        commit(each, {".copier-answers.yml": "_src_path: /somewhere/else\n_commit: v1\n"})
    answer = run(tmp_path, "update", *TO, "--jobs", "1")
    assert answer.code == 1
    assert "failed" in answer.result["stopped"]
    assert len(answer.result["held"]) >= 3
    refused = run(tmp_path, "update", *TO)
    assert refused.code == 1
    assert "stopped" in refused.result["error"]
    for each in bad:
        commit(each, rendered(template, each.name))
    done = update(tmp_path, "--retry")
    assert {each["status"] for each in done.values()} == {"updated"}
    assert set(done) <= {each.name for each in bad}
    assert {each["status"] for each in update(tmp_path).values()} == {"updated"}


def test_a_paused_fleet_is_left_alone(tmp_path: Path, template: Path) -> None:
    add(tmp_path, make_repository(tmp_path / "credit", template))
    assert run(tmp_path, "update", "--pause", "freeze at year's end").code == 0
    answer = run(tmp_path, "update", *TO)
    assert answer.code == 1
    assert "freeze" in answer.result["error"]
    assert run(tmp_path, "update", *TO, "--resume", "--dry-run").code == 0
    assert run(tmp_path, "update", *TO).code == 1, "a dry run lifts no pause"
    assert update(tmp_path, *TO, "--resume")["credit"]["status"] == "updated"


def test_shards_share_the_fleet_out(tmp_path: Path, template: Path) -> None:
    names = [f"r{number}" for number in range(6)]
    add(tmp_path, *(make_repository(tmp_path / name, template) for name in names))
    parts = [set(update(tmp_path, *TO, "--shard", f"{part}/3")) for part in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == names
    assert run(tmp_path, "update", *TO, "--shard", "4/3").code == 2


def test_engagements_in_one_repository_have_their_own_branches(tmp_path: Path, template: Path) -> None:
    mono = make_repository(tmp_path / "mono", template)
    git(mono, "rm", "--quiet", "-r", ".")
    for name in ("a", "b"):
        commit(mono, {f"{name}/{path}": text for path, text in rendered(template, name).items()})
    add(tmp_path, mono)
    done = update(tmp_path)
    assert {name: each["branch"] for name, each in done.items()} == {"mono/a": f"{BRANCH}-a", "mono/b": f"{BRANCH}-b"}
    assert shown(mono, "a/new.txt", f"{BRANCH}-a") == "came with 1.1 for a"
    assert "b/new.txt" not in git(mono, "ls-tree", "-r", "--name-only", f"{BRANCH}-a")


def test_what_cannot_be_updated_says_why(tmp_path: Path, template: Path) -> None:
    good = make_repository(tmp_path / "good", template)
    gone = make_repository(tmp_path / "gone", template)
    newer = make_repository(tmp_path / "newer", template, "v1.1.0")
    add(tmp_path, good, gone, newer)
    gone.rename(tmp_path / "moved")
    git(good, "switch", "--quiet", "--create", BRANCH)
    done = update(tmp_path, code=1)
    assert "checked out" in done["good"]["why"] or done["good"]["status"] == "updated"
    assert (done["gone"]["status"], done["newer"]["status"]) == ("refused", "current")
    assert "not there" in done["gone"]["why"]
    assert run(tmp_path, "update", "nobody").code == 2
    older = update(tmp_path, "newer", "--to", "1.0.0", code=1)["newer"]
    assert "newer than" in older["why"]
    assert older["from"] == "v1.1.0"


def test_a_version_that_no_template_has_is_refused_before_anything_is_done(tmp_path: Path, template: Path) -> None:
    add(tmp_path, make_repository(tmp_path / "credit", template))
    answer = run(tmp_path, "update", "--to", "v9.9.9")
    assert answer.code == 2
    assert [each["says"] for each in answer.result["faults"]] == ["has no v9.9.9; newest is v1.1.0."]
    assert run(tmp_path, "history").result["repos"][0]["events"][-1]["what"] == "kicked off"


def test_what_people_decided_is_no_failure_of_the_rollout(tmp_path: Path, template: Path) -> None:
    taken = [make_repository(tmp_path / f"a{number}", template) for number in range(3)]
    other = make_template(tmp_path / "other", managed=False)
    git(other, "tag", "--delete", "v1.1.0")
    add(tmp_path, *taken, make_repository(tmp_path / "b", other), make_repository(tmp_path / "c", template))
    run(tmp_path, "add", "--template", str(other))
    with (tmp_path / "fleet.yaml").open("a") as file:
        file.write("rollout: {stop_after: 1, stop_at: 0.1}\n")
    update(tmp_path, "a0", "a1", "a2")
    for each in taken:
        git(each, "switch", "--quiet", BRANCH)
        commit(each, {"mine.txt": "mine\n"})
        git(each, "switch", "--quiet", "main")
    done = update(tmp_path, *TO, "--jobs", "1", code=1)
    assert [each["status"] for each in done.values()] == ["refused"] * 4 + ["updated"]
    assert "has no version v1.1.0" in done["b"]["why"]


def test_a_tag_that_moved_is_said_although_the_state_was_lost(tmp_path: Path) -> None:
    template = make_template(tmp_path / "t", managed=False)
    credit = make_repository(tmp_path / "credit", template)
    add(tmp_path, credit)
    update(tmp_path)
    git(credit, "merge", "--quiet", "--no-ff", "-m", "Merge it", BRANCH)
    first = git(template, "rev-parse", "v1.1.0")
    commit(template, {"template/ci.yml.jinja": "steps: []\n"}, "Another 1.1.0")
    git(template, "tag", "--force", "v1.1.0")
    commit(template, {"template/more.txt.jinja": "more\n"}, "Make v1.2.0")
    git(template, "tag", "v1.2.0")
    shutil.rmtree(tmp_path / ".vendorkit")
    (tmp_path / "fleet.yaml").write_text(
        (tmp_path / "fleet.yaml").read_text().replace("- url", "- managed: [ci.yml]\n    url")
    )
    assert run(tmp_path, "diff").result["repos"][0]["files"] == [], "held against what it came from"
    done = update(tmp_path, "--to", "v1.2.0")["credit"]
    assert (done["status"], done["conflicts"]) == ("updated", [])
    assert f"moved from {first[:12]}" in done["warnings"][0]
    assert shown(credit, "ci.yml", done["branch"]) == "steps: []", "the base is what it really came from"
