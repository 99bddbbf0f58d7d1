"""`fleet add` on real repositories: folders, remotes, addresses, engagements in folders, hostile configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.rollouts import commit, git, make_remote, make_repository, make_template, rendered, run


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


def listed(folder: Path) -> list[dict[str, str]]:
    found = yaml.safe_load((folder / "fleet.yaml").read_text())["repositories"]
    assert isinstance(found, list)
    return found


def test_repositories_are_added_once(tmp_path: Path, template: Path) -> None:
    one, two = (make_repository(tmp_path / name, template) for name in ("credit", "churn"))
    bare = make_remote(two)
    answer = run(tmp_path, "add", str(one), str(two))
    assert answer.code == 0, answer.err
    assert [each["name"] for each in answer.result["added"]] == ["credit", "churn"]
    assert answer.result["templates"] == [str(template)]
    assert listed(tmp_path) == [{"path": str(one)}, {"path": str(two), "remote": str(bare)}]
    before = (tmp_path / "fleet.yaml").read_text()
    again = run(tmp_path, "add", str(one), f"file://{bare}")
    assert again.result["known"] == ["credit"]
    assert [each["name"] for each in again.result["added"]] == [f"{tmp_path.name}/churn"]
    assert (tmp_path / "fleet.yaml").read_text().startswith(before)


def test_engagements_in_folders_are_entries_of_their_own(tmp_path: Path, template: Path) -> None:
    mono = make_repository(tmp_path / "mono", template)
    git(mono, "rm", "--quiet", "-r", ".")
    for name in ("a", "teams/b"):
        commit(mono, {f"{name}/{path}": text for path, text in rendered(template, name.rpartition("/")[2]).items()})
    assert run(tmp_path, "add", str(mono / "teams/b")).code == 0
    answer = run(tmp_path, "add", str(mono))
    assert [each["name"] for each in answer.result["added"]] == ["mono/a"]
    assert answer.result["known"] == ["mono/teams/b"]


def test_what_is_no_engagement_is_told_all_at_once_and_nothing_is_written(tmp_path: Path, template: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    made = make_repository(tmp_path / "made", template)
    git(made, "rm", "--quiet", ".copier-answers.yml")
    commit(made, {})
    evil = make_repository(tmp_path / "evil", template)
    git(evil, "remote", "add", "origin", f"ext::sh -c touch% {tmp_path}/pwned")
    odd = make_repository(tmp_path / "odd", template)
    commit(odd, {".copier-answers.yml": '_src_path: /t\n_commit: v1\nname: "a\\x1b[2J"\n'})
    answer = run(tmp_path, "add", str(plain), str(made), str(tmp_path / "none"), str(evil), str(odd))
    assert answer.code == 2
    assert all(str(tmp_path) in fault["where"] for fault in answer.result["faults"]), "each says in which repository"
    says = [fault["says"] for fault in answer.result["faults"]]
    assert len(says) == 5
    assert "is no git repository" in says[0]
    assert "answers file" in says[1]
    assert "neither a folder" in says[2]
    assert "expected an address" in says[3]
    assert says[4] == "has a control character."
    assert not (tmp_path / "fleet.yaml").exists()
    assert not (tmp_path / "pwned").exists()


def test_a_second_template_is_not_listed_by_itself(tmp_path: Path, template: Path) -> None:
    assert run(tmp_path, "add", str(make_repository(tmp_path / "one", template))).code == 0
    stray = make_repository(tmp_path / "stray", tmp_path / "elsewhere")
    answer = run(tmp_path, "add", str(stray))
    assert answer.result["unlisted"] == {"stray": str(tmp_path / "elsewhere")}
    assert answer.result["templates"] == []
    assert run(tmp_path, "add", "--template", str(tmp_path / "elsewhere")).result["templates"] == [
        str(tmp_path / "elsewhere")
    ]


def test_an_address_is_fetched_without_anything_of_the_user(tmp_path: Path, template: Path) -> None:
    bare = make_remote(make_repository(tmp_path / "credit", template))
    answer = run(tmp_path, "add", f"file://{bare}", "--ring", "all", "--owner", "@bank/credit")
    assert answer.code == 0, answer.err
    assert listed(tmp_path) == [{"url": f"file://{bare}", "owner": "@bank/credit", "ring": "all"}]
    assert run(tmp_path, "add", f"file://{tmp_path}/nothing.git").code == 2
    assert run(tmp_path, "add", str(tmp_path / "credit"), "--ring", "canary").code == 2
