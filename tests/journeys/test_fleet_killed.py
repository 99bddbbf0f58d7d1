"""An update over fifty repositories, killed at fifty random moments: gone on with, each is updated once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges import FakeForge, Repo, serving
from tests.support.rollouts import PEOPLE, git, make_remote, make_repository, make_template, run

REPOSITORIES = 50
KILLS = 50
BRANCH = "vendorkit/update-v1.1.0"

FORKS = """
import json, os, random, sys, time
import vendorkit.cli.commands.fleet_update, vendorkit.fleet.desks, vendorkit.fleet.updates
from vendorkit.cli.main import main

line, kills, branches = json.load(sys.stdin)
chance = random.Random(50)
longest = 0.05  # seconds, however fast the machine is: longer once three in a row got nowhere
idle, codes = 0, []
while codes.count(-9) < kills and 0 not in codes:
    before = sum(map(os.path.exists, branches))
    forked = os.fork()
    if not forked:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os._exit(main(line))
    time.sleep(chance.uniform(0.02, longest))
    os.kill(forked, 9)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]))
    idle = idle + 1 if before == sum(map(os.path.exists, branches)) else 0
    longest *= 1.3 if idle and idle % 3 == 0 else 1
print(json.dumps(codes))
"""


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    repos = [Repo(f"bank/r{number:02}", branches=("main", BRANCH)) for number in range(REPOSITORIES)]
    with serving("gitea", *repos) as fake:
        monkeypatch.setenv(f"VENDORKIT_TOKEN_127_0_0_1_{fake.web.rpartition(':')[2]}", "s3cr3t-of-nobody")
        yield fake


def test_whatever_moment_it_dies_at_each_is_updated_once(tmp_path: Path, forge: FakeForge) -> None:
    template = make_template(tmp_path / "template")
    bares, entries = [], []
    for number in range(REPOSITORIES):
        bare = make_remote(make_repository(tmp_path / f"r{number:02}", template))
        git(bare, "config", "core.logAllRefUpdates", "always")
        bares.append(bare)
        name = f"r{number:02}"
        entries.append(f"  - {{path: ../{name}, remote: {bare}, web: '{forge.web}/bank/{name}'}}\n")
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(
        f"schema_version: 1\nforges: [{{host: '{forge.web.removeprefix('http://')}', kind: gitea}}]\n"
        f"templates: [{{url: {template}}}]\nrepositories:\n{''.join(entries)}"
    )
    line = ["fleet", "update", "--to", "v1.1.0", "--repo", str(folder), "--json", "--jobs", "2"]
    plan = json.dumps([line, KILLS, [str(bare / "refs/heads" / BRANCH) for bare in bares]])
    environment = {**os.environ, **PEOPLE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FORKS], input=plan, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).count(-9) >= KILLS // 2
    answer = run(folder, "update", "--to", "v1.1.0")
    assert answer.code == 0, answer.out
    assert sorted(each["name"] for each in answer.result["repos"]) == [f"r{n:02}" for n in range(REPOSITORIES)]
    assert {each["status"] for each in answer.result["repos"]} == {"updated"}
    for bare, each in zip(bares, sorted(answer.result["repos"], key=lambda each: str(each["name"])), strict=True):
        assert git(bare, "for-each-ref", "--format=%(refname)", "refs/heads/vendorkit") == f"refs/heads/{BRANCH}"
        assert git(bare, "rev-parse", BRANCH) == each["commit"]
        assert git(bare, "rev-list", "--count", f"main..{BRANCH}") == "1"
        assert len((bare / "logs/refs/heads" / BRANCH).read_text().splitlines()) == 1
        assert [pull.state for pull in forge.state.repos[f"bank/{each['name']}"].pulls] == ["open"]
        assert git(bare, "show", f"{BRANCH}:new.txt") == f"came with 1.1 for {each['name']}"
