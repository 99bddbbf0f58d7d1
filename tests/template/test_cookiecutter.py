"""Cookiecutter's own tool, really run, ends in the very scaffold that Copier gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendorkit.adapters import template
from vendorkit.fleet.versions import plain_source
from vendorkit.records.answers import ANSWERS_FILE

from tests.support.fleet import REPOSITORY, commit_all, git
from tests.template.rendering import plain_template

GIVEN = (
    "starter=blank",
    "engagement_id=acme-pd",
    "title=PD & LGD (2026), v1",
    "tier=low",
    "deliverables=model, report",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the template and what Cookiecutter reads, with a tag and a commit after it."""
    home = tmp_path_factory.mktemp("home") / "vendorkit"
    shutil.copytree(plain_template(), home)
    shutil.copytree(REPOSITORY / "cookiecutter", home / "cookiecutter")
    commit_all(home, "First")
    git(home, "tag", "v0.1.0")
    return home


def cookiecutter(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user does, from another folder, with settings of nobody."""
    environment = {**os.environ, "HOME": str(folder), "PWD": str(folder), "COPIER_SETTINGS_PATH": os.devnull}
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--directory", "cookiecutter", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode & 0o111, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("given", [(), GIVEN], ids=["defaults", "answers"])
def test_the_scaffold_is_the_same(home: Path, tmp_path: Path, given: tuple[str, ...]) -> None:
    answers: dict[str, Any] = dict(each.split("=", 1) for each in given)
    if "deliverables" in answers:
        answers["deliverables"] = ["model", "report"]
    name = answers.get("engagement_id", "consumer-credit")
    shutil.copytree(home, tmp_path / "vendorkit")
    done = cookiecutter(tmp_path, "./vendorkit", *given)
    assert done.returncode == 0, done.stderr
    assert "Next:" in done.stdout
    recorded = yaml.safe_load((tmp_path / name / ANSWERS_FILE).read_text())
    answers["starts"] = recorded["starts"]  # by default today, which may be over by now
    template.render(str(tmp_path / "vendorkit"), None, tmp_path / "peer" / name, answers)
    assert files(tmp_path / name) == files(tmp_path / "peer" / name)
    assert plain_source(recorded["_src_path"]) == str(tmp_path / "vendorkit")
    assert recorded["_commit"] == "v0.1.0"


def test_a_wrong_answer_leaves_nothing_behind_and_says_why(home: Path, tmp_path: Path) -> None:
    done = cookiecutter(tmp_path, str(home), "engagement_id=acme", "tier=enormous")
    assert done.returncode != 0
    assert "tier" in done.stderr
    assert not (tmp_path / "acme").exists()


def test_every_answer_that_is_asked_is_one_of_the_template() -> None:
    asked = yaml.safe_load((REPOSITORY / "cookiecutter/cookiecutter.json").read_text())
    questions = yaml.safe_load((REPOSITORY / "copier.yml").read_text())
    assert [name for name in asked if name != "__prompts__" and name not in questions] == []
    assert asked["starter"] == questions["starter"]["choices"]
    assert set(asked["__prompts__"]) == set(asked) - {"__prompts__"}
