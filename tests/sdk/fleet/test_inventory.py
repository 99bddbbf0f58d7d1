"""The list of the fleet: faults with their lines, adding without losing a comment, rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.errors import BadInput
from vendorkit.fleet.inventory import add_to_list, find_fleet, read_fleet, rows_of
from vendorkit.records.fleet import Fleet, Repository, Template, load_fleet, name_of, plain_name

FLEET = """\
# Ours.
schema_version: 1
templates:
  - url: https://git.bank.example/platform/template.git  # the only one
rings:
  - {name: canary, merged: 0.5}
  - {name: rest}
repositories:
  # the first
  - path: ../credit   # by Ann
    owner: ann@bank.example
    ring: canary

  # the second
  - url: git@git.bank.example:vendors/churn.git

# the end
"""


def faults(text: str) -> list[str]:
    with pytest.raises(BadInput) as raised:
        load_fleet(text.encode())
    return [f"{fault.where}: {fault.says}" for fault in raised.value.faults]


def test_a_fleet_is_read_with_its_defaults(tmp_path: Path) -> None:
    rows = rows_of(load_fleet(FLEET.encode()), tmp_path / "fleet")
    assert [(row.name, row.ring, row.owner) for row in rows] == [
        ("credit", "canary", "ann@bank.example"),
        ("churn", "rest", ""),
    ]
    assert rows[0].place == str(tmp_path / "credit")
    assert rows[0].remote == ""
    assert rows[1].remote == rows[1].place == "git@git.bank.example:vendors/churn.git"


def test_every_fault_is_told_with_its_line() -> None:
    text = """\
schema_version: 1
rings: [{name: canary, merged: 2}]
repositories:
  - path: a
    ringg: canary
  - url: ext::sh -c touch% pwned
  - url: https://ann:secret@git.bank.example/x.git
"""
    found = faults(text)
    assert [fault.split(": ")[0] for fault in found] == ["fleet.yaml:2", "fleet.yaml:5", "fleet.yaml:6", "fleet.yaml:7"]
    assert "not a key of a fleet" in found[1]
    assert all("secret@" not in fault.split("expected")[-1] for fault in found)


def test_rules_across_the_file() -> None:
    text = """\
schema_version: 1
rings: [{name: canary}, {name: canary}]
repositories:
  - {path: a/x, url: "https://h/x"}
  - {path: b/x}
  - {path: c, ring: wave}
  - {}
"""
    assert [fault.partition(": ")[2] for fault in faults(text)] == [
        "repositories[0]: expected one of `path` and `url`.",
        "repositories[2].ring: 'wave' is not one of `rings`.",
        "repositories[3]: expected one of `path` and `url`.",
        "repositories[1]: 'x' stands here twice.",
        "rings[1]: 'canary' stands here twice.",
    ]


@pytest.mark.parametrize("text", ["a: &a [x]\nb: *a", "- 1", "", "\0", "schema_version: 1\nschema_version: 1"])
def test_odd_files_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        load_fleet(text.encode())


def test_adding_keeps_every_line(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(FLEET)
    add_to_list(tmp_path, [Repository(path="../fraud", owner="@bank/fraud team")], [Template(url="/srv/other")])
    text = (tmp_path / "fleet.yaml").read_text()
    lines = text.splitlines()
    assert [line for line in FLEET.splitlines() if line not in lines] == []
    assert text.index("churn.git") < text.index("../fraud") < text.index("# the end")
    fleet = read_fleet(tmp_path)
    assert fleet.repositories[-1] == Repository(path="../fraud", owner="@bank/fraud team")
    assert fleet.templates[-1].url == "/srv/other"
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.yaml"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "repositories: []\n",
        "repositories: [{path: a}]\n",
        "repositories:\n- path: a\n- path: b\n",
        "repositories: [\n  {path: a},\n  ]\n",
        "repositories:\n  - path: a\n    owner: x",
        "repositories:\n  -\n    path: a\nrings:\n  - name: all\n",
    ],
)
def test_adding_works_with_any_layout(tmp_path: Path, written: str) -> None:
    (tmp_path / "fleet.yaml").write_text(f"schema_version: 1\n{written}")
    before = read_fleet(tmp_path).repositories
    after = add_to_list(tmp_path, [Repository(path="new/one"), Repository(path="10", name="ten")], [])
    assert after.repositories == (*before, Repository(path="new/one"), Repository(path="10", name="ten"))


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_bytes(b"# ours\r\nschema_version: 1\r\nrepositories:\r\n  - path: ../a\r\n")
    add_to_list(tmp_path, [Repository(path="../b")], [])
    written = b'# ours\r\nschema_version: 1\r\nrepositories:\r\n  - path: ../a\r\n  - path: "../b"\r\n'
    assert (tmp_path / "fleet.yaml").read_bytes() == written


def test_a_list_that_is_not_valid_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("schema_version: 2\n")
    with pytest.raises(BadInput):
        add_to_list(tmp_path, [Repository(path="a")], [])
    assert (tmp_path / "fleet.yaml").read_text() == "schema_version: 2\n"


def test_names_come_from_places() -> None:
    assert name_of(Repository(url="git@h:team/credit.git")) == "credit"
    assert name_of(Repository(path="../a b/", folder="engagements/x")) == "a-b/engagements/x"
    assert name_of(Repository(path="..")) == "repository"


@given(st.text(min_size=1, max_size=40))
def test_any_text_becomes_a_name(text: str) -> None:
    name = plain_name(text)
    assert Fleet(schema_version=1, repositories=(Repository(path="x", name=name[:200]),))


def test_branches_of_engagements_in_one_repository_differ(tmp_path: Path) -> None:
    entries = (
        Repository(path="a"),
        Repository(path="a", name="b", folder="x/y"),
        Repository(path="a", name="c", answers=".copier-answers.ci.yml"),
    )
    rows = rows_of(Fleet(schema_version=1, repositories=entries), tmp_path)
    assert [row.reset_branch for row in rows] == [f"vendorkit/reset{end}" for end in ("", "-x-y", "-ci")]
    assert [row.answers_path for row in rows] == [
        ".copier-answers.yml",
        "x/y/.copier-answers.yml",
        ".copier-answers.ci.yml",
    ]


def test_the_fleet_is_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(BadInput):
        find_fleet(tmp_path / "a/b")
    (tmp_path / "fleet.yaml").write_text("schema_version: 1\n")
    assert find_fleet(tmp_path / "a/b") == tmp_path
