"""Updates on a forge that breaks down: git and requests over real HTTP, with a token, each repository updated once."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.forges.governor import SystemClock
from vendorkit.fleet import rollout

from tests.support.clock import Hours
from tests.support.forges import Breakdown, FakeForge, Repo, serving
from tests.support.rollouts import commit, git, make_remote, make_repository, make_template, run

BRANCH = "vendorkit/update-v1.1.0"
TOKEN = "s3cr3t-of-nobody"
NAMES = ("churn", "credit", "fraud")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template") / "t")


@pytest.fixture
def forge(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    """A forge whose repositories are found by search, cloned and pushed to over HTTP."""
    repos = [Repo(f"bank/{name}", branches=("main", BRANCH), files=(".copier-answers.yml",)) for name in NAMES]
    with serving("gitea", *repos) as fake:
        fake.git, fake.token = tmp_path / "git", TOKEN
        for name in NAMES:
            bare = make_remote(make_repository(tmp_path / "git/bank" / name, template))
            git(bare, "config", "core.logAllRefUpdates", "always")
        host = fake.web.removeprefix("http://")
        monkeypatch.setenv(f"VENDORKIT_TOKEN_{re.sub('[^0-9]+', '_', host)}", TOKEN)
        monkeypatch.setattr(rollout, "SECONDS", 0)
        hours = Hours()
        monkeypatch.setattr(SystemClock, "now", lambda self: hours.now())
        monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: hours.sleep(seconds))
        (tmp_path / "fleet.yaml").write_text(
            f"schema_version: 1\ntemplates: [{{url: {template}}}]\nforges: [{{host: '{host}', kind: gitea}}]\n"
            f"discover: [{{host: '{host}', within: bank, owner: '@bank/models'}}]\n"
        )
        yield fake


def update(folder: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    answer = run(folder, "update", "--to", "v1.1.0", *arguments)
    assert answer.code == code, answer.out + answer.err
    assert TOKEN not in answer.out + answer.err
    return {str(each["name"]).removeprefix("bank/"): each for each in answer.result["repos"]}


def each_is_updated_once(folder: Path, forge: FakeForge) -> None:
    for name in NAMES:
        bare = folder / f"git/bank/{name}.git"
        assert git(bare, "rev-list", "--count", f"main..{BRANCH}") == "1"
        assert len((bare / "logs/refs/heads" / BRANCH).read_text().splitlines()) == 1
        assert [pull.branch for pull in forge.state.repos[f"bank/{name}"].pulls] == [BRANCH]


def test_found_cloned_pushed_and_put_to_people_with_one_token(tmp_path: Path, forge: FakeForge) -> None:
    done = update(tmp_path)
    assert {name: each["status"] for name, each in done.items()} == dict.fromkeys(NAMES, "updated")
    each_is_updated_once(tmp_path, forge)
    assert "@bank/models" in forge.state.repos["bank/credit"].pulls[0].body
    for path in (tmp_path / ".vendorkit").rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes(), path
    found = run(tmp_path, "status").result["repos"]
    assert {each["request"]["state"] for each in found} == {"open"}


def test_the_network_goes_down_midway(tmp_path: Path, forge: FakeForge) -> None:
    forge.state.breakdowns.append(Breakdown("POST", "credit.git/git-receive-pack", "lost before", times=9))
    forge.state.breakdowns.append(Breakdown("GET", "fraud.git/info/refs", "502", times=9))
    done = update(tmp_path, code=3)
    assert {name: each["status"] for name, each in done.items()} == {
        "churn": "updated", "credit": "failed", "fraud": "failed",
    }  # fmt: skip
    forge.state.breakdowns.clear()
    assert {each["status"] for each in update(tmp_path, "--retry").values()} == {"updated"}
    each_is_updated_once(tmp_path, forge)


@pytest.mark.parametrize("how", ["429", "502", "lost before", "lost after"])
def test_a_forge_that_answers_badly_for_a_while(tmp_path: Path, forge: FakeForge, how: str) -> None:
    forge.state.breakdowns += [Breakdown("POST", "/pulls", how, times=2), Breakdown("GET", "/pulls", how, times=2)]
    assert {each["status"] for each in update(tmp_path).values()} == {"updated"}
    each_is_updated_once(tmp_path, forge)


def test_somebody_pushes_meanwhile(tmp_path: Path, forge: FakeForge) -> None:
    raced = []

    def push_first(name: str) -> None:
        if name == "bank/credit" and not raced:
            work = tmp_path / "git/bank/credit"
            raced.append(commit(work, {"fix.txt": "by hand\n"}, "Mine"))
            subprocess.run(["git", "push", "--quiet", "origin", f"main:{BRANCH}"], cwd=work, check=True)

    forge.before_push = push_first
    done = update(tmp_path, code=1)
    assert {name: each["status"] for name, each in done.items()} == {
        "churn": "updated", "credit": "refused", "fraud": "updated",
    }  # fmt: skip
    assert raced[0][:12] in done["credit"]["why"]
    assert git(tmp_path / "git/bank/credit.git", "rev-parse", BRANCH) == raced[0]


def test_archived_empty_and_headless_repositories(tmp_path: Path, forge: FakeForge) -> None:
    forge.state.repos["bank/churn"].archived = True
    forge.state.repos["bank/fraud"].empty = True
    headless = tmp_path / "git/bank/credit.git"
    git(headless, "update-ref", "--no-deref", "HEAD", git(headless, "rev-parse", "main"))
    assert (headless / "HEAD").read_text()[:4] != "ref:"
    assert set(update(tmp_path)) == {"credit"}, "what is archived or empty is not found by a search"
    assert forge.state.repos["bank/credit"].pulls[0].base == "main"
    git(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "git/bank/new.git"))
    lines = "".join(f"  - {{name: bank/{name}, url: '{forge.web}/bank/{name}.git'}}\n" for name in ("churn", "new"))
    with (tmp_path / "fleet.yaml").open("a") as file:
        file.write(f"repositories:\n{lines}")
    done = update(tmp_path, "bank/churn", "bank/new", code=1)
    assert "archived" in done["churn"]["why"]
    assert "has no commit" in done["new"]["why"]
