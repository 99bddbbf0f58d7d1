"""Repositories of a template like vendorkit's own, for tests of healing and drift."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import Plan, plan

from tests.support.engagement import manifest_bytes
from tests.support.fleet import Content, commit_all, git, make_project, make_template, write

OWN = {
    "copier.yml": "_skip_if_exists: [/engagement.yaml, /docs/]\nengagement_id: {type: str, default: acme}\n",
    "ci.yml.jinja": "name: {{ engagement_id }}\nsteps:\n  - lint\n  - tests\n  - gate\n",
    "lint.toml": "strict = true\nlevel = 3\n",
    "docs/guide.md": "Write here.\n",
    "engagement.yaml": manifest_bytes().decode(),
}
NEXT = {"lint.toml": "strict = true\nlevel = 4\n", "new.toml": "new = true\n", "docs/guide.md": "Write there.\n"}

Update = Callable[..., Plan]


@pytest.fixture
def own_template(tmp_path: Path) -> Path:
    """Two versions of a template whose files are managed or seeded."""
    return make_template(tmp_path / "own", OWN, NEXT)


@pytest.fixture
def own_templates(tmp_path: Path, own_template: Path) -> Templates:
    return Templates(tmp_path / "cache", [str(own_template)])


@pytest.fixture
def engagement(tmp_path: Path, own_template: Path) -> Path:
    return make_project(own_template, tmp_path / "engagement")


@pytest.fixture
def changed(engagement: Path) -> Callable[[dict[str, Content]], Path]:
    """The engagement after a commit of changes."""

    def change(files: dict[str, Content]) -> Path:
        write(engagement, files)
        commit_all(engagement)
        return engagement

    return change


@pytest.fixture
def update(own_template: Path, own_templates: Templates) -> Update:
    """Plans the update of a repository."""

    def planned(repository: Path, to: str = "v2", **more: object) -> Plan:
        head = git(repository, "rev-parse", "HEAD")
        version = own_templates.version(str(own_template), to)
        return plan(repository, head, ".copier-answers.yml", own_templates, version, **more)  # type: ignore[arg-type]

    return planned
