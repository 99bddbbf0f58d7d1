"""Where the template comes from decides which vendorkit is pinned, at kick-off and at every update."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from vendorkit.adapters import repository, template
from vendorkit.records.answers import ANSWERS_FILE

from tests.template.rendering import plain_template, rendered

GIT = ("-c", "user.name=Someone", "-c", "user.email=someone@client.example")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the template, not tagged."""
    folder = tmp_path / "vendor kit"
    shutil.copytree(plain_template(), folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "First")
    return folder


def pinned(repo: Path) -> str:
    project = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    return str(project["dependencies"][0])


def copier(*arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copier", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_plain_folder_is_pinned_as_a_folder() -> None:
    assert pinned(rendered()) == f"vendorkit @ file://{plain_template()}/sdk"


@pytest.mark.parametrize("tagged", [True, False])
def test_a_clone_is_pinned_to_its_commit(clone: Path, tmp_path: Path, tagged: bool) -> None:
    if tagged:
        git(clone, "tag", "v0.1.0")
    made = template.render(str(clone), "HEAD", tmp_path / "repo", {})
    url = str(clone).replace(" ", "%20")
    commit = git(clone, "rev-parse", "HEAD")
    assert made.requirement == f"vendorkit @ git+file://{url}@{commit}#subdirectory=sdk"
    assert pinned(tmp_path / "repo") == made.requirement
    assert made.version == ("v0.1.0" if tagged else git(clone, "describe", "--always"))


def test_uncommitted_changes_are_pinned_as_a_folder(clone: Path, tmp_path: Path) -> None:
    (clone / "template" / "README.md.jinja").write_text("# Changed\n")
    made = template.render(str(clone), "HEAD", tmp_path / "repo", {})
    assert made.requirement == f"vendorkit @ file://{str(clone).replace(' ', '%20')}/sdk"
    assert (tmp_path / "repo" / "README.md").read_text() == "# Changed\n"


def test_a_release_on_an_index_is_pinned_to_its_version(clone: Path, tmp_path: Path) -> None:
    git(clone, "tag", "v1.2.0rc1")
    made = template.render(str(clone), "v1.2.0rc1", tmp_path / "repo", {"sdk_origin": "index"})
    assert made.requirement == "vendorkit==1.2.0rc1"


def test_an_answer_overrides(clone: Path, tmp_path: Path) -> None:
    wanted = "vendorkit @ file:///wheels/vendorkit-0.1.0-py3-none-any.whl"
    made = template.render(str(clone), "HEAD", tmp_path / "repo", {"sdk_requirement": wanted})
    assert made.requirement == pinned(tmp_path / "repo") == wanted


def test_plain_copier_from_a_relative_path_pins_the_absolute_one(clone: Path, tmp_path: Path) -> None:
    copier("copy", "--defaults", "--quiet", clone.name, "repo", cwd=tmp_path)
    commit = git(clone, "rev-parse", "HEAD")
    assert pinned(tmp_path / "repo").endswith(f"/vendor%20kit@{commit}#subdirectory=sdk")
    assert pinned(tmp_path / "repo").startswith("vendorkit @ git+file:///")


def test_an_update_moves_the_pin_and_leaves_seeded_files_alone(clone: Path, tmp_path: Path) -> None:
    git(clone, "tag", "v0.1.0")
    repo = tmp_path / "repo"
    template.render(str(clone), "v0.1.0", repo, {"starts": "2026-09-01"})
    (repo / "data/applications.csv").unlink()
    (repo / "README.md").write_text("# Ours\n")
    repository.init(repo)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "First")

    (clone / "template" / "README.md.jinja").write_text("# Changed by the template\n")
    with (clone / "template" / ".gitignore").open("a") as ignored:
        ignored.write("*.tmp\n")
    git(clone, "commit", "--all", "--quiet", "-m", "Second")
    git(clone, "tag", "v0.2.0")
    copier("update", "--defaults", "--quiet", cwd=repo)

    assert sorted(repository.changed_paths(repo)) == [".copier-answers.yml", ".gitignore", "pyproject.toml"]
    assert pinned(repo).endswith(f"@{git(clone, 'rev-parse', 'v0.2.0')}#subdirectory=sdk")
    recorded = yaml.safe_load((repo / ANSWERS_FILE).read_text())
    assert recorded["_commit"] == "v0.2.0"
    assert recorded["_sdk"] == pinned(repo)
    assert recorded["starts"] == "2026-09-01"
    assert not (repo / "data/applications.csv").exists()


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:acme/vendorkit", "git+https://github.com/acme/vendorkit"),
        ("git@git.bank.example:platform/vendorkit.git", "git+ssh://git@git.bank.example/platform/vendorkit.git"),
        ("git+https://git.bank.example/vendorkit.git", "git+https://git.bank.example/vendorkit.git"),
        ("https://git.bank.example/vendorkit.git", "git+https://git.bank.example/vendorkit.git"),
    ],
)
def test_addresses_of_git_servers_become_requirements(
    source: str, address: str, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is a folder here: git itself is told to look there instead."""
    fetched = {
        "gh:acme/vendorkit": "https://github.com/acme/vendorkit.git",
        "git+https://git.bank.example/vendorkit.git": "https://git.bank.example/vendorkit.git",
    }.get(source, source)
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f'[url "{clone}"]\n\tinsteadOf = {fetched}\n[protocol "file"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))
    copier("copy", "--defaults", "--quiet", source, str(tmp_path / "repo"), cwd=tmp_path)
    commit = git(clone, "rev-parse", "HEAD")
    assert pinned(tmp_path / "repo") == f"vendorkit @ {address}@{commit}#subdirectory=sdk"
