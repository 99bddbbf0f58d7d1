"""The step: one answer for a repository, with nothing of the repository run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from vendorkit.adapters.installed import installed
from vendorkit.adapters.template import render, template_home
from vendorkit.errors import BadInput
from vendorkit.steps.check import check

from tests.support.engagement import write_engagement

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a fresh scaffold."""
    folder = tmp_path_factory.mktemp("scaffold")
    render(str(template_home()), "HEAD", folder, {})
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def repo(scaffold: dict[str, bytes], tmp_path: Path) -> Path:
    """A fresh scaffold to break."""
    for name, data in scaffold.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def failing(repo: Path) -> set[str]:
    return {finding.id for finding in check(repo, as_of=TODAY).findings if finding.verdict == "fail"}


def test_a_fresh_scaffold_is_green_and_shows_what_is_owed(repo: Path) -> None:
    answer = check(repo, as_of=TODAY)
    assert answer.passed
    assert answer.stage == "kickoff"
    assert answer.counts["fail"] == 0
    documents = {found.id: found.verdict for found in answer.findings if found.id.startswith("DOC")}
    assert documents == {"DOC-01": "pass", "DOC-02": "pass", "DOC-03": "pass"}
    assert {found.verdict for found in answer.findings if found.id == "MAN-04"} == {"pass"}
    assert sum(answer.counts.values()) == len(answer.findings)


def test_licences_are_those_of_what_is_installed_from_the_lock(repo: Path) -> None:
    """A lock of this environment's own packages; then one with a version that is not installed."""
    here = {name: installed()[name].version for name in ("packaging", "pydantic")}
    (repo / "uv.lock").write_text(lock_of(here))
    found = {each.id: each for each in check(repo, ["LIC"], as_of=TODAY).findings}
    assert {name: each.verdict for name, each in found.items()} == {"LIC-01": "pass", "LIC-02": "pass"}
    assert found["LIC-01"].facts["licences"] == {"packaging": "Apache-2.0 OR BSD-2-Clause", "pydantic": "MIT"}
    for text in (lock_of({**here, "pydantic": "0.1"}), "no lock"):
        (repo / "uv.lock").write_text(text)
        assert {each.verdict for each in check(repo, ["LIC"], as_of=TODAY).findings} == {"not-yet"}


def lock_of(packages: dict[str, str]) -> str:
    listed = ", ".join(f'{{ name = "{name}" }}' for name in packages)
    own = f'version = 1\n[[package]]\nname = "x"\nsource = {{ virtual = "." }}\ndependencies = [{listed}]\n'
    return own + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
        for name, version in packages.items()
    )


def test_an_edited_a_deleted_and_a_linked_managed_file(repo: Path) -> None:
    (repo / "noxfile.py").write_text("print('mine')\n")
    (repo / "pyproject.toml").unlink()
    (repo / "pyproject.toml").symlink_to("noxfile.py")
    (repo / ".github/workflows/engagement.yml").unlink()
    changed = {f.facts["path"]: f.facts["change"] for f in check(repo, as_of=TODAY).findings if f.verdict == "fail"}
    assert changed == {
        "noxfile.py": "edited",
        "pyproject.toml": "link",
        ".github/workflows/engagement.yml": "deleted",
    }


def test_a_seeded_file_is_the_vendors(repo: Path) -> None:
    (repo / "README.md").write_text("ours\n")
    (repo / "docs/RUNBOOK.md").unlink()
    assert failing(repo) == set()


def test_without_answers_drift_is_not_judged(repo: Path) -> None:
    (repo / ".copier-answers.yml").unlink()
    [finding] = check(repo, ["MAN-04"], as_of=TODAY).findings
    assert finding.verdict == "not-yet"


@pytest.mark.parametrize(
    "answers",
    [
        b"title: \"{{ ''.__class__ }}\"\n_sdk: x\n",
        b"_sdk: [1]\n",
        b"_src_path: https://evil.example/x\nengagement_id: {a: b}\n_sdk: x\n",
        b"\x00\x01",
        b"[" * 20_000,
        b"a: &a [*a]\n",
    ],
)
def test_hostile_answers_are_never_a_pass(repo: Path, answers: bytes) -> None:
    (repo / ".copier-answers.yml").write_bytes(answers)
    [finding] = check(repo, ["MAN-04"], as_of=TODAY).findings
    assert finding.verdict == "not-yet"


def test_a_repository_of_another_version_is_not_judged_by_this_template(repo: Path) -> None:
    answers = repo / ".copier-answers.yml"
    kept = [line for line in answers.read_text().splitlines() if not line.startswith("_commit")]
    answers.write_text("\n".join([*kept, "_commit: v99.0.0", ""]))
    [finding] = check(repo, ["MAN-04"], as_of=TODAY).findings
    assert finding.verdict == "not-yet"
    assert "99.0.0" in finding.says


def test_a_manifest_with_faults_is_a_finding(tmp_path: Path) -> None:
    answer = check(write_engagement(tmp_path, accountable="vendor-ml", colour=1), as_of=TODAY)
    assert not answer.passed
    assert {finding.id for finding in answer.findings if finding.verdict == "fail"} == {"MAN-01", "MAN-02"}
    assert answer.stage == "kickoff"


def test_an_unreadable_stage_is_unknown_and_held_to_the_strictest(tmp_path: Path) -> None:
    (tmp_path / "engagement.yaml").write_text("a: b: c\n")
    answer = check(tmp_path, as_of=TODAY)
    assert answer.stage == "unknown"
    assert not answer.passed


@pytest.mark.parametrize("data", [b"\x00", b"\xff\xfe", b"#" * 5_000_000])
def test_what_is_no_text_is_bad_input(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "engagement.yaml").write_bytes(data)
    with pytest.raises(BadInput):
        check(tmp_path, as_of=TODAY)


def test_nothing_of_the_repository_is_run(repo: Path) -> None:
    mark = repo / "ran"
    code = f"import pathlib; pathlib.Path({str(mark)!r}).write_text('x')\n"
    for name in ("sitecustomize.py", "conftest.py", "setup.py", "copier.py", "yaml.py", "noxfile.py"):
        (repo / name).write_text(code)
    for path in (repo / "models").rglob("pipeline.py"):
        path.write_text(code)
    (repo / ".git" / "hooks").mkdir(parents=True)
    (repo / ".git" / "config").write_text(f"[core]\n\tfsmonitor = touch {mark}\n\tpager = touch {mark}\n")
    assert failing(repo) == {"MAN-04"}
    assert not mark.exists()


def test_a_blank_scaffold_is_green_and_owes_its_words(tmp_path: Path) -> None:
    render(str(template_home()), "HEAD", tmp_path, {"starter": "blank"})
    answer = check(tmp_path, ["DOC"], as_of=TODAY)
    assert answer.passed
    assert answer.counts["fail"] == 0
    assert {found.id for found in answer.findings if found.verdict == "not-yet"} == {"DOC-01", "DOC-03"}


def test_reports_are_read_without_following_links(repo: Path, tmp_path: Path) -> None:
    report = (Path(__file__).parents[1] / "records/golden/gate-report.json").read_bytes()
    card = repo / "models/credit/CARD.md"
    card.write_text(card.read_text().replace("No", "ROC AUC 0.99. No", 1))
    (repo / ".vendorkit/reports/ab").mkdir(parents=True)
    (repo / ".vendorkit/reports/ab/gate-report.json").write_bytes(b"{}")
    (repo / ".vendorkit/reports/cd").mkdir()
    (repo / ".vendorkit/reports/cd/gate-report.json").write_bytes(report)
    assert failing(repo) == {"DOC-02", "GAT-03"}  # that report is about other rows
    (repo / ".vendorkit").rename(tmp_path / "elsewhere")
    (repo / ".vendorkit").symlink_to(tmp_path / "elsewhere")
    assert failing(repo) == set()
