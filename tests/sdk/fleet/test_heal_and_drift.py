"""Managed files: what counts as drift, what an update restores, what is excused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from vendorkit.adapters.git_objects import Signature
from vendorkit.fleet.drift import Drift, drift
from vendorkit.fleet.templates import Templates
from vendorkit.fleet.update import commit

from tests.sdk.fleet.conftest import Update
from tests.support.engagement import manifest_bytes
from tests.support.fleet import Content, files_of, git

TODAY = date(2026, 11, 22)
ANN = Signature("Ann", "ann@bank.example", 1_800_000_000)
WEAK = "name: acme\nsteps:\n  - lint\n"
MORE = "name: acme\nsteps:\n  - lint\n  - tests\n  - gate\n  - more\n"

Changed = Callable[[dict[str, Content]], Path]


def waiver(path: str | None, expires: str = "2026-12-31") -> str:
    entry = {
        "check": "MAN-04",
        "why": "the runner lacks it",
        "approved_by": "model-risk",
        "ticket": "T-1",
        "expires": expires,
        **({"target": path} if path else {}),
    }
    return manifest_bytes(waivers=[entry]).decode()


@pytest.mark.parametrize("weakened", [None, WEAK, WEAK.replace("lint", "lint || true"), Path("lint.toml")])
def test_a_deleted_or_weakened_file_is_restored_in_a_commit_of_its_own(
    weakened: Content, changed: Changed, update: Update
) -> None:
    repository = changed({"ci.yml": weakened})
    found = update(repository)
    assert (found.status, found.healed, found.conflicts) == ("updated", ("ci.yml",), ())
    last = commit(repository, found, ANN, "Update", "up", heal_message="Restore ci.yml")
    assert git(repository, "log", "--format=%s", "main..up").splitlines() == ["Restore ci.yml", "Update"]
    assert files_of(repository, last)["ci.yml"][1].endswith(b"  - tests\n  - gate\n")
    assert git(repository, "diff", "--name-only", "up^", "up") == "ci.yml"
    assert "ci.yml" not in git(repository, "diff", "--name-only", "main", "up^").splitlines()


def test_a_current_repository_with_drift_is_healed_alone(changed: Changed, update: Update) -> None:
    repository = changed({"ci.yml": None})
    found = update(repository, to="v1")
    assert (found.status, found.healed, found.changed) == ("drifted", ("ci.yml",), ())
    commit(repository, found, ANN, "Update", "up", heal_message="Restore ci.yml")
    assert git(repository, "log", "--format=%s", "main..up") == "Restore ci.yml"


def test_lines_that_were_only_added_are_left(changed: Changed, update: Update) -> None:
    assert update(changed({"ci.yml": MORE})).healed == ()


def test_a_conflict_is_left_to_a_person(changed: Changed, update: Update) -> None:
    found = update(changed({"lint.toml": "strict = false\nlevel = 1\n"}))
    assert [each.path for each in found.conflicts] == ["lint.toml"]
    assert (found.status, found.healed) == ("conflict", ())


def test_seeded_files_are_never_touched(changed: Changed, update: Update) -> None:
    found = update(changed({"docs/guide.md": "Ours.\n", "engagement.yaml": None}))
    assert "docs/guide.md" not in found.changed
    assert found.healed == ()


@pytest.mark.parametrize(
    ("text", "healed"),
    [
        (waiver("ci.yml"), ()),
        (waiver(None), ()),
        (waiver("lint.toml"), ("ci.yml",)),
        (waiver("ci.yml", "2026-11-01"), ("ci.yml",)),
    ],
    ids=["for the file", "for all", "for another", "expired"],
)
def test_a_waiver_that_holds_excuses(text: str, healed: tuple[str, ...], changed: Changed, update: Update) -> None:
    repository = changed({"ci.yml": WEAK, "engagement.yaml": text})
    assert update(repository, as_of=TODAY).healed == healed


def test_the_platform_may_say_what_is_managed(changed: Changed, update: Update) -> None:
    repository = changed({"ci.yml": None, "lint.toml": None})
    assert update(repository, managed=["/ci.yml"]).healed == ("ci.yml",)
    assert [each.path for each in update(repository, managed=["/ci.yml"]).conflicts] == ["lint.toml"]
    assert update(repository, managed=[]).healed == ()


def test_drift_names_every_kind_of_change(changed: Changed, own_templates: Templates) -> None:
    repository = changed({"ci.yml": MORE, "lint.toml": None, "docs/guide.md": "Ours.\n"})
    head = git(repository, "rev-parse", "HEAD")
    found = drift(repository, head, ".copier-answers.yml", own_templates)
    assert found == [Drift("ci.yml", "edited", False), Drift("lint.toml", "deleted", False)]
    repository = changed({"ci.yml": WEAK, "lint.toml": Path("ci.yml"), "engagement.yaml": waiver("ci.yml")})
    head = git(repository, "rev-parse", "HEAD")
    found = drift(repository, head, ".copier-answers.yml", own_templates, as_of=TODAY)
    assert found == [Drift("ci.yml", "weakened", True), Drift("lint.toml", "replaced", False)]


def test_nothing_changed_is_no_drift(engagement: Path, own_templates: Templates) -> None:
    head = git(engagement, "rev-parse", "HEAD")
    assert drift(engagement, head, ".copier-answers.yml", own_templates) == []
