"""`vendorkit serve` as people run it: a promoted release of a real engagement, served by its own process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from vendorkit.adapters.predictions import find
from vendorkit.cli.commands.serve import parse_release
from vendorkit.errors import BadInput
from vendorkit.service.server import listen

from tests.support.service import is_problem
from tests.support.world import World

ROW = {
    "duration_in_month": 24,
    "credit_amount": 3000,
    "status_of_existing_checking_account": "no checking account",
    "credit_history": "existing credits paid back duly till now",
    "savings_account_and_bonds": "... < 100 DM",
}


@contextlib.contextmanager
def serving(world: World, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "vendorkit", "serve", "credit", "--port", "0", "--repo", str(world.repo), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=dict(os.environ), **pipes) as process:  # type: ignore[call-overload]
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            url = re.search(r"is served at (http://127\.0\.0\.1:\d+)", line)
            if url:
                break
        else:
            pytest.fail(f"it did not serve: {''.join(said)}")
        try:
            yield process, url[1]
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("credit", ("credit", "champion", None)),
        ("credit@challenger", ("credit", "challenger", None)),
        ("credit/3", ("credit", None, 3)),
    ],
)
def test_a_release_is_named_in_three_ways(text: str, meant: tuple[str, str | None, int | None]) -> None:
    assert parse_release(text) == meant


@pytest.mark.parametrize("text", ["", "@champion", "credit/", "credit@", "credit/x", "credit/3@champion", "a b"])
def test_anything_else_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="Serve what"):
        parse_release(text)


def test_a_promoted_release_is_served_logged_and_traced(world: World, tmp_path: Path) -> None:
    version = world.live()
    logs = tmp_path / "logs"
    with (
        serving(world, "--predictions", str(logs), "--json") as (process, url),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        answer = client.post("/v1/predict", json={"rows": [ROW]})
        assert answer.status_code == 200, answer.text
        (prediction,) = answer.json()["predictions"]
        is_problem(client.post("/v1/predict", json={"rows": [{**ROW, "credit_amount": False}]}), 422)
        traced = client.get(f"/v1/predictions/{prediction['id']}").json()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert 0 < prediction["score"] < 1
    assert (answer.json()["model"], answer.json()["version"]) == ("credit", version)
    assert traced["complete"] is True, traced["missing"]
    kinds = [link["kind"] for link in traced["chain"]]
    assert kinds[:3] == ["prediction", "deployment", "release"]
    assert {"approval", "promotion", "run", "snapshot"} <= set(kinds)
    result = json.loads(out)["result"]
    assert (result["url"], result["version"]) == (url, version)
    assert find(Path(result["predictions"]), prediction["id"])
    assert result["predictions"] == str(logs / "credit")


def test_nothing_promoted_is_nothing_to_serve(world: World) -> None:
    world.ok("publish")
    answer = world.run("serve", "credit", "--port", "0")
    assert (answer.code, answer.result["error"]) == (2, "There is nothing to serve.")
    assert "points nowhere; registered are: 1." in answer.result["faults"][0]["says"]
    answer = world.run("serve", "pricing", "--port", "0")
    assert answer.code == 2
    assert "has no registered version" in answer.result["faults"][0]["says"]


def test_an_unapproved_version_is_refused(world: World) -> None:
    version = world.ok("publish")["version"]
    assert world.run("serve", f"credit/{version}", "--port", "0").code == 1


def test_a_taken_port_ends_with_3_before_anything_is_loaded(frozen: World) -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = frozen.run("serve", "credit", "--port", str(port), as_json=False)
    assert answer.code == 3
    assert f"127.0.0.1:{port}" in answer.err
    assert "--port" in answer.err


def test_no_such_port_ends_with_2(frozen: World) -> None:
    assert frozen.run("serve", "credit", "--port", "70000").code == 2
