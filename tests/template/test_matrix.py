"""What the template makes of every two answers together: whole, clean, portable, without secrets, the same again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template.covering import covering
from tests.template.rendering import COMBINATIONS, EVERY, REPOSITORY, files, plain_template, rendered

VALUES: dict[str, list[Any]] = {
    "starter": ["consumer-credit", "demand-forecasting", "blank"],
    "engagement_id": ["x", "acme-pd-2026-that-has-forty-letters-here"],
    "title": ["Credit", "Zins & Tilgung (2026): A/B"],
    "client": ["Example Bank", "Bank für Ö+U"],
    "vendor": ["Hof, L. & Co.", "分析"],
    "operating_model": ["hybrid", "internal-only", "vendor-only", "project-handoff", "embedded-pod"],
    "tier": ["low", "medium", "high"],
    "forge": ["github", "gitlab", "azure"],
    "deliverables": [["model"], ["features"], ["dataset", "report"], ["batch"], ["model", "batch"], EVERY],
    "task": ["binary", "multiclass", "regression", "forecasting"],
    "container_registry": ["none", "ghcr", "gitlab", "acr", "other"],
    "python_version": ["3.11", "3.14", "3.15"],
    "sdk_origin": ["template", "index"],
    "sdk_requirement": ["", "vendorkit==0.1.0"],
    "image_source": ["docker.io", "mirror.bank.example/docker-hub"],
    "central_ci": ["", "bank/engagement-ci@refs/tags/v1"],
}
"""Question to values that differ in what they make of the template."""
SIGNED_IN = {
    "ghcr": ("github",),
    "gitlab": ("gitlab",),
    "acr": ("github", "azure"),
    "other": ("github", "gitlab", "azure"),
}
TASKS = {"consumer-credit": "binary", "demand-forecasting": "forecasting"}


def possible(answers: dict[str, Any]) -> bool:
    """Whether these go together; the template's own validators say the same (`test_rendered` has what they refuse)."""
    registry, task = answers.get("container_registry", "none"), answers.get("task")
    if task and TASKS.get(answers.get("starter", ""), task) != task:
        return False
    if registry == "none":
        return True
    return (
        "model" in answers.get("deliverables", ["model"])
        and answers.get("forge", SIGNED_IN[registry][0]) in SIGNED_IN[registry]
    )


MATRIX = covering(VALUES, possible)
Everything = list[tuple[str, dict[str, bytes]]]


@pytest.fixture(scope="module")
def everything() -> Everything:
    """Every combination's answers, as text, and its files."""
    every = [*(COMBINATIONS[name] for name in ("images, azure", "images elsewhere")), *MATRIX]  # own addresses
    return [(json.dumps(answers), files(rendered(**answers))) for answers in every]


def test_every_two_answers_that_go_together_meet() -> None:
    assert len(MATRIX) < 50
    assert all(possible(row) for row in MATRIX)
    rows = [{name: json.dumps(value) for name, value in row.items()} for row in MATRIX]
    held = {(one, row[one], other, row[other]) for row in rows for one in row for other in row if one < other}
    wanted = {
        (one, json.dumps(first), other, json.dumps(second))
        for one, firsts in VALUES.items()
        for other, seconds in VALUES.items()
        if one < other
        for first in firsts
        for second in seconds
        if possible({one: first, other: second})
    }
    assert wanted == held
    assert len(wanted) > 1000


OTHERS = {
    ".github": rb"\$\{\{ [\w.' =()|&]+ \}\}",
    "deploy": rb"\{\{ \$[a-z.]+(?: \| \w+)? \}\}|\{\{[a-z]+\}\}",  # Prometheus, Grafana
}
"""Places with braces of their own: what belongs to the forge, to Prometheus or to Grafana."""


def test_nothing_of_the_template_is_left(everything: Everything) -> None:
    for answers, found in everything:
        for name, data in found.items():
            own = re.sub(OTHERS.get(name.split("/")[0], rb"$^"), b"", data)
            assert not re.search(rb"\{\{|\{%|\{#|\[\[", own), (name, answers)
            assert not re.search(r"[{}%\[]|jinja", name), (name, answers)
            assert data.endswith(b"\n") and not data.endswith(b"\n\n"), (name, answers)
            assert b"\r" not in data, (name, answers)


RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def unfit(names: Iterator[str]) -> list[str]:
    """Paths that some system cannot hold: characters, names of devices, dots and spaces at the end, length, twins."""
    seen: set[str] = set()
    found = []
    for name in names:
        parts = name.split("/")
        fit = re.fullmatch(r"[A-Za-z0-9._/-]+", name) and len(name) < 120 and name.lower() not in seen
        if not fit or any(RESERVED.fullmatch(part) or part.endswith((".", " ")) for part in parts):
            found.append(name)
        seen.add(name.lower())
    return found


def test_every_system_can_hold_the_names(everything: Everything) -> None:
    assert [(unfit(iter(found)), answers) for answers, found in everything if unfit(iter(found))] == []
    assert unfit(iter(["a/aux.py", "b:c", "d.", "README.md", "readme.md", "x" * 120])) == [
        "a/aux.py", "b:c", "d.", "readme.md", "x" * 120,
    ]  # fmt: skip


def test_formatting_leaves_every_file_as_it_is(everything: Everything, tmp_path: Path) -> None:
    """All in one run, each by its own pyproject.toml; then a badly formatted file is changed, so it looked."""
    for number, (_, found) in enumerate(everything):
        for name, data in found.items():
            if name.endswith(".py") or name == "pyproject.toml":
                place = tmp_path / str(number) / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)

    def ruff(*arguments: str) -> str:
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    assert ruff("check") == "All checks passed!\n"
    formatted = len(list(tmp_path.rglob("*.py")))
    assert ruff("format", "--check") == f"{formatted} files already formatted\n"
    (tmp_path / "0/noxfile.py").write_text("import os\nx = ( 1)\n")
    assert "unused" in ruff("check")
    assert "1 file would be reformatted" in ruff("format", "--check")


def test_nothing_is_executable_or_a_link() -> None:
    for answers in MATRIX:
        for path in rendered(**answers).rglob("*"):
            mode = path.lstat().st_mode
            assert stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not mode & 0o111), path


def test_there_is_no_secret(everything: Everything, tmp_path: Path) -> None:
    """By the program that the scaffold's own hook runs, with the same exceptions."""
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    hook = re.search(r"id: secrets.*exclude: (\S+)\}", (REPOSITORY / "template/.pre-commit-config.yaml").read_text())
    assert hook
    exempt = re.compile(hook[1])
    lines: dict[str, dict[bytes, None]] = {}
    for _, found in everything:
        for name, data in found.items():
            if not exempt.search(name):
                lines.setdefault(f"all{Path(name).suffix}", {}).update(dict.fromkeys(data.splitlines()))
    for name, different in lines.items():
        (tmp_path / name).write_bytes(b"\n".join(different))
    (tmp_path / "planted.py").write_text('key = "AKIAIOSFODNN7EXAMPLE"\n')
    secrets = SecretsCollection(root=str(tmp_path))
    with default_settings():
        for place in sorted(tmp_path.iterdir()):
            secrets.scan_file(place.name)
    assert {filename for filename, _ in secrets} == {"planted.py"}


AGAIN = """
import json, sys
from pathlib import Path
from tests.template import rendering, test_matrix
rendering.plain_template = lambda: Path(sys.argv[1])
for line in sys.stdin:
    print(test_matrix.digest(json.loads(line)))
"""


def digest(answers: dict[str, Any]) -> str:
    """Of every path and byte that these answers give."""
    found = files(rendered(**answers))
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def test_other_surroundings_give_the_same_bytes(tmp_path: Path) -> None:
    """Another process, order of hashes, time zone, language and home."""
    surroundings = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "HOME": str(tmp_path)}
    some = MATRIX[::4]
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(plain_template())],
        input="\n".join(json.dumps(answers) for answers in some),
        cwd=REPOSITORY,
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [digest(answers) for answers in some]
    assert len(set(done.stdout.split())) == len(some)
