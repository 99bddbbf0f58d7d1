"""Lock files on planned trees, locked again by the real uv; declarations that lead elsewhere are left alone."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from vendorkit.adapters.environment import lock_again
from vendorkit.adapters.git_objects import Signature
from vendorkit.fleet import locking
from vendorkit.fleet.locking import locked_again
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, commit, plan

from tests.support.fleet import commit_all, files_of, git, make_project, make_template, write

ANN = Signature("Ann", "ann@bank.example", 1_800_000_000)
DECLARED = """[project]
name = "engagement"
version = "0"
requires-python = ">=3.11"
dependencies = ["{wanted}"]

[tool.uv]
package = false

[tool.uv.workspace]
members = ["models/*"]
"""
MODEL = '[project]\nname = "model"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["packaging>=24"]\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template in two versions that want two versions of a package, and a locked project of the first."""
    folder = tmp_path_factory.mktemp("locking")
    first = {
        "copier.yml": "_skip_if_exists: [models]\nname:\n  type: str\n  default: x\n",
        "pyproject.toml": DECLARED.format(wanted="iniconfig==2.0.0"),
        "models/one/pyproject.toml": MODEL,
    }
    template = make_template(folder / "template", first, {"pyproject.toml": DECLARED.format(wanted="iniconfig==2.1.0")})
    project = make_project(template, folder / "project", {})
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
    commit_all(project)
    return folder


@pytest.fixture
def project(folder: Path, tmp_path: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", folder / "project", tmp_path / "project"], check=True)
    return tmp_path / "project"


def planned(folder: Path, project: Path) -> tuple[Plan, Templates]:
    templates = Templates(folder / "cache", [str(folder / "template")])
    version = templates.version(str(folder / "template"), "v2")
    return plan(project, git(project, "rev-parse", "HEAD"), ".copier-answers.yml", templates, version), templates


def versions(project: Path, made: str) -> dict[str, str]:
    lock = tomllib.loads(files_of(project, made)["uv.lock"][1].decode())
    return {package["name"]: package["version"] for package in lock["package"]}


def test_the_lock_follows_its_declarations_and_nothing_else_moves(folder: Path, project: Path) -> None:
    before = versions(project, "HEAD")
    found = locked_again(*planned(folder, project))
    assert found.warnings == ()
    assert "uv.lock" in found.changed
    made = commit(project, found, ANN, "Update\n", "up")
    assert versions(project, made) == {**before, "iniconfig": "2.1.0"}
    assert git(project, "fsck", "--strict", "--no-dangling") == ""
    git(project, "switch", "--quiet", "up")
    subprocess.run(["uv", "lock", "--check", "--quiet"], cwd=project, check=True)


def test_one_resolution_serves_all_with_the_same_declarations(
    folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = locked_again(*planned(folder, project))

    def refused(files: object) -> bytes:
        pytest.fail("it was resolved again")

    monkeypatch.setattr(locking, "lock_again", refused)
    assert locked_again(*planned(folder, project)).tree == first.tree


def test_projects_that_differ_by_name_share_a_resolution(
    folder: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = []
    monkeypatch.setattr(locking, "lock_again", lambda files: resolved.append(files) or lock_again(files))
    for name in ("abc", "zz-Top"):
        place = tmp_path / name
        subprocess.run(["git", "clone", "--quiet", project, place], check=True)
        declared = (place / "pyproject.toml").read_text()
        write(place, {"pyproject.toml": declared.replace('"engagement"', f'"{name}"') + "\n[tool.ruff]\n"})
        subprocess.run(["uv", "lock", "--quiet"], cwd=place, check=True)
        commit_all(place)
        before, _ = planned(folder, place)
        found = locked_again(before, Templates(tmp_path / "cache", [str(folder / "template")]))
        assert found.warnings == ()
        commit(place, found, ANN, "Update\n", "up")
        git(place, "switch", "--quiet", "up")
        subprocess.run(["uv", "lock", "--check", "--quiet"], cwd=place, check=True)
        ours = (place / "uv.lock").read_bytes()
        subprocess.run(["uv", "lock", "--quiet"], cwd=place, check=True)
        assert (place / "uv.lock").read_bytes() == ours
    assert len(resolved) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('[[tool.uv.index]]\nurl = "https://evil.example/simple"\n', "tool.uv.index"),
        ('[tool.uv.sources]\nnumpy = { git = "https://evil.example/numpy" }\n', "tool.uv.sources.numpy"),
        ('[tool.uv.sources]\nnumpy = { path = "/etc" }\n', "tool.uv.sources.numpy"),
        ('[tool.uv]\nfind-links = ["https://evil.example"]\n', "tool.uv.find-links"),
        ('[tool.uv.workspace]\nmembers = ["../../*"]\n', "tool.uv.workspace: ../../*"),
        ('[dependency-groups]\ndev = ["numpy @ git+https://evil.example/numpy@main"]\n', "evil.example/numpy"),
        ("[project.optional-dependencies]\nx = 5\n", "cannot be read"),
        ("= [\n", "cannot be read"),
    ],
)
def test_declarations_that_lead_elsewhere_are_left_to_people(
    folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch, change: str, says: str
) -> None:
    def refused(files: object) -> bytes:
        pytest.fail("uv was asked")

    monkeypatch.setattr(locking, "lock_again", refused)
    write(project, {"models/one/pyproject.toml": MODEL + change})
    commit_all(project)
    before, templates = planned(folder, project)
    found = locked_again(before, templates)
    (warning,) = found.warnings
    assert warning.startswith("uv.lock is behind")
    assert says in warning
    assert (found.tree, found.changed) == (before.tree, before.changed)


def test_what_uv_cannot_resolve_keeps_its_warning_with_the_reason(folder: Path, project: Path) -> None:
    write(project, {"models/one/pyproject.toml": MODEL.replace("packaging>=24", "iniconfig<2")})
    commit_all(project)
    before, templates = planned(folder, project)
    found = locked_again(before, templates)
    assert "iniconfig" in found.warnings[0].partition("It was not locked again")[2]
    assert found.tree == before.tree


def test_an_address_of_the_listed_template_may_be_fetched(folder: Path) -> None:
    templates = Templates(folder / "cache", [str(folder / "template")])
    address = f"x @ git+file://{folder / 'template'}@{'a' * 40}#subdirectory=sdk"
    declared = DECLARED.format(wanted=address).encode()
    locking._refuse_foreign({"pyproject.toml": declared}, templates)
