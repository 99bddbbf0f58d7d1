"""Real git in real folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from vendorkit.adapters import repository
from vendorkit.errors import BadInput, Refused, Unavailable


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Vendor engineer")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", f"{who.lower()}@vendor.example")
    folder = tmp_path / "repo ü"
    folder.mkdir()
    repository.init(folder)
    return folder


def test_commit_all_gives_the_commit_that_head_shows(repo: Path) -> None:
    (repo / "a.txt").write_text("a")
    assert repository.head(repo) is None
    commit = repository.commit_all(repo, "First")
    assert repository.head(repo) == repository.Head(commit, "author@vendor.example", "committer@vendor.example")
    assert len(commit) == 40


def test_commit_all_takes_what_only_the_user_ignores(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "ignored").write_text("*.lock\n")
    (tmp_path / "gitconfig").write_text(f"[core]\n\texcludesFile = {tmp_path / 'ignored'}\n")
    (repo / "uv.lock").write_text("")
    repository.commit_all(repo, "First")
    assert repository.changed_paths(repo) == ()
    assert repository.resolve(repo, "HEAD:uv.lock") is None
    assert repository._git(repo, "ls-files").split() == ["uv.lock"]


def test_nothing_to_commit_is_said(repo: Path) -> None:
    with pytest.raises(BadInput, match="nothing to commit"):
        repository.commit_all(repo, "Empty")


def test_clean_and_dirty(repo: Path) -> None:
    (repo / ".gitignore").write_text("ignored\n")
    (repo / "kept ü.txt").write_text("a")
    repository.commit_all(repo, "First")
    (repo / "ignored").write_text("x")
    assert not repository.is_dirty(repo)
    (repo / "kept ü.txt").write_text("b")
    (repo / "new").mkdir()
    (repo / "new" / "file").write_text("x")
    assert repository.is_dirty(repo)
    assert repository.changed_paths(repo) == ("kept ü.txt", "new/file")


def test_only_the_folder_asked_for_counts(repo: Path) -> None:
    (repo / "engagement").mkdir()
    (repo / "engagement" / "a").write_text("a")
    repository.commit_all(repo, "First")
    (repo / "elsewhere").write_text("x")
    assert not repository.is_dirty(repo / "engagement")
    assert repository.is_dirty(repo)


def test_outside_a_repository(tmp_path: Path) -> None:
    assert repository.top(tmp_path) is None
    assert repository.head(tmp_path) is None
    assert repository.is_dirty(tmp_path)
    for reading in (repository.changed_paths, repository.describe):
        with pytest.raises(BadInput, match="git"):
            reading(tmp_path)
    with pytest.raises(BadInput, match="no folder"):
        repository.head(tmp_path / "absent")


def test_identity_is_the_one_of_the_environment_first(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Someone else\n\temail = else@vendor.example\n")
    assert repository.identity(repo) == ("Vendor engineer", "author@vendor.example")


def test_unset_identity_names_the_two_commands(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_COMMITTER_EMAIL")
    with pytest.raises(BadInput) as caught:
        repository.identity(repo)
    assert "git config --global user.name" in caught.value.fix
    assert "git config --global user.email" in caught.value.fix
    (repo / "a").write_text("a")
    with pytest.raises(BadInput, match="does not know who you are"):
        repository.commit_all(repo, "First")


def test_describe_with_and_without_a_tag(repo: Path) -> None:
    (repo / "a").write_text("a")
    commit = repository.commit_all(repo, "First")
    assert commit.startswith(repository.describe(repo))
    repository._git(repo, "tag", "v1.2.3")
    assert repository.describe(repo) == "v1.2.3"
    assert repository.resolve(repo, "v1.2.3") == commit
    assert repository.resolve(repo, "v9") is None
    (repo / "a").write_text("b")
    assert repository.describe(repo) == "v1.2.3-dirty"


def test_reading_runs_no_program_of_the_repository(repo: Path) -> None:
    (repo / "a").write_text("a")
    repository.commit_all(repo, "First")
    program = repo / ".git" / "evil"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    with (repo / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = "{program}"\n\tpager = "{program}"\n')
    repository.changed_paths(repo)
    repository.head(repo)
    repository.describe(repo)
    assert not list(repo.rglob("ran"))


def test_a_folder_that_was_committed_as_a_bare_repository_is_none(repo: Path) -> None:
    inner = repo / "engagement"
    inner.mkdir()
    (inner / "a").write_text("a")
    (inner / ".gitattributes").write_text("a filter=evil\n")
    repository.init(inner)
    repository.commit_all(inner, "Somebody else's")
    for part in (inner / ".git").iterdir():
        part.rename(inner / part.name)
    (inner / ".git").rmdir()
    (inner / "config").write_text('[core]\n\tworktree = .\n[filter "evil"]\n\tclean = touch ran\n')
    (inner / "a").write_text("b")
    with pytest.raises(BadInput):
        repository.changed_paths(inner)
    assert (repository.head(inner), repository.is_dirty(inner)) == (None, True)
    assert not list(repo.rglob("ran"))


def test_variables_of_another_repository_do_not_lead_away(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "a").write_text("a")
    commit = repository.commit_all(repo, "First")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    found = repository.head(repo)
    assert found is not None
    assert found.commit == commit


def test_missing_git_is_said(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable) as caught:
        repository.head(repo)
    assert "Install git" in caught.value.fix


def test_a_failing_git_is_told_with_its_own_words(repo: Path) -> None:
    with pytest.raises(Unavailable, match="not a git command"):
        repository._git(repo, "no-such-verb")


def test_a_clean_checkout_holds_the_commit_and_runs_nothing_of_it(repo: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    (repo / ".gitattributes").write_text("*.txt filter=evil\n")
    (repo / "a.txt").write_text("as committed\n")
    (repo / "out").symlink_to("/etc/hostname")
    commit = repository.commit_all(repo, "First")
    (repo / "a.txt").write_text("later\n")
    hook = repo / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    for key, value in (("filter.evil.smudge", f"touch {proof}"), ("core.fsmonitor", f"touch {proof}")):
        subprocess.run(["git", "config", key, value], cwd=repo, check=True)
    repository.clone_at(repo, commit, tmp_path / "clean")
    assert (tmp_path / "clean/a.txt").read_text() == "as committed\n"
    assert not (tmp_path / "clean/out").is_symlink()
    assert repository.head(tmp_path / "clean") == repository.head(repo)
    assert not repository.is_dirty(tmp_path / "clean")
    assert not proof.exists()


def test_a_commit_of_another_repository_cannot_be_checked_out(repo: Path, tmp_path: Path) -> None:
    (repo / "a.txt").write_text("a")
    repository.commit_all(repo, "First")
    with pytest.raises(Refused, match="is not in this repository"):
        repository.clone_at(repo, "1" * 40, tmp_path / "clean")
    with pytest.raises(Refused, match="is not in this repository"):
        repository.clone_at(tmp_path, "1" * 40, tmp_path / "clean")
    assert not (tmp_path / "clean").exists()


def test_commits_that_touch_a_folder_are_told_since_another(repo: Path) -> None:
    made = []
    for at, name in enumerate(("models/a.py", "engagement.yaml", "models/b.py")):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(f"{at}\n")
        made.append(repository.commit_all(repo, name))
    assert repository.touching(repo, made[2], "models") == [made[2], made[0]]
    assert repository.touching(repo, made[1], "models") == [made[0]]
    assert repository.touching(repo, made[2], "models", since=made[0]) == [made[2]]
    assert repository.touching(repo, made[2], "engagement.yaml", since=made[0]) == [made[1]]
    assert repository.touching(repo, made[2], "models", since="0" * 40) == [made[2], made[0]]
    assert repository.touching(repo, "0" * 40, "models") == []


def test_a_file_at_a_commit_is_given_byte_for_byte(repo: Path) -> None:
    data = "äöü\r\n".encode("latin-1")
    (repo / "old.yaml").write_bytes(data)
    commit = repository.commit_all(repo, "From another editor")
    assert repository.file_at(repo, commit, "old.yaml") == data
    assert repository.file_at(repo, commit, "absent") is None
