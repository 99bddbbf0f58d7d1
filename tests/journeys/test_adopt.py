"""Repositories made by hand, by real Cookiecutter, by real cruft and by another Copier template come under ours."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import copier
import pytest
from vendorkit.cli.main import main

from tests.support.forges import Repo, serving
from tests.support.rollouts import commit, git, make_remote

ROOT = Path(__file__).parents[2]
CONTEXT = {
    "project_name": "Churn Model",
    "project_slug": "churn_model",
    "full_name": "Acme Analytics",
    "python": "3.12",
}
OTHERS = {
    "{{ cookiecutter.project_slug }}/README.md": "# {{ cookiecutter.project_name }}\n",
    "{{ cookiecutter.project_slug }}/.gitignore": "*.log\n",
    "{{ cookiecutter.project_slug }}/src/train.py": "print('train')\n",
    "cookiecutter.json": json.dumps(CONTEXT),
}
BY_HAND = {
    "pyproject.toml": '[project]\nname = "churn"\nrequires-python = ">=3.12"\nauthors = [{name = "Acme Analytics"}]\n'
    'description = "Churn of retail customers."\n',
    "README.md": "# Theirs\n",
    ".gitlab-ci.yml": "test: {script: [pytest]}\n",
    "src/train.py": "print('train')\n",
    "docs": "a file where the template has a folder\n",
    "noxfile.py/inside.txt": "a folder where the template has a file\n",
    "data.bin": b"\x00\x01\r\n",
}


def adopt(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `vendorkit ...` in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main([*arguments, "--template", str(ROOT), "--json"])
    return code, json.loads(out.getvalue())["result"]


def repository(folder: Path, files: dict[str, Any] | None = None) -> Path:
    """A git repository of the files, or of what lies there."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, files or {}, "Begin")
    return folder


def tree(folder: Path, name: str) -> dict[str, str]:
    """Path to blob at a commit."""
    listed = git(folder, "ls-tree", "-r", "-z", name).split("\0")
    return {row.partition("\t")[2]: row.partition("\t")[0] for row in listed if row}


def nothing_lost(folder: Path, result: dict[str, Any]) -> None:
    """Every file of theirs is in the commit, at its place or put aside, byte for byte and mode for mode."""
    before, after = tree(folder, "main"), tree(folder, result["commit"])
    for name, entry in before.items():
        assert after[result["aside"].get(name, name)] == entry, name
    assert git(folder, "rev-parse", f"{result['commit']}^") == git(folder, "rev-parse", "main")
    assert set(result["added"]) <= after.keys() - before.keys()
    if (folder / ".git").exists():
        assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_made_by_hand(tmp_path: Path) -> None:
    folder = repository(tmp_path / "churn", BY_HAND)
    code, planned = adopt("adopt", str(folder))
    assert (code, planned["status"], planned["commit"]) == (0, "planned", None)
    assert git(folder, "branch", "--format=%(refname:short)") == "main", "without --yes nothing is written"
    code, done = adopt("adopt", str(folder), "--yes", "--data", "tier=low")
    assert (code, done["status"]) == (0, "adopted")
    nothing_lost(folder, done)
    aside = {".gitlab-ci.yml", "pyproject.toml", "docs", "noxfile.py/inside.txt"}
    assert done["aside"] == {name: f"before-adoption/{name}" for name in sorted(aside)}
    assert done["kept"] == ["README.md"]
    told = {name: (one["value"], one["from"]) for name, one in done["answers"].items()}
    assert told["engagement_id"] == ("churn", "pyproject.toml")
    assert told["title"] == ("Churn of retail customers", "pyproject.toml")
    assert told["vendor"] == ("Acme Analytics", "pyproject.toml")
    assert told["python_version"] == ("3.12", "pyproject.toml")
    assert told["forge"] == ("gitlab", ".gitlab-ci.yml")
    assert told["tier"] == ("low", "given")
    assert told["client"] == ("Example Bank", "default")
    said = git(folder, "log", "-1", "--format=%B", done["commit"])
    assert "- pyproject.toml -> before-adoption/pyproject.toml" in said
    assert adopt("adopt", str(folder), "--yes", "--data", "tier=low")[0] == 0
    assert git(folder, "rev-list", "--count", "main..vendorkit/adopt") == "1", "done twice it is one commit"


def test_what_was_adopted_passes_its_checks_and_is_ours(tmp_path: Path) -> None:
    folder = repository(tmp_path / "churn", {"README.md": "# Theirs\n"})
    done = adopt("adopt", str(folder), "--yes")[1]
    git(folder, "merge", "--quiet", "--ff-only", done["branch"])
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert main(["check", "--repo", str(folder), "--json"]) == 0
    findings = json.loads(out.getvalue())["findings"]
    assert {one["id"]: one["verdict"] for one in findings}["MAN-04"] == "pass", "no managed file differs"
    code, refused = adopt("adopt", str(folder))
    assert code == 1
    assert "under the template already" in refused["error"]


def test_made_by_cruft_and_by_cookiecutter(tmp_path: Path) -> None:
    template = repository(tmp_path / "theirs", OTHERS)
    place, tool = tmp_path / "made", Path(sys.executable).parent
    for command in (["cruft", "create", str(template), "-y", "--output-dir", str(place / "a")],
                    ["cookiecutter", "--no-input", str(template), "--output-dir", str(place / "b")]):  # fmt: skip
        (place / command[-1][-1]).mkdir(parents=True)
        subprocess.run([tool / command[0], *command[1:]], check=True, capture_output=True, env=_home(tmp_path))
    with_cruft, without = (repository(place / name / "churn_model") for name in "ab")
    code, result = adopt("fleet", "adopt", str(with_cruft), str(without), str(tmp_path), "--yes")
    assert code == 2
    first, second, third = result["repos"]
    assert third["status"] == "refused"
    for folder, row in ((with_cruft, first), (without, second)):
        nothing_lost(folder, row)
        assert row["aside"] == {".gitignore": "before-adoption/.gitignore"}
        assert row["answers"]["engagement_id"]["value"] == "churn-model"
    assert first["came_from"] == {".cruft.json": str(template)}
    assert first["answers"]["title"] == {"value": "Churn Model", "from": ".cruft.json"}
    assert first["answers"]["vendor"] == {"value": "Acme Analytics", "from": ".cruft.json"}
    assert second["came_from"] == {}
    assert second["answers"]["engagement_id"]["from"] == "the folder's name"


def test_made_by_another_copier_template(tmp_path: Path) -> None:
    files = {
        "copier.yml": "project_name: {type: str, default: Churn Model}\nclient: {type: str, default: Other Bank}\n",
        "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml }}",
        "src/train.py": "print('train')\n",
    }
    template = repository(tmp_path / "theirs", files)
    git(template, "tag", "v1.0.0")
    copier.run_copy(str(template), tmp_path / "churn", defaults=True, quiet=True)
    folder = repository(tmp_path / "churn")
    done = adopt("adopt", str(folder), "--yes")[1]
    nothing_lost(folder, done)
    assert done["came_from"] == {".copier-answers.yml": str(template)}
    assert done["answers"]["client"] == {"value": "Other Bank", "from": ".copier-answers.yml"}
    assert done["answers"]["engagement_id"]["value"] == "churn-model"
    assert done["aside"] == {".copier-answers.yml": "before-adoption/.copier-answers.yml"}


def test_people_who_committed_on_the_branch_are_not_overwritten(tmp_path: Path) -> None:
    folder = repository(tmp_path / "churn", {"README.md": "# Theirs\n"})
    adopt("adopt", str(folder), "--yes")
    git(folder, "checkout", "--quiet", "vendorkit/adopt")
    (folder / "README.md").write_text("# Theirs, changed\n")
    git(folder, "commit", "--quiet", "--all", "--amend", "--no-edit")
    amended = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "--quiet", "main")
    code, result = adopt("adopt", str(folder), "--yes")
    assert (code, git(folder, "rev-parse", "vendorkit/adopt")) == (1, amended)
    assert "People committed on vendorkit/adopt" in result["error"]


def test_an_address_is_adopted_by_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "git/bank/churn", {"README.md": "# Theirs\n", ".gitlab-ci.yml": "test: {script: [pytest]}\n"})
    bare = make_remote(tmp_path / "git/bank/churn")
    with serving("gitlab", Repo("bank/churn", branches=("main", "vendorkit/adopt"))) as forge:
        forge.git, forge.token = tmp_path / "git", "s3cr3t-of-nobody"
        host = forge.web.removeprefix("http://")
        monkeypatch.setenv(f"VENDORKIT_TOKEN_127_0_0_1_{host.partition(':')[2]}", forge.token)
        (tmp_path / "fleet.yaml").write_text(f"schema_version: 1\nforges: [{{host: '{host}', kind: gitlab}}]\n")
        arguments = ("adopt", f"{forge.web}/bank/churn.git", "--repo", str(tmp_path), "--yes")
        code, done = adopt(*arguments)
        assert (code, done["status"], done["name"]) == (0, "adopted", "churn")
        nothing_lost(bare, done)
        (pull,) = forge.state.repos["bank/churn"].pulls
        assert (pull.branch, pull.base) == ("vendorkit/adopt", "main")
        assert done["request"].startswith(forge.web)
        assert "- .gitlab-ci.yml -> before-adoption/.gitlab-ci.yml" in pull.body
        assert adopt(*arguments)[1]["commit"] == done["commit"]
        assert len(forge.state.repos["bank/churn"].pulls) == 1
    code, refused = adopt("adopt", "ext::sh -c touch% pwned")
    assert (code, "expected an address" in refused["faults"][0]["says"]) == (2, True)


def test_hostile_answers_are_left_out_and_nothing_runs(tmp_path: Path) -> None:
    hostile = {
        ".copier-answers.yml": "_src_path: https://evil.example/x\nclient: '{{ 7*7 }}'\nvendor: a<b>\n",
        ".cruft.json": '{"template": "x", "context": {"cookiecutter": {"project_name": "{{ a }}", "full_name": []}}}',
        "pyproject.toml": "[project\n",
        "engagement.yaml": "engagement: [\n",
        ".gitattributes": "* filter=evil\n",
    }
    folder = repository(tmp_path / "churn", hostile)
    ran = tmp_path / "ran"
    for key, value in {"filter.evil.smudge": f"touch {ran}", "core.fsmonitor": f"touch {ran}"}.items():
        git(folder, "config", key, value)
    hook = folder / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    code, done = adopt("adopt", str(folder), "--yes")
    assert code == 0
    assert not ran.exists()
    assert {name: one["from"] for name, one in done["answers"].items() if name in {"client", "vendor", "title"}} == {
        "client": "default",
        "vendor": "default",
        "title": "default",
    }


def test_a_repository_without_a_commit_has_nothing_to_adopt(tmp_path: Path) -> None:
    folder = tmp_path / "churn"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    code, result = adopt("adopt", str(folder))
    assert code == 2
    assert result["error"] == "There is nothing to adopt."


def _home(folder: Path) -> dict[str, str]:
    import os

    return {**os.environ, "HOME": str(folder)}
