"""The page of environment variables says what the code reads: no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs/reference/environment.md"
OF_THE_SHELL = {"_ARGCOMPLETE", "COMP_LINE", "PATH"}
"""Set by the system, and by the shell while it completes a word; nobody sets them for vendorkit."""
READS = re.compile(r"os\.environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"|\"([A-Z_]+)\" (?:not )?in os\.environ")
DEFAULTS = re.compile(r"^    \"(MLFLOW_[A-Z_]+)\": \"(\w+)\",", re.MULTILINE)


def documented(heading: str) -> dict[str, str]:
    """Variable to what holds without it, of one section of the page."""
    section = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| .+ \| (.+) \|$", section, re.MULTILINE)
    return {name: default for names, default in rows for name in re.findall(r"`([A-Z_]+)`", names)}


def sources() -> list[str]:
    return [path.read_text("utf-8") for path in (REPOSITORY / "sdk/src/vendorkit").rglob("*.py")]


def test_the_page_names_what_the_code_reads() -> None:
    read = {first or second for text in sources() for first, second in READS.findall(text)}
    assert read - OF_THE_SHELL == set(documented("Read by vendorkit"))


def test_mlflow_knows_its_variables_and_their_defaults_are_those_of_the_code() -> None:
    pytest.importorskip("mlflow")
    from mlflow import environment_variables

    rows = documented("Read by MLflow")
    assert [name for name in rows if not hasattr(environment_variables, name)] == []
    registry = (REPOSITORY / "sdk/src/vendorkit/adapters/registry/__init__.py").read_text("utf-8")
    ours = dict(DEFAULTS.findall(registry))
    assert ours
    assert {name: rows[name].strip("`") for name in ours} == ours
