"""A platform's own defaults and fixed answers: what is offered, what nobody may answer otherwise, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendorkit.cli.main import main
from vendorkit.errors import BadInput
from vendorkit.records.answers import ANSWERS_FILE
from vendorkit.records.platform_answers import read_platform_answers
from vendorkit.steps import new
from vendorkit.steps.new import Source

from tests.template.rendering import plain_template

PLATFORM = b"""\
defaults:
  client: Bank of Elsewhere
  starter: blank
  tier: medium
answers:
  forge: gitlab
  container_registry: gitlab
  deliverables: [model, report]
"""


def made(text: bytes, answers: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What is answered in the end; the environment is not locked and nothing committed."""
    platform = read_platform_answers(text, "platform.yaml")
    rendered = new._render(Source(str(plain_template()), None), folder, answers, platform, False)
    return rendered.answers


def test_defaults_are_offered_and_answers_are_given(tmp_path: Path) -> None:
    found = made(PLATFORM, {"tier": "low"}, tmp_path)
    assert found["client"] == "Bank of Elsewhere"
    assert found["starter"] == "blank"
    assert found["tier"] == "low"
    assert (found["forge"], found["deliverables"]) == ("gitlab", ["model", "report"])
    assert found["image_address"] == "registry.gitlab.com/bank-of-elsewhere/engagement"
    assert (tmp_path / ".gitlab-ci.yml").exists()


def test_what_the_platform_answers_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody at a terminal takes what is offered; the terminal itself is left out."""
    asked: dict[str, Any] = {}

    def take(questions: list[dict[str, Any]], answers: dict[str, Any]) -> dict[str, Any]:
        asked.update({question["name"]: answers[question["name"]] for question in questions})
        return answers

    monkeypatch.setattr("copier._main.unsafe_prompt", take)
    platform = read_platform_answers(PLATFORM, "platform.yaml")
    new._render(Source(str(plain_template()), None), tmp_path, {"title": "Mine"}, platform, True)
    assert (asked["client"], asked["tier"]) == ("Bank of Elsewhere", "medium")
    assert not {"forge", "container_registry", "deliverables", "title"} & set(asked)
    assert {"starter", "engagement_id", "vendor", "operating_model"} <= set(asked)


def test_the_users_own_settings_take_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.yml").write_text("defaults: {vendor: Somebody, client: Nobody}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    found = made(PLATFORM, {}, tmp_path / "repo")
    assert (found["client"], found["vendor"]) == ("Bank of Elsewhere", "Example Analytics")


def test_what_the_platform_answers_nobody_answers_otherwise(tmp_path: Path) -> None:
    given = {"forge": "github", "deliverables": ["model"], "container_registry": "gitlab"}
    with pytest.raises(BadInput, match="leaves no choice") as caught:
        made(PLATFORM, given, tmp_path / "repo")
    assert {fault.where: fault.fix for fault in caught.value.faults} == {
        "forge": "See platform.yaml:6: answers.forge.",
        "deliverables": "See platform.yaml:8: answers.deliverables.",
    }


def test_wrong_values_are_named_with_their_lines_all_at_once(tmp_path: Path) -> None:
    text = b"""\
defaults:
  tier: enormous
  colour: red
  python_version: 3.9
  title: [a, b]
answers:
  forge: svn
  starter: consumer-credit
"""
    with pytest.raises(BadInput) as caught:
        made(text, {"task": "regression"}, tmp_path / "repo")
    assert sorted(fault.where for fault in caught.value.faults) == [
        "platform.yaml:2: defaults.tier",
        "platform.yaml:3: defaults.colour",
        "platform.yaml:4: defaults.python_version",
        "platform.yaml:5: defaults.title",
        "platform.yaml:7: answers.forge",
        "task",
    ]


def test_a_default_that_does_not_go_with_an_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        made(b"defaults: {container_registry: gitlab}\n", {"forge": "github"}, tmp_path / "repo")
    (fault,) = caught.value.faults
    assert fault.where == "platform.yaml:1: defaults.container_registry"
    assert "only GitLab signs in" in fault.says
    assert "answer container_registry yourself" in fault.fix


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"- a\n", ["platform.yaml:1"]),
        (b"", ["platform.yaml"]),
        (b"default: {tier: low}\nanswer: {}\n", ["platform.yaml:1: default", "platform.yaml:2: answer"]),
        (b"defaults: [tier]\n", ["platform.yaml:1: defaults"]),
        (
            b"answers:\n  tier: {a: 1}\n  forge: [[x]]\n",
            ["platform.yaml:2: answers.tier", "platform.yaml:3: answers.forge"],
        ),
        (b"defaults: {tier: low}\nanswers: {tier: low}\n", ["platform.yaml:1: defaults.tier"]),
        (b"answers: {tier: low, tier: high}\n", ["platform.yaml:1: answers.tier"]),
    ],
    ids=["list", "empty", "mistyped", "no mapping", "no answers", "twice", "duplicate"],
)
def test_a_file_of_another_shape_is_refused(text: bytes, where: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        read_platform_answers(text, "platform.yaml")
    assert [fault.where for fault in caught.value.faults] == where


def test_the_command_takes_it_from_option_or_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told by its refusals: they come before anything is made."""
    (tmp_path / "platform.yaml").write_bytes(PLATFORM)
    command = ["new", str(tmp_path / "repo"), "--template", str(plain_template()), "--data", "forge=azure", "--json"]

    def at_fault(*more: str) -> list[str]:
        assert main([*command, *more]) == 2
        return [fault["where"] for fault in json.loads(capsys.readouterr().out)["result"]["faults"]]

    assert at_fault("--platform", str(tmp_path / "platform.yaml")) == ["forge"]
    assert at_fault("--platform", str(tmp_path / "absent.yaml")) == ["--platform"]
    monkeypatch.setenv("VENDORKIT_PLATFORM", str(tmp_path / "absent.yaml"))
    assert at_fault() == ["--platform"]
    assert at_fault("--platform", str(tmp_path / "platform.yaml")) == ["forge"]
    assert not (tmp_path / "repo").exists()


def test_plain_copier_reads_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its defaults as Copier's settings; its fixed answers, which Copier does not know, as a file of answers."""
    (tmp_path / "platform.yaml").write_bytes(PLATFORM)
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump(yaml.safe_load(PLATFORM)["answers"]))
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "platform.yaml"))
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--data-file", "answers.yaml"]
    subprocess.run([*command, str(plain_template()), "repo"], cwd=tmp_path, check=True)
    recorded = yaml.safe_load((tmp_path / "repo" / ANSWERS_FILE).read_text())
    assert {name: recorded[name] for name in ("client", "starter", "forge", "deliverables")} == {
        "client": "Bank of Elsewhere", "starter": "blank", "forge": "gitlab", "deliverables": ["model", "report"],
    }  # fmt: skip
