"""Updates of this template from each earlier version, after a vendor has worked: by Copier and by the fleet.

The vendor added dependencies, renamed a package, edited managed files, deleted a seeded one and rewrote documents.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters import template
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import plan
from vendorkit.records.answers import ANSWERS_FILE, parse_answers

from tests.support.fleet import (
    commit_all,
    copier_update,
    files_of,
    git,
    make_project,
    own_files,
    own_template,
    store_plan,
    write,
)
from tests.template.rendering import EVERY

CI = ".github/workflows/engagement.yml"
CI_TEMPLATE = "template/{% if forge == 'github' %}.github{% endif %}/workflows/engagement.yml.jinja"
OURS = "import nox  # ours"
Tree = dict[str, tuple[str, bytes]]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template of today, a second version, and a third that asks one more question."""
    folder = own_template(tmp_path_factory.mktemp("versions") / "template")
    old = {
        name: (folder / name).read_text("utf-8") for name in ("copier.yml", CI_TEMPLATE, "template/noxfile.py.jinja")
    }
    newer = {
        "copier.yml": old["copier.yml"]
        + "\ncolour:\n  type: str\n  ask: false\n  choices: [red, blue]\n  default: blue\n",
        CI_TEMPLATE: old[CI_TEMPLATE].replace("timeout-minutes: 60", "timeout-minutes: 90"),
        "template/noxfile.py.jinja": old["template/noxfile.py.jinja"].replace(
            "import nox\n", "import nox  # the third\n", 1
        ),
        "template/docs/RUNBOOK.md.jinja": "# A runbook of the third version\n",
        "template/docs/MORE.md": "# More\n",
        "template/mkdocs.yml.jinja": own_files()["template/mkdocs.yml.jinja"] + "# the third\n",
    }
    write(folder, newer)
    commit_all(folder, "Version 3")
    git(folder, "tag", "v3")
    return folder


@pytest.fixture(scope="module")
def newest(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """What a kick-off gives today, from the same answers."""
    folder = make_project(versions, tmp_path_factory.mktemp("newest") / "repo", {"starts": "2026-09-01"}, at="v3")
    return files_of(folder, "HEAD")


def vendors(folder: Path) -> Path:
    """An engagement that a vendor has worked on."""
    shutil.move(folder / "models/credit", folder / "models/risk")
    declared = folder / "models/risk/pyproject.toml"
    depending = declared.read_text("utf-8").replace('"numpy>=2",', '"numpy>=2",\n    "lightgbm>=4.6",')
    ci, noxfile = (folder / CI).read_text("utf-8"), (folder / "noxfile.py").read_text("utf-8")
    write(folder, {
        "models/risk/pyproject.toml": depending,
        "models/risk/features.py": "AGE = 'age'\n",
        "data/README.md": None,
        "docs/RUNBOOK.md": "# Our runbook\n",
        "README.md": "# Ours\n",
        CI: ci.replace("timeout-minutes: 20", "timeout-minutes: 25", 1),
        "noxfile.py": noxfile.replace("import nox\n", f"{OURS}\n", 1),
    })  # fmt: skip
    commit_all(folder, "Our work")
    return folder


@pytest.fixture(scope="module", params=["v1", "v2"])
def engagement(versions: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """An engagement from an earlier version, worked on. Copy it, do not change it."""
    place = tmp_path_factory.mktemp("engagement") / "repo"
    return vendors(make_project(versions, place, {"starts": "2026-09-01"}, at=request.param))


def managed(tree: Tree) -> Tree:
    patterns = template.seeded_patterns()
    return {name: entry for name, entry in tree.items() if not template.is_seeded(name, patterns)}


def assert_updated(before: Tree, after: Tree, newest: Tree, left: set[str]) -> None:
    """The vendor's is untouched, the template's is current; `left` are files that a person must look at."""
    ours = {name: entry for name, entry in before.items() if name not in managed(before)}
    assert {name: after.get(name) for name in ours} == ours
    assert set(after) - set(managed(after)) == set(ours)  # nothing deleted comes back, nothing new is seeded
    current = managed(newest)
    edited = {CI, *left}
    assert {name: after.get(name) for name in current if name not in edited} == {
        name: entry for name, entry in current.items() if name not in edited
    }
    assert set(managed(after)) - left == set(current) - left
    merged = after[CI][1].decode()
    assert "timeout-minutes: 25" in merged and "timeout-minutes: 90" in merged
    answers: dict[str, Any] = parse_answers(after[ANSWERS_FILE][1])
    assert (answers["_commit"], answers["colour"], answers["starts"]) == ("v3", "blue", "2026-09-01")


@pytest.mark.parametrize("mode", ["inline", "rej"])
def test_copiers_own_update(engagement: Path, newest: Tree, mode: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(engagement, tmp_path / "repo", symlinks=True))
    before = files_of(folder, "HEAD")
    after = files_of(folder, copier_update(folder, "v3", conflict=mode))
    named = {"inline": {"noxfile.py"}, "rej": {"noxfile.py", "noxfile.py.rej"}}[mode]
    assert_updated(before, after, newest, named)
    if mode == "inline":
        checked = subprocess.run(
            ["git", "diff", "--cached", "--check"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert {line.split(":")[0] for line in checked.stdout.splitlines() if "conflict marker" in line} == named
        assert OURS in after["noxfile.py"][1].decode()
        assert "# the third" in after["noxfile.py"][1].decode()
    else:
        assert "# the third" in after["noxfile.py"][1].decode()
        assert OURS in after["noxfile.py.rej"][1].decode()


@pytest.mark.parametrize("style", ["markers", "aside"])
def test_update_of_the_fleet(engagement: Path, versions: Path, newest: Tree, style: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(engagement, tmp_path / "repo", symlinks=True))
    templates = Templates(tmp_path / "cache", [str(versions)])
    head = git(folder, "rev-parse", "HEAD")
    planned = plan(folder, head, ANSWERS_FILE, templates, templates.version(str(versions), "v3"), style)
    assert planned.status == "conflict"
    assert [conflict.path for conflict in planned.conflicts] == ["noxfile.py"]
    store_plan(folder, planned)
    after = files_of(folder, planned.tree)
    assert_updated(files_of(folder, "HEAD"), after, newest, {"noxfile.py"})
    assert (b"<<<<<<<" in after["noxfile.py"][1]) == (style == "markers")
    assert OURS in after["noxfile.py"][1].decode()


def test_when_only_the_sdk_moved_three_lines_change(versions: Path, tmp_path: Path) -> None:
    """Besides uv.lock, which the benchmarks measure: which version, and twice which SDK."""
    moved = Path(shutil.copytree(versions, tmp_path / "template", symlinks=True))
    commit_all(moved, "Another SDK")
    git(moved, "tag", "v4")
    folder = vendors(make_project(moved, tmp_path / "repo", {"starts": "2026-09-01"}, at="v3"))
    tree = copier_update(folder, "v4")
    counts = [line.split("\t") for line in git(folder, "diff", "--numstat", "HEAD", tree).splitlines()]
    assert counts == [["2", "2", ANSWERS_FILE], ["1", "1", "pyproject.toml"]]


def test_a_library_of_ci_jobs_is_updated_like_any_repository(versions: Path, tmp_path: Path) -> None:
    answers = {"central_ci": "library", "deliverables": EVERY, "starts": "2026-09-01"}
    folder = make_project(versions, tmp_path / "repo", answers, at="v1")
    templates = Templates(tmp_path / "cache", [str(versions)])
    head = git(folder, "rev-parse", "HEAD")
    planned = plan(folder, head, ANSWERS_FILE, templates, templates.version(str(versions), "v3"))
    assert (planned.status, planned.changed, planned.deleted) == ("updated", (ANSWERS_FILE, CI), ())
    assert planned.tree == copier_update(folder, "v3")
    assert b"timeout-minutes: 90" in files_of(folder, planned.tree)[CI][1]
