"""The documents of an engagement: a site that builds strictly and fits a phone, and the checklist of each forge."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template.rendering import COMBINATIONS, rendered

REVIEW = {
    "github": ".github/pull_request_template.md",
    "gitlab": ".gitlab/merge_request_templates/Default.md",
    "azure": ".azuredevops/pull_request_template.md",
}
HEADINGS = (
    "Deploy", "Monitor", "Known failure modes", "Data dependencies", "Rollback", "Retrain", "Incident",
    "Escalation and contacts",
)  # fmt: skip
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
    assert [heading for heading in HEADINGS if f"\n## {heading}\n" not in text] == []
    delivered = set(answers.get("deliverables", ["model"])) - {"model"}
    assert ("\n## Tables\n" in text) == bool(delivered)
    assert all(f"- `{kind}`: " in text for kind in delivered)
    assert len(text.splitlines()) < 130


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
