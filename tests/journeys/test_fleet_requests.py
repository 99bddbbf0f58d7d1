"""Updates are put to people on a forge: one request each, a draft with conflicts, what is closed stays closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges import Breakdown, FakeForge, Repo, serving
from tests.support.rollouts import commit, git, make_remote, make_repository, make_template, run

BRANCH = "vendorkit/update-v1.1.0"
TOKEN = "s3cr3t-of-nobody"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    repos = [Repo(f"bank/{name}", branches=("main", BRANCH)) for name in ("credit", "churn")]
    with serving("gitea", *repos) as fake:
        name = re.sub(r"[^0-9]+", "_", fake.web.removeprefix("http://"))
        monkeypatch.setenv(f"VENDORKIT_TOKEN_{name}", TOKEN)
        yield fake


def fleet(folder: Path, template: Path, forge: FakeForge) -> dict[str, Path]:
    """Two repositories with remotes whose requests are opened on the forge."""
    bares = {name: make_remote(make_repository(folder / name, template)) for name in ("credit", "churn")}
    host = forge.web.removeprefix("http://")
    lines = [f"schema_version: 1\nforges: [{{host: '{host}', kind: gitea}}]\n"]
    lines.append(f"templates: [{{url: {template}}}]\nrepositories:\n")
    lines += [
        f"  - {{path: {n}, remote: {bare}, web: '{forge.web}/bank/{n}', owner: ann}}\n" for n, bare in bares.items()
    ]
    (folder / "fleet.yaml").write_text("".join(lines))
    return bares


def test_each_repository_has_one_request(tmp_path: Path, template: Path, forge: FakeForge) -> None:
    bares = fleet(tmp_path, template, forge)
    commit(tmp_path / "churn", {"notes.md": "# churn\n\none\n2\nthree\nfour\nfive\n"})
    git(tmp_path / "churn", "push", "--quiet", "origin", "main")
    forge.state.breakdowns.append(Breakdown("POST", "/pulls", "lost after"))
    answer = run(tmp_path, "update", "--to", "v1.1.0")
    assert answer.code == 1, answer.out
    found = {each["name"]: each for each in answer.result["repos"]}
    assert {name: each["status"] for name, each in found.items()} == {"credit": "updated", "churn": "conflict"}
    credit, churn = (forge.state.repos[f"bank/{name}"].pulls for name in ("credit", "churn"))
    assert (len(credit), len(churn)) == (1, 1)
    assert found["credit"]["request"].startswith(forge.web)
    assert "What changed in the template" in credit[0].body
    assert "How to take over" in credit[0].body
    assert (credit[0].labels, credit[0].assignees) == (["template-update"], ["ann"])
    assert "DRAFT" in churn[0].title
    assert "notes.md" in churn[0].body
    assert run(tmp_path, "update", "--to", "v1.1.0").code == 1
    assert (len(credit), len(churn)) == (1, 1)
    assert git(bares["credit"], "rev-parse", BRANCH) == found["credit"]["commit"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".vendorkit").rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept
    assert TOKEN not in answer.out + answer.err


def test_a_closed_request_stays_closed_until_it_is_asked_for_again(
    tmp_path: Path, template: Path, forge: FakeForge
) -> None:
    fleet(tmp_path, template, forge)
    assert run(tmp_path, "update", "--to", "v1.1.0").code == 0
    pulls = forge.state.repos["bank/credit"].pulls
    pulls[0].state = "closed"
    answer = run(tmp_path, "update", "--to", "v1.1.0")
    statuses = {each["name"]: each["status"] for each in answer.result["repos"]}
    assert statuses == {"credit": "refused", "churn": "updated"}
    stuck = {each["name"]: each["stuck"] for each in run(tmp_path, "status", "--stuck").result["repos"]}
    assert set(stuck) == {"credit"}
    assert stuck["credit"].startswith("ann: say why")
    retried = run(tmp_path, "update", "--retry").result["repos"]
    assert [(each["name"], each["status"]) for each in retried] == [("credit", "updated")]
    assert [pull.state for pull in pulls] == ["closed", "open"]


def test_a_newer_update_takes_the_place_of_an_open_request(tmp_path: Path, forge: FakeForge) -> None:
    template = make_template(tmp_path / "t")
    bares = fleet(tmp_path, template, forge)
    run(tmp_path, "update", "--to", "v1.1.0")
    git(tmp_path / "churn", "fetch", "--quiet", "origin", BRANCH)
    git(tmp_path / "churn", "switch", "--quiet", BRANCH)
    mine = commit(tmp_path / "churn", {"mine.txt": "mine\n"})
    git(tmp_path / "churn", "push", "--quiet", "origin", BRANCH)
    commit(template, {"template/new.txt.jinja": "came with 1.2\n"})
    git(template, "tag", "v1.2.0")
    for name in ("credit", "churn"):
        forge.state.repos[f"bank/{name}"].branches += ("vendorkit/update-v1.2.0",)
    found = {each["name"]: each for each in run(tmp_path, "update").result["repos"]}
    assert {each["status"] for each in found.values()} == {"updated"}
    credit, churn = (forge.state.repos[f"bank/{name}"].pulls for name in ("credit", "churn"))
    assert [pull.state for pull in credit] == ["closed", "open"]
    assert found["credit"]["request"] in credit[0].comments[0]
    assert BRANCH not in git(bares["credit"], "branch", "--list")
    assert [pull.state for pull in churn] == ["open", "open"], "it is theirs by now"
    assert git(bares["churn"], "rev-parse", BRANCH) == mine
    assert any("has commits of Platform" in note for note in found["churn"]["warnings"])
    events = run(tmp_path, "history", "credit").result["repos"][0]["events"]
    assert [each["outcome"] for each in events if each["request"]] == ["closed", "open"]


def test_repositories_are_discovered(tmp_path: Path, forge: FakeForge) -> None:
    forge.state.repos["bank/credit"].files = (".copier-answers.yml",)
    host = forge.web.removeprefix("http://")
    (tmp_path / "fleet.yaml").write_text(
        f"schema_version: 1\nforges: [{{host: '{host}', kind: gitea}}]\ndiscover: [{{host: '{host}', within: bank}}]\n"
    )
    answer = run(tmp_path, "status")
    assert "repos" in answer.result, answer.out
    assert [each["name"] for each in answer.result["repos"]] == ["bank/credit"]
    assert answer.result["repos"][0]["why"]


def test_a_ring_with_failing_checks_holds_the_next_one(tmp_path: Path, template: Path, forge: FakeForge) -> None:
    bares = fleet(tmp_path, template, forge)
    written = (tmp_path / "fleet.yaml").read_text().replace("owner: ann}", "owner: ann, ring: canary}", 1)
    rules = "rings: [{name: canary}, {name: rest}]\nrollout: {auto_merge: true}\n"
    (tmp_path / "fleet.yaml").write_text(written + rules)
    canary = forge.state.repos["bank/credit"]
    for checks, why in (("running", "0 of 1 have it, 100% are needed"), ("red", "checks fail in credit")):
        canary.checks = checks
        answer = run(tmp_path, "update", "--to", "v1.1.0")
        assert [(each["name"], each["why"]) for each in answer.result["held"]] == [("churn", f"ring canary: {why}")]
    assert canary.pulls[0].auto_merge
    canary.checks = "green"
    git(bares["credit"], "update-ref", "refs/heads/main", BRANCH)
    answer = run(tmp_path, "update", "--to", "v1.1.0")
    assert {each["name"]: each["status"] for each in answer.result["repos"]} == {
        "credit": "current",
        "churn": "updated",
    }


def test_only_so_many_requests_are_open_at_a_time(tmp_path: Path, template: Path, forge: FakeForge) -> None:
    bares = fleet(tmp_path, template, forge)
    with (tmp_path / "fleet.yaml").open("a") as file:
        file.write("rollout: {max_open: 1}\n")
    for _ in range(2):
        answer = run(tmp_path, "update", "--to", "v1.1.0")
        assert [(each["name"], each["status"]) for each in answer.result["repos"]] == [("credit", "updated")]
        assert [each["why"] for each in answer.result["held"]] == ["as many requests are open as `max_open` allows"]
    forge.state.repos["bank/credit"].pulls[0].state = "merged"
    git(bares["credit"], "update-ref", "refs/heads/main", BRANCH)
    answer = run(tmp_path, "update", "--to", "v1.1.0")
    assert {each["name"]: each["status"] for each in answer.result["repos"]} == {
        "credit": "current",
        "churn": "updated",
    }
    told = run(tmp_path, "history", "credit").result["repos"][0]["events"]
    assert [each["outcome"] for each in told if each["request"]][-1] == "merged"
