"""The demand-forecasting starter goes the whole way on its first day: kick-off, its own CI, a served forecast."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.journeys.test_kick_off import REPOSITORY, environment, kick_off, run, uv
from tests.support.keys import make_key
from tests.template.test_ci import github

HOUR = {
    "airport": "JFK", "weekday": "Friday", "hour": 17, "week_before": 24, "four_weeks": 23.5,
    "wind_speed": 9.2, "precipitation": 0.0, "visibility": 10.0,
}  # fmt: skip
SRE = "ml-sre@example-bank.example"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engagement that was just kicked off, with the environment that it locked."""
    folder = tmp_path_factory.mktemp("demand")
    run("git", "clone", "--quiet", "--no-tags", str(REPOSITORY), "clone", cwd=folder)
    made = Path(kick_off(folder / "clone", "--data", "starter=demand-forecasting")["path"])
    uv("sync", "--locked", "--quiet", cwd=made)
    return made


def vendorkit(repo: Path, *arguments: str, who: str = "ml@example-analytics.example") -> dict[str, Any]:
    """The result of the engagement's own command line, which must say yes."""
    people = {f"GIT_{role}_EMAIL": who for role in ("AUTHOR", "COMMITTER")}
    command = [str(repo / ".venv/bin/vendorkit"), *arguments, "--json"]
    done = subprocess.run(
        command, cwd=repo, env={**environment(), **people}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result


def test_every_session_of_its_ci_is_green_and_the_forecast_is_served(repo: Path) -> None:
    ci = yaml.safe_load((repo / ".github/workflows/engagement.yml").read_text("utf-8"))
    for session in (session for job in github(ci).values() for session in job):
        uv("run", "--locked", "--offline", "nox", "--session", session, cwd=repo)
    assert run("git", "status", "--porcelain", cwd=repo) == ""
    report = json.loads(next(repo.glob(".vendorkit/reports/*/gate-report.json")).read_text())
    verdicts = {gate["id"]: gate["verdict"] for gate in report["results"]}
    assert verdicts == dict.fromkeys(("beats-last-week", "off-by", "later", "repeats"), "pass")

    key = make_key(repo.parent / "key")
    with (repo / "allowed_signers").open("a") as signers:
        signers.write(f"{SRE} {' '.join(key.with_suffix('.pub').read_text().split()[:2])}\n")
    run("git", "commit", "--quiet", "--all", "-m", "Trust this key", cwd=repo)
    assert [release["model"] for release in vendorkit(repo, "releases")["releases"]] == ["demand"]
    vendorkit(repo, "approve", "demand/1", "--key", str(key), "--reason", "Report read", who=SRE)
    vendorkit(repo, "promote", "demand/1", "--key", str(key), "--reason", "First release", who=SRE)
    answer = served(repo)
    assert answer["version"] == 1
    assert 15 < answer["predictions"][0]["score"] < 35
    assert answer["predictions"][0]["warnings"] == []


def served(repo: Path) -> dict[str, Any]:
    """What the engagement's own service answers to one hour."""
    log = repo.parent / "service.log"
    with log.open("w") as told:
        command = [str(repo / ".venv/bin/vendorkit"), "serve", "demand", "--port", "0"]
        service = subprocess.Popen(command, cwd=repo, env=environment(), stdout=told, stderr=told)
    try:
        while not (found := re.search(r"http://\S+?:\d+", log.read_text("utf-8"))):
            assert service.poll() is None, log.read_text("utf-8")
            time.sleep(0.1)
        response = httpx.post(f"{found[0]}/v1/predict", json={"rows": [HOUR]}, timeout=60)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer
    finally:
        service.terminate()
        service.wait(30)
