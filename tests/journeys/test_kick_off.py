"""Kick off from a clone of this repository, with the real command line, git and uv."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.npm_tools import gitlab_ci_local
from tests.template.test_ci import gitlab

REPOSITORY = Path(__file__).parents[2]
TAG = "v99.0.0"
SURROUNDINGS = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "NOX_CURRENT_SESSION")


def environment() -> dict[str, str]:
    """As at a desk: git knows who it is, and no environment of this test run leaks in."""
    kept = {key: value for key, value in os.environ.items() if key not in SURROUNDINGS}
    for who in ("AUTHOR", "COMMITTER"):
        kept |= {f"GIT_{who}_NAME": "Platform engineer", f"GIT_{who}_EMAIL": "platform@example-bank.example"}
    return kept


def run(*command: str, cwd: Path) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def uv(*arguments: str, cwd: Path) -> str:
    return run(sys.executable, "-m", "uv", *arguments, cwd=cwd)


def kick_off(clone: Path, *arguments: str) -> dict[str, Any]:
    command = (sys.executable, "-m", "vendorkit", "new", "repo", "--template", clone.name, "--json")
    envelope = json.loads(run(*command, *arguments, cwd=clone.parent))
    assert envelope["ok"]
    result: dict[str, Any] = envelope["result"]
    return result


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of what is committed here, without tags."""
    run("git", "clone", "--quiet", "--no-tags", str(REPOSITORY), "clone", cwd=tmp_path)
    return tmp_path / "clone"


def locked(repo: Path) -> list[dict[str, Any]]:
    return list(tomllib.loads((repo / "uv.lock").read_text())["package"])


def assert_whole(result: dict[str, Any], clone: Path) -> None:
    """One commit that holds everything, and a lock with hashes that names the clone's own commit."""
    repo = Path(result["path"])
    head = run("git", "rev-parse", "HEAD", cwd=clone).strip()
    assert run("git", "rev-list", "HEAD", cwd=repo).split() == [result["commit"]]
    assert run("git", "status", "--porcelain", "--ignored", cwd=repo) == ""
    assert "uv.lock" in run("git", "ls-files", cwd=repo).split()
    packages = locked(repo)
    pinned = next(package for package in packages if package["name"] == "vendorkit")
    assert pinned["source"]["git"].endswith(f"#{head}")
    fetched = [package for package in packages if "registry" in package["source"]]
    assert len(fetched) > 50
    for package in fetched:
        archives = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert archives, package["name"]
        assert all(archive["hash"].startswith("sha256:") for archive in archives), package["name"]
    names = {package["name"] for package in packages}
    assert {"nox", "pytest", "ruff", "pre-commit", "uv", "scikit-learn"} <= names


def test_from_a_clone_without_tags_to_green(clone: Path) -> None:
    result = kick_off(clone, "--data", "forge=gitlab")
    assert_whole(result, clone)
    assert result["template"] == str(clone)
    assert result["ref"] == run("git", "describe", "--always", cwd=clone).strip()
    assert result["answers"]["starter"] == "consumer-credit"
    repo = Path(result["path"])
    assert [path.name for path in repo.parent.iterdir() if path.name.startswith(".")] == []
    uv("sync", "--locked", "--quiet", cwd=repo)
    ci = gitlab(yaml.safe_load((repo / ".gitlab-ci.yml").read_text("utf-8")))
    if shutil.which("rsync") or os.environ.get("VENDORKIT_NO_SKIP"):
        assert_pipeline_passes(repo, ci)
    else:
        sessions(repo, ci["verify"] + ci["model"])
    sessions(repo, ci["publish"])
    assert run("git", "status", "--porcelain", cwd=repo) == ""
    assert_made_again(repo)
    assert_hooks_guard(repo)


def sessions(repo: Path, names: list[str]) -> None:
    for session in names:
        uv("run", "--locked", "--offline", "nox", "--session", session, cwd=repo)


def assert_pipeline_passes(repo: Path, ci: dict[str, list[str]]) -> None:
    """GitLab's file, run for real by a program that reads it: each job in a copy of what is committed, on Python with
    pip and the packages that uv has at hand.
    """
    run("git", "remote", "add", "origin", "git@gitlab.bank.example:team/credit.git", cwd=repo)
    python = repo.parent / "python"
    venv.create(python, with_pip=True)
    done = gitlab_ci_local(
        *(repo, "--concurrency", "2", "--variable", f"UV_CACHE_DIR={uv('cache', 'dir', cwd=repo).strip()}"),
        env={**environment(), "PATH": f"{python / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.findall(r"^ PASS  (\S+(?:: \[\w+\])?)\s*$", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), re.MULTILINE)
    assert passed == [*(f"verify: [{name}]" for name in ci["verify"]), "model"]
    run("git", "remote", "remove", "origin", cwd=repo)
    shutil.rmtree(repo / ".gitlab-ci-local")


def assert_made_again(repo: Path) -> None:
    """The candidate of the CI comes out again in a clean checkout with an environment built from the lock, offline."""
    command = ("env", "UV_OFFLINE=1", "vendorkit", "reproduce", "--record", "--json")
    result = json.loads(uv("run", "--locked", "--offline", *command, cwd=repo))["result"]
    assert (result["differs_first"], result["differences"]) == (None, [])
    assert len(result["metrics"]) >= 3
    assert all(metric["ok"] for metric in result["metrics"].values())
    record = json.loads(Path(result["path"]).read_text("utf-8"))
    assert (record["locked"], record["reproduced"]) == (True, True)
    Path(result["path"]).unlink()


def assert_hooks_guard(repo: Path) -> None:
    """The hooks pass on the scaffold, and each stops what it is there for."""
    hooks = (sys.executable, "-m", "uv", "run", "--locked", "--offline", "pre-commit", "run", "--all-files")
    run(*hooks, cwd=repo)
    (repo / "models/credit/notes.ipynb").write_text("{}\n")
    (repo / "models/credit/key.py").write_text('key = "AKIAIOSFODNN7EXAMPLE"\n')
    (repo / "data/huge.bin").write_bytes(os.urandom(1_100_000))
    (repo / "engagement.yaml").write_text((repo / "engagement.yaml").read_text() + "colour: red\n")
    run("git", "add", "--all", cwd=repo)
    done = subprocess.run(hooks, cwd=repo, env=environment(), capture_output=True, text=True, check=False)
    failed = re.findall(r"^(.+?)\.{3,}\S*Failed$", done.stdout, re.MULTILINE)
    assert failed == ["no secrets", "no large files", "no notebooks", "vendorkit check"]


def test_from_a_clone_with_a_tag(clone: Path) -> None:
    run("git", "tag", TAG, cwd=clone)
    result = kick_off(clone, "--data", "starter=blank", "--data", "deliverables=model,report")
    assert_whole(result, clone)
    assert result["ref"] == TAG
    assert result["answers"]["deliverables"] == ["model", "report"]
    uv("lock", "--offline", "--upgrade-package", "vendorkit", cwd=Path(result["path"]))  # works all of it out anew
    assert run("git", "status", "--porcelain", cwd=Path(result["path"])) == ""
    assert f"from template {TAG}" in run("git", "log", "--format=%s", cwd=Path(result["path"]))


def test_a_tag_of_the_past_is_taken_when_it_is_asked_for(clone: Path) -> None:
    run("git", "tag", TAG, cwd=clone)
    (clone / "template" / "README.md.jinja").write_text("# Later\n")
    run("git", "commit", "--all", "--quiet", "--message", "Later", cwd=clone)
    result = kick_off(clone, "--ref", TAG)
    assert result["ref"] == TAG
    assert (Path(result["path"]) / "README.md").read_text() != "# Later\n"


def test_uncommitted_changes_of_the_clone_are_taken(clone: Path) -> None:
    (clone / "template" / "README.md.jinja").write_text("# Changed\n")
    repo = Path(kick_off(clone)["path"])
    assert (repo / "README.md").read_text() == "# Changed\n"
    pinned = next(package for package in locked(repo) if package["name"] == "vendorkit")
    assert pinned["source"] == {"directory": str(clone / "sdk")}
    uv("lock", "--check", "--offline", cwd=repo)
