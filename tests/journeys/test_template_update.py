"""The weekly update of an engagement by its own CI: `nox -s update` in a real clone, with a real remote."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_kick_off import REPOSITORY, environment, kick_off, run

FIRST, SECOND = "v99.0.0", "v99.1.0"
UPDATE = (sys.executable, "-m", "uv", "run", "--locked", "nox", "-s", "update", "--", "origin")


@pytest.fixture(scope="module")
def engagement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement from the first version; since then the template has a second one. Copy it, do not change it."""
    clone = tmp_path_factory.mktemp("update") / "clone"
    run("git", "clone", "--quiet", "--no-tags", str(REPOSITORY), str(clone), cwd=clone.parent)
    run("git", "tag", FIRST, cwd=clone)
    made = Path(kick_off(clone, "--data", "starter=blank")["path"])
    ignored = clone / "template/.gitignore"
    ignored.write_text("*.later\n" + ignored.read_text())
    (clone / "template/README.md.jinja").write_text("# Later\n")
    run("git", "commit", "--all", "--quiet", "--message", "Later", cwd=clone)
    run("git", "tag", SECOND, cwd=clone)
    return made


@pytest.fixture
def repo(engagement: Path, tmp_path: Path) -> Path:
    """A copy with a bare remote."""
    made = Path(shutil.copytree(engagement, tmp_path / "repo", symlinks=True))
    run("git", "init", "--quiet", "--bare", str(tmp_path / "remote.git"), cwd=tmp_path)
    run("git", "remote", "add", "origin", str(tmp_path / "remote.git"), cwd=made)
    return made


def test_the_update_is_pushed_and_leaves_alone_what_is_the_vendors(repo: Path) -> None:
    readme, model = repo / "README.md", repo / "models/model/pyproject.toml"
    readme.write_text("# Ours\n")
    model.write_text(model.read_text().replace('"numpy>=2",', '"numpy>=2",\n    "threadpoolctl>=3",'))
    run(sys.executable, "-m", "uv", "lock", "--quiet", cwd=repo)
    run("git", "commit", "--all", "--quiet", "--message", "Ours", cwd=repo)
    before = run("git", "rev-parse", "main", cwd=repo)
    run(*UPDATE, cwd=repo)
    changed = set(run("git", "diff", "--name-only", "main", "origin/template-update", cwd=repo).split())
    assert changed == {".copier-answers.yml", ".gitignore", "pyproject.toml", "uv.lock"}
    assert run("git", "rev-parse", "main", cwd=repo) == before
    shown = run("git", "show", "origin/template-update:.copier-answers.yml", cwd=repo)
    assert f"_commit: {SECOND}" in shown
    run(*UPDATE, cwd=repo)  # nothing is new any more: no commit, and the same branch
    assert run("git", "rev-list", "--count", "main..template-update", cwd=repo).strip() == "1"


def test_where_both_changed_the_same_lines_nothing_is_pushed(repo: Path) -> None:
    ignored = repo / ".gitignore"
    ignored.write_text("*.ours\n" + ignored.read_text())
    run("git", "commit", "--all", "--quiet", "--message", "Ours", cwd=repo)
    done = subprocess.run(UPDATE, cwd=repo, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ".gitignore:1: leftover conflict marker" in done.stderr
    assert "settle and commit, or git reset --hard" in done.stderr
    assert run("git", "ls-remote", "origin", cwd=repo) == ""
