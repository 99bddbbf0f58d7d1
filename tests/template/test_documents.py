"""The documents of an engagement: a site that builds strictly and fits a phone, and the checklist of each forge."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from vendorkit.cli.main import build_command_parser

from tests.template.rendering import COMBINATIONS, rendered

REVIEW = {
    "github": ".github/pull_request_template.md",
    "gitlab": ".gitlab/merge_request_templates/Default.md",
    "azure": ".azuredevops/pull_request_template.md",
}
HEADINGS = {
    "At hand", "Deploy", "Monitor", "Known failure modes", "Data dependencies", "Rollback", "Incident",
    "Escalation and contacts",
}  # fmt: skip
OF_A_MODEL = {"Input drift", "Errors", "Retrain"}
every_combination = pytest.mark.parametrize("answers", COMBINATIONS.values(), ids=COMBINATIONS.keys())


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement that delivers everything, with its site."""
    folder = tmp_path_factory.mktemp("documents") / "repo"
    shutil.copytree(rendered(**COMBINATIONS["credit, all"]), folder)
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_asks_no_other_host(repo: Path) -> None:
    pages = list((repo / ".vendorkit/site").rglob("*.html"))
    assert {page.name for page in pages} >= {"index.html", "RUNBOOK.html", "TRAINING.html"}
    assert not [page for page in pages if 'src="http' in page.read_text() or 'href="https://fonts' in page.read_text()]


def test_a_dead_link_is_an_error(repo: Path, tmp_path: Path) -> None:
    shutil.copytree(repo, tmp_path / "repo")
    with (tmp_path / "repo/docs/index.md").open("a") as page:
        page.write("\n[gone](GONE.md)\n")
    assert build(tmp_path / "repo").returncode == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_the_screen(repo: Path, width: int) -> None:
    pytest.importorskip("playwright", reason="needs playwright: `VENDORKIT_NO_SKIP=1 nox -s tests` installs it")
    if not shutil.which("chromium"):
        pytest.skip("needs chromium: apt-get install chromium")
    from tests.support.browser import open_browser

    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        for name in ("index", "RUNBOOK", "TRAINING"):
            page.goto((repo / f".vendorkit/site/{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("h1").is_visible()


@every_combination
def test_each_forge_has_the_checklist_where_it_looks_for_it(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    forge = answers.get("forge", "github")
    found = {name for name, path in REVIEW.items() if (folder / path).exists()}
    assert found == {forge}
    assert (folder / REVIEW[forge]).read_text().count("- [ ] ") >= 5


@every_combination
def test_the_runbook_has_what_is_asked_at_night(answers: dict[str, Any]) -> None:
    text = (rendered(**answers) / "docs/RUNBOOK.md").read_text()
    delivered = set(answers.get("deliverables", ["model"]))
    tables = delivered - {"model"}
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(found) == len(set(found))
    assert set(found) == HEADINGS | (OF_A_MODEL if "model" in delivered else set()) | ({"Tables"} if tables else set())
    assert all(f"- `{kind}`: " in text for kind in tables)
    assert len(text.splitlines()) < 130


def test_where_no_model_is_delivered_no_page_speaks_of_one() -> None:
    folder = rendered(**COMBINATIONS["demand, tables"])
    words = re.compile(r"MODEL|VERSION|champion|promote|MLFLOW|benchmarks/|[Pp]rediction id|model card|limit of a gate")
    pages = [*folder.rglob("*.md"), *folder.glob("data/*.yaml")]
    assert len(pages) == 8
    assert {page.name: found for page in pages if (found := words.findall(page.read_text()))} == {}


def commands(text: str) -> list[list[str]]:
    """What a page tells people to type, by program, with something in the place of what they fill in."""
    spans = [part for span in re.findall(r"`([^`\n]+)`", text) for part in span.split("&&")]
    lines = [re.sub(r"^uv run (--\w+ )*", "", part.strip()).replace('"..."', "why") for part in spans]
    return [shlex.split(line) for line in lines if re.match(r"(vendorkit|nox|kubectl)( |$)", line)]


@every_combination
def test_every_command_of_the_documents_can_be_typed(answers: dict[str, Any]) -> None:
    folder = rendered(**answers)
    sessions = set(re.findall(r"@nox\.session\ndef (\w+)", (folder / "noxfile.py").read_text()))
    manifests = "".join(path.read_text() for path in folder.glob("deploy/base/service.yaml"))
    pages = [*folder.glob("*.md"), *folder.glob("docs/*.md"), *folder.glob("data/*.md"), *folder.glob("models/*/*.md")]
    typed = [command for page in pages for command in commands(page.read_text())]
    assert len(typed) > 8
    for program, *arguments in typed:
        if program == "nox":
            assert set(arguments) - {"-s"} <= sessions
        elif program == "kubectl":
            named = [part.removeprefix("deployment/") for part in arguments if part.startswith("deployment/")]
            assert all(f"kind: Deployment\nmetadata: {{name: {name}," in manifests for name in named)
        else:
            build_command_parser(arguments[0]).parse_args(arguments[1:])


@every_combination
def test_the_readme_says_what_each_role_does(answers: dict[str, Any]) -> None:
    text = (rendered(**answers) / "README.md").read_text()
    roles = (
        "vendor engineer",
        "approver, model risk",
        "on-call engineer",
        "head of model operations",
        "platform engineer",
    )
    assert [role for role in roles if f"| {role} | " not in text] == []
