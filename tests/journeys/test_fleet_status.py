"""`fleet status`: versions, drift, requests, what is stuck and why; kept by commit; unreachable repositories."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from vendorkit.fleet import facts as facts_module

from tests.support.rollouts import commit, git, make_remote, make_repository, make_template, rendered, run

MANIFEST = """\
schema_version: 1
engagement:
  {id: credit, title: Credit, use_case: Loans, operating_model: hybrid, stage: delivery, risk_tier: low,
   starts: 2026-01-01, ends: 2026-12-31}
accountable: ann
people: {ann: {name: Ann, org: internal, role: head, contact: ann@bank.example}}
"""
BRANCH = "vendorkit/update-v1.1.0"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


def status(folder: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = run(folder, "status", *arguments)
    assert answer.code == code, answer.out + answer.err
    return {each["name"]: each for each in answer.result["repos"]}


def test_it_tells_versions_drift_and_why(tmp_path: Path, template: Path) -> None:
    old, new, bent = (
        make_repository(tmp_path / name, template, version)
        for name, version in (("old", "v1.0.0"), ("new", "v1.1.0"), ("bent", "v1.1.0"))
    )
    last = commit(bent, {"ci.yml": "steps: []\n", "new.txt": None})
    assert run(tmp_path, "add", str(old), str(new), str(bent)).code == 0
    found = status(tmp_path, code=1)
    assert [(each["version"], each["behind"], each["drift"]) for each in found.values()] == [
        ("v1.0.0", 1, []), ("v1.1.0", 0, []), ("v1.1.0", 0, ["ci.yml", "new.txt"]),
    ]  # fmt: skip
    assert found["old"]["why"] == "no update was made yet"
    assert found["new"]["why"] == ""
    assert found["bent"]["commit"] == last
    assert found["bent"]["why"].startswith("2 managed files")
    assert list(status(tmp_path, "--on", "1.0.0")) == ["old"]
    assert list(status(tmp_path, "--on", "v1.0")) == ["old"]
    assert list(status(tmp_path, "--on", "v1", code=1)) == ["old", "new", "bent"]
    assert list(status(tmp_path, "--on", "v1.0.0.0")) == []
    shown = run(tmp_path, "status", as_json=False)
    assert shown.err.splitlines() == ["looking at repositories"]
    text = shown.out
    assert text.splitlines()[-2:] == [
        "3 repositories, 1 behind, 1 drifted, 0 stuck.",
        "Next: vendorkit fleet update --dry-run",
    ]
    rows = list(csv.DictReader(io.StringIO(run(tmp_path, "status", "--format", "csv", as_json=False).out)))
    assert [row["drift"] for row in rows] == ["", "", "ci.yml new.txt"]


def test_what_did_not_change_is_not_looked_at_again(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credit = make_repository(tmp_path / "credit", template)
    run(tmp_path, "add", str(credit))
    first = status(tmp_path)
    looked = []
    real = facts_module.recorded_in
    monkeypatch.setattr(facts_module, "recorded_in", lambda *given: looked.append(1) or real(*given))
    assert status(tmp_path) == first
    assert looked == []
    commit(credit, {"own.txt": "x\n"})
    status(tmp_path)
    assert looked


def test_what_was_found_under_other_rules_is_looked_at_again(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"ci.yml": "steps: []\n"})
    run(tmp_path, "add", str(credit))
    assert status(tmp_path, code=1)["credit"]["drift"] == ["ci.yml"]
    listed = (tmp_path / "fleet.yaml").read_text()
    (tmp_path / "fleet.yaml").write_text(listed.replace(str(template), "/elsewhere", 1))
    assert "not listed" in status(tmp_path)["credit"]["why"]
    (tmp_path / "fleet.yaml").write_text(listed)
    assert status(tmp_path, code=1)["credit"]["drift"] == ["ci.yml"]
    (tmp_path / "fleet.yaml").write_text(
        f"{listed}".replace("templates:\n  - ", "templates:\n  - managed: []\n    ", 1)
    )
    assert status(tmp_path)["credit"]["drift"] == []


def test_the_request_is_followed_until_it_is_merged(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    bare = make_remote(credit)
    run(tmp_path, "add", str(credit))
    run(tmp_path, "update", "--to", "v1.1.0")
    found = status(tmp_path)["credit"]
    assert found["request"]["state"] == "open"
    assert found["request"]["branch"] == BRANCH
    assert f"branch {BRANCH} is open for 0 days" in found["why"]
    git(bare, "update-ref", "refs/heads/main", BRANCH)
    found = status(tmp_path)["credit"]
    assert (found["version"], found["request"]["state"], found["why"]) == ("v1.1.0", "merged", "")


def test_conflicts_and_refusals_are_stuck_with_their_owner(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"notes.md": "# credit\n\none\n2\nthree\nfour\nfive\n"})
    stray = make_repository(tmp_path / "stray", template)
    other = make_template(tmp_path / "other", managed=False)
    commit(other, {"copier.yml": (other / "copier.yml").read_text() + "_tasks: [touch more]\n"})
    git(other, "tag", "--force", "v1.1.0")
    tasks = make_repository(tmp_path / "tasks", other)
    run(tmp_path, "add", str(credit), str(stray), str(tasks), "--owner", "ann@bank.example")
    commit(stray, {".copier-answers.yml": "_src_path: /elsewhere\n_commit: v1\n"})
    for style in ("markers", "aside"):
        run(tmp_path, "update", "--to", "v1.1.0", "--conflicts", style)
        found = status(tmp_path, "--stuck", code=1)
        assert "ann@bank.example: solve the conflicts" in found["credit"]["stuck"]
        assert found["stray"]["stuck"].startswith("ann@bank.example: The template is not listed")
        assert "--retry" in found["stray"]["stuck"]
        assert found["stray"]["why"].count("not listed") == 1
        assert found["tasks"]["stuck"].startswith(
            "the platform team: the template has to run programs of its own: tasks;"
        )
    git(credit, "merge", "--quiet", "vendorkit/update-v1.1.0")
    assert set(status(tmp_path, "--stuck")) == {"stray", "tasks"}
    retried = run(tmp_path, "update", "--retry").result["repos"]
    assert {each["name"] for each in retried} == {"stray", "tasks"}, "exactly what is stuck"


def test_a_manifest_tells_stage_owner_and_failing_checks(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    commit(credit, {"engagement.yaml": MANIFEST})
    run(tmp_path, "add", str(credit))
    found = status(tmp_path)["credit"]
    assert (found["stage"], found["owner"]) == ("delivery", "ann@bank.example")
    assert "MAN-01" in found["failing"]


def test_a_repository_that_is_gone_says_so_and_keeps_what_was_known(tmp_path: Path, template: Path) -> None:
    credit = make_repository(tmp_path / "credit", template)
    run(tmp_path, "add", str(credit))
    status(tmp_path)
    credit.rename(tmp_path / "away")
    found = status(tmp_path)["credit"]
    assert found["version"] == "v1.0.0"
    assert "not there" in found["why"]


def test_engagements_in_folders_and_everything_remembered(tmp_path: Path, template: Path) -> None:
    mono = make_repository(tmp_path / "mono", template)
    git(mono, "rm", "--quiet", "-r", ".")
    for name, version in (("a", "v1.0.0"), ("b", "v1.1.0")):
        commit(mono, {f"{name}/{path}": text for path, text in rendered(template, name, version).items()})
    run(tmp_path, "add", str(mono))
    commit(mono, {"b/ci.yml": "steps: []\n"})
    found = status(tmp_path, "--export", str(tmp_path / "all.json"), code=1)
    assert {name: (each["version"], each["drift"]) for name, each in found.items()} == {
        "mono/a": ("v1.0.0", []),
        "mono/b": ("v1.1.0", ["b/ci.yml"]),
    }
    assert set(json.loads((tmp_path / "all.json").read_text())["repositories"]) == {"mono/a", "mono/b"}
