"""What the template makes of many sets of answers."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendorkit.adapters import template
from vendorkit.adapters.engagement import recorded_answers
from vendorkit.errors import BadInput
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.manifest import load_manifest

from tests.support.shared import SHARED
from tests.template.rendering import COMBINATIONS, EVERY, REPOSITORY, files, rendered

every_combination = pytest.mark.parametrize("answers", COMBINATIONS.values(), ids=COMBINATIONS.keys())


def documents(data: bytes) -> list[Any]:
    """Every document of a YAML file; each holds something."""
    found = list(yaml.safe_load_all(data))
    assert all(found)
    return found


@every_combination
def test_every_file_parses(answers: dict[str, Any]) -> None:
    parsers = {".yaml": documents, ".yml": documents, ".json": json.loads, ".py": ast.parse}
    parsers[".toml"] = lambda data: tomllib.loads(data.decode())
    parsed = [
        parsers[Path(name).suffix](data)
        for name, data in files(rendered(**answers)).items()
        if Path(name).suffix in parsers
    ]
    assert len(parsed) >= 8
    assert all(parsed)


@every_combination
def test_the_same_answers_give_the_same_bytes(answers: dict[str, Any], tmp_path: Path) -> None:
    folder = rendered(**answers)
    again = template.managed_files(recorded_answers(folder))
    found = files(folder)
    patterns = template.seeded_patterns()
    unseeded = {name for name in found if not template.is_seeded(name, patterns)}
    assert set(again) == unseeded - {ANSWERS_FILE}
    assert {name: found[name] for name in again} == again


PLAINEST: dict[str, Any] = {"starter": "blank", "deliverables": ["report"]}
FULLEST: tuple[dict[str, Any], ...] = tuple(
    {"starter": starter, "deliverables": EVERY, "container_registry": "other", "tier": "high"}
    for starter in ("consumer-credit", "demand-forecasting", "blank")
)


@pytest.mark.parametrize("forge", ["github", "gitlab", "azure"])
def test_there_are_few_files(forge: str) -> None:
    """With uv.lock. A model instead of a report makes it one more."""
    assert 10 < len(files(rendered(forge=forge, **PLAINEST))) + 1 < 30
    assert len(files(rendered(forge=forge, starter="blank"))) + 1 <= 30
    fullest = [len(files(rendered(forge=forge, **answers))) + 1 for answers in FULLEST]
    assert all(30 < count < 50 for count in fullest), fullest


@every_combination
def test_the_manifest_is_valid_and_says_what_was_answered(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    manifest = load_manifest((folder / "engagement.yaml").read_bytes())
    recorded = recorded_answers(folder)
    assert manifest.engagement.id == recorded["engagement_id"]
    assert manifest.engagement.title == recorded["title"]
    assert manifest.engagement.operating_model == recorded["operating_model"]
    assert manifest.engagement.risk_tier == recorded["tier"]
    assert manifest.engagement.starts == recorded["starts"]
    assert manifest.vendor.name == recorded["vendor"]
    assert manifest.engagement.stage == "kickoff"
    assert bool(manifest.models()) == ("model" in recorded["deliverables"])
    assert all(model.task == recorded["task"] for model in manifest.models())


@pytest.mark.parametrize("text", ["1e5", "877e999", "0o17", "0x1f", "12"])
def test_answers_that_look_like_numbers_stay_texts(text: str) -> None:
    """So does a commit that is called 877e999."""
    folder = rendered(title=text, client=text)
    assert recorded_answers(folder)["title"] == recorded_answers(folder)["client"] == text
    assert yaml.safe_load((folder / ANSWERS_FILE).read_text())["title"] == text
    assert load_manifest((folder / "engagement.yaml").read_bytes()).engagement.title == text


@every_combination
def test_what_the_manifest_names_is_there(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    manifest = load_manifest((folder / "engagement.yaml").read_bytes())
    named = [dataset.contract for dataset in manifest.datasets]
    if recorded_answers(folder)["starter"] != "blank":
        named += [path for dataset in manifest.datasets for path in (dataset.source, dataset.pointer) if path]
        named += [path for mark in manifest.benchmarks for path in (mark.source, mark.path) if path]
    for surface in manifest.surfaces:
        named += [path for path in (surface.path, surface.card, surface.runbook, surface.contract) if path]
    for model in manifest.models():
        named.append(f"{model.path}/{model.module}.py")
    assert [path for path in named if not (folder / path).exists()] == []


@every_combination
def test_data_contracts_keep_their_standard(answers: dict[str, Any]) -> None:
    import jsonschema

    standard = SHARED.parent / "schemas" / "odcs" / "odcs-json-schema-v3.1.0.json"
    if not standard.exists():
        pytest.skip("needs the standard's schema: ../shared/schemas/odcs is not there")
    schema = json.loads(standard.read_text())
    contracts = list(rendered(**answers).rglob("*.odcs.yaml"))
    assert len(contracts) == 1 + (set(answers.get("deliverables", ["model"])) != {"model"})
    for path in contracts:
        jsonschema.Draft201909Validator(schema).validate(yaml.safe_load(path.read_text()))


@every_combination
def test_alerts_lead_to_headings_of_the_runbook(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    manifest = load_manifest((folder / "engagement.yaml").read_bytes())
    headings = re.findall(r"^#+ (.+)$", (folder / "docs/RUNBOOK.md").read_text(), re.MULTILINE)
    anchors = {f"docs/RUNBOOK.md#{heading.lower().replace(' ', '-')}" for heading in headings}
    assert manifest.operations is not None
    assert {alert.runbook for alert in manifest.operations.alerts} <= anchors


@every_combination
def test_code_owners_are_people_and_the_manifest_belongs_to_internal_ones(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    manifest = load_manifest((folder / "engagement.yaml").read_bytes())
    owners = {}
    for line in (folder / "CODEOWNERS").read_text().splitlines():
        path, *contacts = line.split("#")[0].split() or [""]
        if path:
            owners[path] = [manifest.person_by_contact(contact) for contact in contacts]
    assert all(found is not None for people in owners.values() for found in people)
    for path in ("/engagement.yaml", "/allowed_signers", "/CODEOWNERS", "/pyproject.toml", "/benchmarks/"):
        assert all(found is not None and found[1].org == "internal" for found in owners[path])


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"engagement_id": "Acme PD"}, ["engagement_id"]),
    ({"engagement_id": "a" * 41}, ["engagement_id"]),
    ({"title": "two\nlines"}, ["title"]),
    ({"title": "{{ 7 * 7 }}"}, ["title"]),
    ({"client": ""}, ["client"]),
    ({"vendor": 'say "yes"'}, ["vendor"]),
    ({"operating_model": "none"}, ["operating_model"]),
    ({"tier": "HIGH"}, ["tier"]),
    ({"forge": "svn"}, ["forge"]),
    ({"starter": "weather-forecasting"}, ["starter"]),
    ({"deliverables": []}, ["deliverables"]),
    ({"deliverables": ["model", "poem"]}, ["deliverables"]),
    ({"task": "regression"}, ["task"]),
    ({"starter": "demand-forecasting", "task": "binary"}, ["task"]),
    ({"container_registry": "docker"}, ["container_registry"]),
    ({"container_registry": "ghcr", "forge": "gitlab"}, ["container_registry"]),
    ({"container_registry": "gitlab"}, ["container_registry"]),
    ({"container_registry": "acr", "forge": "gitlab"}, ["container_registry"]),
    ({"container_registry": "ghcr", "starter": "blank", "deliverables": ["report"]}, ["container_registry"]),
    ({"image_address": "ghcr.io/bank/credit"}, ["image_address"]),
    ({"container_registry": "ghcr", "image_address": "quay.io/bank/credit"}, ["image_address"]),
    ({"container_registry": "acr", "image_address": "bank.example/credit"}, ["image_address"]),
    ({"container_registry": "other", "image_address": "bank/credit"}, ["image_address"]),
    ({"container_registry": "other", "image_address": "bank.example/Credit"}, ["image_address"]),
    ({"container_registry": "other", "image_address": "bank.example/credit:1"}, ["image_address"]),
    ({"container_registry": "other", "image_address": "bank.example/a\nRUN evil"}, ["image_address"]),
    ({"container_registry": "ghcr", "mlflow_address": ""}, ["mlflow_address"]),
    ({"container_registry": "ghcr", "mlflow_address": "https://user:word@mlflow.example"}, ["mlflow_address"]),
    ({"container_registry": "ghcr", "mlflow_address": "sqlite:///x.db"}, ["mlflow_address"]),
    ({"mlflow_address": "https://mlflow.example"}, ["mlflow_address"]),
    ({"image_source": "docker.io/"}, ["image_source"]),
    ({"central_ci": "bank/engagement-ci"}, ["central_ci"]),
    ({"central_ci": "engagement-ci@v1"}, ["central_ci"]),
    ({"central_ci": "bank/ci@v1\n  evil: true"}, ["central_ci"]),
    ({"central_ci": "library"}, ["central_ci"]),
    ({"central_ci": "bank/platform/ci@v1"}, ["central_ci"]),
    ({"central_ci": "bank/ci@v1", "forge": "azure"}, ["central_ci"]),
    ({"starts": "2026-02-30"}, ["starts"]),
    ({"starts": "yesterday"}, ["starts"]),
    ({"python_version": "3.10"}, ["python_version"]),
    ({"python_version": "3.12\n"}, ["python_version"]),
    ({"sdk_requirement": "otherkit==1"}, ["sdk_requirement"]),
    ({"sdk_requirement": 'vendorkit==1", "evil'}, ["sdk_requirement"]),
    ({"colour": "red"}, ["colour"]),
    ({"client_domain": "evil.example"}, ["client_domain"]),
    ({"now": "x", "_src_path": "/"}, ["now", "_src_path"]),
    ({"title": {"a": 1}}, ["title"]),
    ({"title": None}, ["title"]),
    ({"tier": ["high"]}, ["tier"]),
    ({"title": "", "tier": "x", "task": "regression", "colour": "red"}, ["title", "tier", "task", "colour"]),
]


@pytest.mark.parametrize(("answers", "at_fault"), WRONG, ids=[str(answers)[:50] for answers, _ in WRONG])
def test_wrong_answers_are_refused_all_at_once(answers: dict[str, Any], at_fault: list[str], tmp_path: Path) -> None:
    from tests.template.rendering import plain_template

    with pytest.raises(BadInput) as caught:
        template.render(str(plain_template()), None, tmp_path, answers)
    assert sorted(fault.where for fault in caught.value.faults) == sorted(at_fault)
    assert all(fault.says for fault in caught.value.faults)


def test_each_question_can_be_answered_unattended() -> None:
    configuration = yaml.safe_load((REPOSITORY / "copier.yml").read_text())
    questions = {name: entry for name, entry in configuration.items() if not name.startswith("_")}
    asked = [name for name, entry in questions.items() if entry.get("when", True) and entry.get("ask", True)]
    assert len(asked) <= 14
    for name, entry in questions.items():
        assert "default" in entry, name
        assert entry.get("when") is False or "validator" in entry or "choices" in entry, name
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(configuration)


READERS = {
    "vendor engineer", "platform engineer", "approver", "on-call engineer", "head of model operations", "everyone",
    "the next specialist", "Copier", "the fleet", "git", "pre-commit", "uv", "CI", "mkdocs", "tools", "GitHub",
    "GitLab", "Azure", "kubectl", "Kubernetes", "the service", "Grafana", "Prometheus", "vendorkit", "the forge",
    "pytest",
}  # fmt: skip


def test_the_documented_files_are_the_rendered_ones() -> None:
    page = (REPOSITORY / "docs/reference/template-files.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.+) \| (.+) \| (.+) \|$", page, re.M)
    documented = {name: owner for name, owner, *_ in rows}
    assert {reader for row in rows for reader in row[4].split(", ")} == READERS
    patterns = template.seeded_patterns()
    found = {name for answers in COMBINATIONS.values() for name in files(rendered(**answers))}
    assert documented == {name: "seeded" if template.is_seeded(name, patterns) else "managed" for name in found}


def test_each_seeded_pattern_is_in_use() -> None:
    found = {name for answers in COMBINATIONS.values() for name in files(rendered(**answers))}
    for pattern in template.seeded_patterns():
        assert any(template.is_seeded(name, (pattern,)) for name in found), pattern
