"""The CI of an engagement: the same jobs and commands on three forges, least permissions, nothing unpinned."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.rendering import rendered

FILES = {"github": ".github/workflows/engagement.yml", "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.yml"}
SCHEMAS = {
    "github": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
    "azure": ["--builtin-schema", "vendor.azure-pipelines", "--data-transform", "azure-pipelines"],
}
Jobs = dict[str, list[str]]
ANSWERS: dict[str, dict[str, Any]] = {
    "with a model": {},
    "without a model": {"starter": "blank", "deliverables": ["report"]},
    "all": {"deliverables": ["model", "features", "dataset", "report", "batch"]},
}
on_each_forge = pytest.mark.parametrize("forge", FILES)
with_each = pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())


def read(forge: str, answers: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((rendered(forge=forge, **answers) / FILES[forge]).read_text("utf-8"))
    return found


def sessions(lines: list[str], matrix: list[str]) -> list[str]:
    """What a job runs of noxfile.py, with each value of its matrix in the place of the variable."""
    called = [match[1] for line in lines if (match := re.fullmatch(r"uv run --locked nox -s (\S+)", line))]
    return [name for session in called for name in (matrix if "SESSION" in session else [session])]


def github(ci: dict[str, Any]) -> Jobs:
    return {
        name: sessions(
            [step.get("run", "") for step in job["steps"]], job.get("strategy", {}).get("matrix", {}).get("session", [])
        )
        for name, job in ci["jobs"].items()
    }


def gitlab(ci: dict[str, Any]) -> Jobs:
    def matrix(job: dict[str, Any]) -> list[str]:
        return [session for entry in job.get("parallel", {}).get("matrix", []) for session in entry["SESSION"]]

    return {stage: sessions(ci[stage]["script"], matrix(ci[stage])) for stage in ci["stages"]}


def azure(ci: dict[str, Any]) -> Jobs:
    def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = job.get("steps") or job["strategy"]["runOnce"]["deploy"]["steps"]
        return found

    return {
        stage["stage"]: sessions(
            [step.get("script", "") for step in steps(stage["jobs"][0])],
            list(stage["jobs"][0].get("strategy", {}).get("matrix", {})),
        )
        for stage in ci["stages"]
    }


READERS = {"github": github, "gitlab": gitlab, "azure": azure}


@with_each
def test_three_forges_run_the_same_jobs_and_commands(answers: dict[str, Any]) -> None:
    jobs = {forge: READERS[forge](read(forge, answers)) for forge in FILES}
    assert jobs["github"] == jobs["gitlab"] == jobs["azure"]
    delivered = answers.get("deliverables", ["model"])
    built = ["build"] if set(delivered) - {"model"} else []
    model = {"model": ["train", "gate"], "publish": ["publish"]} if "model" in delivered else {}
    assert jobs["github"] == {"verify": ["lint", "types", "check", "tests", *built], **model}


@with_each
@on_each_forge
def test_every_session_is_in_the_noxfile(forge: str, answers: dict[str, Any]) -> None:
    noxfile = (rendered(forge=forge, **answers) / "noxfile.py").read_text("utf-8")
    defined = set(re.findall(r"@nox\.session\ndef (\w+)", noxfile))
    assert {name for job in READERS[forge](read(forge, answers)).values() for name in job} == defined


@with_each
@on_each_forge
def test_a_forge_accepts_its_file(forge: str, answers: dict[str, Any]) -> None:
    path = rendered(forge=forge, **answers) / FILES[forge]
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode", *SCHEMAS[forge], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_file_that_is_no_workflow_is_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "ci.yml").write_text("on: push\njobs: {a: {steps: [{run: 1}]}}\n")
    command = [sys.executable, "-m", "check_jsonschema", *SCHEMAS["github"], str(tmp_path / "ci.yml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_github_actions_are_pinned_by_commit_and_say_which_release() -> None:
    text = (rendered() / FILES["github"]).read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_github_jobs_have_the_least_permissions() -> None:
    ci = read("github", {})
    assert ci["permissions"] == {}
    assert all(job["permissions"] == {"contents": "read"} for job in ci["jobs"].values())


def values(node: Any) -> Iterator[str]:
    """Every text of a document."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from values(child)
    else:
        yield str(node)


@on_each_forge
def test_no_secret_is_stored_and_no_job_runs_for_ever(forge: str) -> None:
    ci = read(forge, {})
    assert not [text for text in values(ci) if "secrets." in text or "PASSWORD" in text or "TOKEN" in text]
    text = (rendered(forge=forge) / FILES[forge]).read_text("utf-8")
    limits = re.findall(r'timeout(?:-minutes|InMinutes)?: "?(\d+)', text)
    jobs = len(READERS[forge](ci))
    assert len(limits) >= (jobs if forge != "gitlab" else 1)


@on_each_forge
def test_only_the_main_branch_publishes(forge: str) -> None:
    text = (rendered(forge=forge) / FILES[forge]).read_text("utf-8")
    publish = text[text.index("publish: #" if forge != "azure" else "stage: publish") :]
    conditions = {
        "github": "if: github.event_name == 'push' && vars.MLFLOW_TRACKING_URI != ''",
        "gitlab": 'if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE == "push" && $MLFLOW_TRACKING_URI',
        "azure": "eq(variables['Build.SourceBranch'], 'refs/heads/main')",
    }
    assert conditions[forge] in publish
    assert "environment: registry" in publish
