"""`fleet diff`, `fleet check` and `fleet history` on real repositories; two updates at once; hostile repositories."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from vendorkit.adapters.git_objects import Entry, GitObjects

from tests.support.rollouts import commit, git, make_remote, make_repository, make_template, rendered, run, write

BRANCH = "vendorkit/update-v1.1.0"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


def test_differences_are_named(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    run(tmp_path, "add", str(credit), str(make_repository(tmp_path / "clean", template)))
    assert run(tmp_path, "diff").code == 0
    commit(credit, {"ci.yml": "steps:\n  - lint\n  - test\n  - more\n", "old.txt": None, "notes.md": "other\n"})
    answer = run(tmp_path, "diff", "credit")
    assert answer.code == 1
    assert [(each["path"], each["change"]) for each in answer.result["repos"][0]["files"]] == [
        ("ci.yml", "edited"), ("notes.md", "weakened"), ("old.txt", "deleted"),
    ]  # fmt: skip
    assert answer.result["repos"][0]["commit"] == git(credit, "rev-parse", "HEAD")
    assert "+  - more\n" in answer.result["repos"][0]["files"][0]["diff"], "what the repository did to it"
    assert run(tmp_path, "diff", "nobody").code == 2


def test_files_that_a_template_only_begins_are_shown_when_asked_for(tmp_path: Path) -> None:
    credit = make_repository(tmp_path / "credit", make_template(tmp_path / "t", managed=False))
    run(tmp_path, "add", str(credit))
    commit(credit, {"notes.md": "other\n", "mine.txt": "no file of the template\n"})
    assert run(tmp_path, "diff").result["repos"][0]["files"] == []
    answer = run(tmp_path, "diff", "--all")
    assert answer.code == 0, "they are the repository's own"
    assert [(each["path"], each["managed"]) for each in answer.result["repos"][0]["files"]] == [("notes.md", False)]


def test_one_repository_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, template: Path) -> None:
    run(tmp_path, "add", str(make_repository(tmp_path / "gone", template)))
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"old.txt": None})
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    run(tmp_path, "add", str(credit))
    with (tmp_path / "fleet.yaml").open("a") as file:
        file.write("  - path: empty\n")
    (tmp_path / "gone").rename(tmp_path / "elsewhere")
    for verb, code in (("diff", 1), ("check", 2), ("history", 2)):
        answer = run(tmp_path, verb)
        gone, there, nothing = answer.result["repos"]
        assert ("is not there" in gone["error"], "no commit" in nothing["error"]) == (True, True)
        assert verb == "check" or "error" not in there
        assert answer.code == code


def test_standards_are_asked_of_commits(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"engagement.yaml": "schema_version: 1\n"})
    write(credit, {"engagement.yaml": None})
    run(tmp_path, "add", str(credit), str(make_repository(tmp_path / "bare", template)))
    answer = run(tmp_path, "check", "--id", "MAN-01")
    assert answer.code == 1
    judged, other = answer.result["repos"]
    assert judged["ok"] is False
    assert {finding["id"] for finding in judged["findings"]} == {"MAN-01"}
    assert other["error"]


def test_managed_files_are_checked_against_the_version_that_is_recorded(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"engagement.yaml": "schema_version: 1\n", "ci.yml": "steps: []\n", "old.txt": None})
    run(tmp_path, "add", str(credit))
    found = run(tmp_path, "check", "--id", "MAN-04").result["repos"][0]["findings"]
    assert {(each["path"], each["change"]) for each in found} == {("ci.yml", "edited"), ("old.txt", "deleted")}
    (tmp_path / "fleet.yaml").write_text((tmp_path / "fleet.yaml").read_text().replace(str(template), "/other"))
    (found,) = run(tmp_path, "check", "--id", "MAN-04").result["repos"][0]["findings"]
    assert (found["verdict"], "not listed" in found["says"]) == ("not-yet", True)


def test_history_tells_versions_people_and_answers(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    run(tmp_path, "add", str(credit))
    run(tmp_path, "update", "--to", "v1.1.0")
    git(credit, "merge", "--quiet", "--no-ff", "-m", "Merge it", BRANCH)
    answers = str(rendered(template, "credit", "v1.1.0")[".copier-answers.yml"])
    commit(credit, {".copier-answers.yml": answers.replace("name: credit", "name: loans")}, "Rename by hand")
    events = run(tmp_path, "history", "credit").result["repos"][0]["events"]
    told = [(event["what"], event["before"], event["after"], event["ours"]) for event in events]
    assert told[0] == ("kicked off", "", "v1.0.0", False)
    assert told.count(("updated", "v1.0.0", "v1.1.0", True)) == 2  # the commit, and what the fleet remembers
    (arrived,) = (event for event in events if event["what"] == "updated" and event["merged_by"])
    assert arrived["merged_by"] == "Platform <platform@bank.example>"
    assert arrived["by"].startswith("Platform")
    (changed,) = (event for event in events if event["what"] == "answers changed")
    assert (changed["after"], changed["by"]) == ("v1.1.0", "Platform <platform@bank.example>")
    assert changed["answers"]["name"] == {"before": "credit", "after": "loans"}


HOLDER = """
import sys
from collections.abc import Mapping
from pathlib import Path
from vendorkit.fleet.state import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), "fleet update to v1.1.0"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_of_two_updates_at_once_one_leaves(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    run(tmp_path, "add", str(credit))
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        answer = run(tmp_path, "update", "--to", "v1.1.0")
        assert answer.code == 1
        assert "updated already" in answer.result["error"]
        holder.kill()
    assert run(tmp_path, "update", "--to", "v1.1.0").code == 0


def test_nothing_of_a_hostile_repository_is_executed(tmp_path: Path, template: Path) -> None:
    pwned = tmp_path / "pwned"
    evil = make_repository(tmp_path / "evil", template)
    hook = f"#!/bin/sh\ntouch {pwned}\n"
    for name in ("pre-commit", "post-commit", "pre-push", "reference-transaction", "post-checkout", "commit-msg"):
        path = evil / ".git/hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(hook)
        path.chmod(0o755)
    run_it = f"touch {pwned}"
    write(evil, {".gitattributes": "* filter=evil diff=evil\n"})
    git(evil, "-c", "core.hooksPath=/dev/null", "add", ".gitattributes")
    git(evil, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "Filter")
    for key in ("core.fsmonitor", "core.sshCommand", "core.editor", "core.pager", "filter.evil.clean",
                "filter.evil.smudge", "diff.evil.textconv", "gpg.program", "credential.helper"):  # fmt: skip
        git(evil, "config", key, f"!{run_it}" if key == "credential.helper" else run_it)
    git(evil, "config", "commit.gpgSign", "true")
    pwned.unlink(missing_ok=True)
    assert run(tmp_path, "add", str(evil)).code == 0
    assert run(tmp_path, "status").code in (0, 1)
    assert run(tmp_path, "update", "--to", "v1.1.0").result["repos"][0]["status"] in ("updated", "conflict")
    bare = make_remote(make_repository(tmp_path / "remote", template))
    git(tmp_path / "remote", "config", "remote.origin.receivepack", run_it)
    git(tmp_path / "remote", "config", "remote.origin.uploadpack", run_it)
    run(tmp_path, "add", str(tmp_path / "remote"))
    assert run(tmp_path, "update", "remote", "--to", "v1.1.0").code == 0
    assert git(bare, "rev-parse", BRANCH)
    assert not pwned.exists()


def test_remotes_that_say_no_are_named(tmp_path: Path, template: Path) -> None:
    protected = make_remote(make_repository(tmp_path / "protected", template))
    hook = protected / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: protected branch' >&2\nexit 1\n")
    hook.chmod(0o755)
    other = make_remote(make_repository(tmp_path / "trunk", template))
    git(other, "branch", "-m", "main", "production")
    git(other, "symbolic-ref", "HEAD", "refs/heads/production")
    shallow = tmp_path / "shallow.git"
    made = make_repository(tmp_path / "long", template)
    commit(made, {"more.txt": "more\n"})
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "1", f"file://{made}", str(shallow))
    large = make_repository(tmp_path / "lfs", template)
    commit(large, {"model.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
                   ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})  # fmt: skip
    run(tmp_path, "add", str(tmp_path / "protected"), str(tmp_path / "trunk"), f"file://{shallow}", str(large))
    (tmp_path / "gone.git").mkdir()
    found = {each["name"]: each for each in run(tmp_path, "update", "--to", "v1.1.0").result["repos"]}
    assert {name: each["status"] for name, each in found.items()} == {
        "protected": "refused", "trunk": "updated", "shallow": "updated", "lfs": "updated",
    }  # fmt: skip
    assert "protected branch" in found["protected"]["why"]
    assert git(other, "rev-list", "--count", f"production..{BRANCH}") == "1"
    assert git(shallow, "rev-list", "--count", f"main..{BRANCH}") == "1"
    assert "git-lfs" in git(large, "show", f"{BRANCH}:model.bin")


def test_a_hundred_thousand_files_are_no_matter(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = make_repository(tmp_path / "large", template)
    blob = git(large, "rev-parse", "HEAD:ci.yml")
    folder = make_tree(large, [f"100644 blob {blob}\tf{number}" for number in range(1000)])
    top = make_tree(large, [f"040000 tree {folder}\td{number}" for number in range(100)])
    tree = make_tree(large, [*git(large, "ls-tree", "HEAD").splitlines(), f"040000 tree {top}\tdata"])
    git(large, "update-ref", "refs/heads/main", git(large, "commit-tree", "-p", "HEAD", "-m", "Many", tree))
    assert git(large, "ls-tree", "-r", "HEAD").count("\n") > 100_000
    run(tmp_path, "add", str(large))
    opened: list[str] = []
    entries = GitObjects.entries

    def counted(self: GitObjects, tree: str) -> Mapping[bytes, Entry]:
        opened.append(tree)
        return entries(self, tree)

    monkeypatch.setattr(GitObjects, "entries", counted)
    assert run(tmp_path, "status").result["repos"][0]["drift"] == []
    assert run(tmp_path, "update", "--to", "v1.1.0").result["repos"][0]["status"] == "updated"
    assert opened, "folders are opened by this"
    assert not {top, folder} & set(opened), "no folder is opened that the template gives nothing for"
    assert git(large, "rev-parse", f"{BRANCH}:data") == top


def make_tree(folder: Path, rows: list[str]) -> str:
    """Write a tree of rows as `git ls-tree` shows them; gives its id."""
    done = subprocess.run(
        ["git", "mktree"], cwd=folder, input="\n".join(rows), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
