"""Answers as hostile data, and the managed files that follow from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import copier
import pytest
from vendorkit.adapters import template
from vendorkit.adapters.engagement import recorded_answers
from vendorkit.errors import BadInput, Unavailable
from vendorkit.records.answers import ANSWERS_FILE

from tests.support.fleet import copier_quietly
from tests.template.rendering import COMBINATIONS, STARTS, files, plain_template, rendered


@pytest.fixture
def answers() -> dict[str, Any]:
    return recorded_answers(rendered())


def test_managed_files_are_those_that_were_rendered(answers: dict[str, Any]) -> None:
    managed = template.managed_files(answers)
    assert {"pyproject.toml", "noxfile.py", ".gitignore", ".github/workflows/engagement.yml"} <= set(managed)
    assert all((rendered() / name).read_bytes() == data for name, data in managed.items())
    assert not any(name.startswith(("models/", "data/", "engagement")) for name in managed)


@pytest.mark.parametrize("name", ["credit, all", "images, azure", "demand"])
def test_rendering_is_copiers_own(name: str, tmp_path: Path) -> None:
    """The same bytes and modes as `copier copy`, which compiles every text anew and asks git of each file."""
    data = {"starts": STARTS, **COMBINATIONS[name]}
    copier_quietly(copier.run_copy, str(plain_template()), tmp_path, data=data, settings=copier.Settings())
    ours = rendered(**COMBINATIONS[name])
    assert files(ours) == files(tmp_path)
    assert all((ours / path).stat().st_mode == (tmp_path / path).stat().st_mode for path in files(ours))


def test_managed_files_follow_the_answers(answers: dict[str, Any]) -> None:
    managed = template.managed_files(answers | {"forge": "gitlab", "_sdk": "vendorkit==9.9.9"})
    assert ".gitlab-ci.yml" in managed
    assert b'"vendorkit==9.9.9"' in managed["pyproject.toml"]


def test_the_recorded_source_is_never_looked_at(answers: dict[str, Any], tmp_path: Path) -> None:
    """A fetch would fail or leave traces; an empty path keeps git from being found at all."""
    hostile = {"_src_path": f"git+file://{tmp_path}/absent", "_commit": "--upload-pack=touch ran"}
    assert template.managed_files(answers | hostile) == template.managed_files(answers)
    assert list(tmp_path.iterdir()) == []


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"title": "{{ 7 * 7 }}"}, "title"),
    ({"title": "{% include '/etc/passwd' %}"}, "title"),
    ({"title": ["a"]}, "title"),
    ({"title": None}, "title"),
    ({"title": "a" * 100_000}, "title"),
    ({"engagement_id": "../../x"}, "engagement_id"),
    ({"engagement_id": True}, "engagement_id"),
    ({"deliverables": "model"}, "deliverables"),
    ({"deliverables": {"model": 1}}, "deliverables"),
    ({"deliverables": [["model"]]}, "deliverables"),
    ({"python_version": 3.1}, "python_version"),
    ({"unknown": "x"}, "unknown"),
    ({"now": "x"}, "now"),
    ({"seeded_paths": "x"}, "seeded_paths"),
    ({"_sdk": None}, "_sdk"),
    ({"_sdk": 'vendorkit==1", "evil @ https://evil.example'}, "sdk_pin"),
    ({"_sdk": "evil @ https://evil.example/evil.whl"}, "sdk_pin"),
    ({"sdk_pin": "vendorkit==1"}, "_sdk"),
]


@pytest.mark.parametrize(("change", "where"), HOSTILE, ids=[str(change)[:40] for change, _ in HOSTILE])
def test_hostile_answers_are_refused(answers: dict[str, Any], change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as caught:
        template.managed_files(answers | change)
    assert any(fault.where.endswith(where) for fault in caught.value.faults), caught.value


def recorded(folder: Path, text: bytes) -> dict[str, object]:
    (folder / ANSWERS_FILE).write_bytes(text)
    return recorded_answers(folder)


def test_recorded_answers_are_plain_values(tmp_path: Path) -> None:
    found = recorded(tmp_path, b"_commit: v1.0.0\ntitle: A title\nstarts: 2026-09-01\ndeliverables: [model]\n")
    assert found == {"_commit": "v1.0.0", "title": "A title", "starts": "2026-09-01", "deliverables": ["model"]}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"- a\n",
        b"just text",
        b"a: &x [1]\nb: *x\n",
        b"a: !!python/object/apply:os.system [true]\n",
        b"a: 1\na: 2\n",
        b"\x00\x01",
        b"\xff\xfe",
        b"a: [",
        b"a: " + b"[" * 20_000,
        b"a: " + b"x" * 70_000,
    ],
    ids=["empty", "list", "text", "alias", "tag", "twice", "binary", "not UTF-8", "cut off", "deep", "long"],
)
def test_answers_that_are_no_plain_mapping_are_refused(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        recorded(tmp_path, text)
    assert all(ANSWERS_FILE in fault.where for fault in caught.value.faults)
    assert caught.value.faults


def test_answers_that_are_not_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="made from the template"):
        recorded_answers(tmp_path)
    (tmp_path / "elsewhere").write_text("title: a\n")
    (tmp_path / ANSWERS_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="link"):
        recorded_answers(tmp_path)
    (tmp_path / ANSWERS_FILE).unlink()
    os.mkfifo(tmp_path / ANSWERS_FILE)
    with pytest.raises(BadInput, match="no recorded answers"):
        recorded_answers(tmp_path)


def test_seeded_patterns_match_files_and_folders() -> None:
    patterns = template.seeded_patterns()
    assert template.is_seeded("README.md", patterns)
    assert template.is_seeded("models/credit/pipeline.py", patterns)
    assert not template.is_seeded("pyproject.toml", patterns)
    assert not template.is_seeded("elsewhere/README.md", patterns)


def test_a_folder_that_is_no_template_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copier.yml").write_text("name: {type: str, default: x}\n")
    with pytest.raises(BadInput, match="not a template of vendorkit"):
        template.render(str(tmp_path), None, tmp_path / "repo", {})


def test_a_template_that_wants_to_run_programs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the user told Copier to trust it."""
    home = tmp_path / "template"
    home.mkdir()
    text = (plain_template() / "copier.yml").read_text().replace("_subdirectory: template", "_tasks: [touch ran]")
    (home / "copier.yml").write_text(text)
    (tmp_path / "settings.yml").write_text(f"trust: ['{home}']\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    rendered_to = tmp_path / "repo"
    rendered_to.mkdir()
    with pytest.raises(BadInput, match="run programs"):
        template.render(str(home), None, rendered_to, {})
    assert list(rendered_to.iterdir()) == []


def test_a_template_that_cannot_be_fetched_is_told_with_gits_words(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not fetch"):
        template.render(f"git+file://{tmp_path}/absent.git", None, tmp_path / "repo", {})
