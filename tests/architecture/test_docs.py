"""The docs keep up with the code: pages are current, commands parse, links lead somewhere, the site builds."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import vendorkit
from pydantic import BaseModel
from vendorkit.cli.main import COMMANDS, build_command_parser
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS
from vendorkit.records.manifest import Manifest
from vendorkit.standards.ask import CHECKS
from vendorkit.tracking.recorder import Recorder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
SHELL = re.compile(r"^ *```(?:bash|console|sh)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OPERATORS = {"&&", "||", "|", "&", ";", "(", ")", ">", ">>", "<"}


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


def reference(name: str) -> str:
    return (DOCS / "reference" / name).read_text("utf-8")


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands_in(text: str) -> Iterator[list[str]]:
    """Each call of vendorkit in shell text, as its arguments."""
    two = {name for name in COMMANDS if " " in name}
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for token in [*lexer, ";"]:
            if token not in OPERATORS:
                words.append(token)
                continue
            if "vendorkit" in words and words[0] in ("vendorkit", "uv", "uvx"):
                given = words[words.index("vendorkit") + 1 :]
                name = " ".join(given[:2])
                yield [name, *given[2:]] if name in two else given
            words = []


def test_commands_are_found_in_shell_text() -> None:
    text = "vendorkit train\nuvx --from ./vendorkit/sdk vendorkit new a --data x='b c'  # words\nls vendorkit\n"
    text += "vendorkit serve credit@champion & vendorkit publish || echo no"
    assert list(commands_in(text)) == [
        ["train"],
        ["new", "a", "--data", "x=b c"],
        ["serve", "credit@champion"],
        ["publish"],
    ]


@pytest.mark.parametrize("name", GENERATE.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    assert reference(name) == GENERATE.PAGES[name](), "run `python docs/generate.py` and commit"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_docs(command: str) -> None:
    assert f"\n## {command}\n" in reference("commands.md")
    assert f"`{command}`" in reference("output.md"), "tell what its `result` holds"


def test_every_check_gate_and_metric_is_in_the_docs() -> None:
    checks, gates = reference("checks.md"), reference("gates.md")
    assert [name for name in CHECKS if f"\n## {name}\n" not in checks] == []
    assert [name for name in GATES if f"\n## {name}\n" not in gates] == []
    assert [name for name in METRICS if f"`{name}`" not in gates] == []


def test_every_manifest_key_is_in_the_docs() -> None:
    page = reference("manifest.md")

    def keys(model: type[BaseModel]) -> Iterator[str]:
        for key, field in model.model_fields.items():
            yield key
            yield from inside(field.annotation)

    def inside(kind: object) -> Iterator[str]:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind)
        for part in get_args(kind):
            yield from inside(part)

    wanted = set(keys(Manifest))
    assert {"tolerance", "cohort", "max_drop_vs_current"} <= wanted
    assert sorted(key for key in wanted if f"| `{key}` |" not in page) == []


def test_every_public_name_is_in_the_docs() -> None:
    page = reference("python.md")
    hooks = [f"run.{name}" for name in vars(Recorder) if not name.startswith("_") and callable(vars(Recorder)[name])]
    hooks = [name for name in hooks if name != "run.note_unexplained"]  # for `vendorkit train` alone
    public = [f"vendorkit.{name}" for name in vendorkit.__all__]
    assert "run.candidate" in hooks
    assert [name for name in [*public, *hooks] if not re.search(rf"`{re.escape(name)}\b", page)] == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_commands_in_pages_are_accepted(page: Path) -> None:
    for block in SHELL.findall(page.read_text("utf-8")):
        for name, *arguments in commands_in(block):
            assert name in COMMANDS
            build_command_parser(name).parse_args(arguments)


def test_pages_have_commands_to_look_at() -> None:
    found = [name for page in PAGES for block in SHELL.findall(page.read_text("utf-8")) for name in commands_in(block)]
    assert {words[0] for words in found} == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_no_relative_link_is_dead(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    files = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [file for file in files if file and not (page.parent / file).exists()] == []


def test_the_site_builds_strictly_and_asks_no_other_host(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list((tmp_path / "site").rglob("*.html"))
    assert len(built) >= len(list(DOCS.rglob("*.md")))
    loads = re.compile(r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"")
    assert [match for page in built for match in loads.findall(page.read_text("utf-8"))] == []
    assert not list((tmp_path / "site").rglob("generate.py"))
