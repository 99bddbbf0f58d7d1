"""The image of an engagement, built from its own Dockerfile and run as a cluster would: little may, and it stops.

Needs root and programs of Debian. The base image is a stand-in (tests/support/containers.py).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from vendorkit.service.server import listen

from tests.journeys.demo import APPLICANT
from tests.journeys.test_kick_off import REPOSITORY, kick_off, run
from tests.support.containers import Containers, containers
from tests.support.engagement import PEOPLE
from tests.support.keys import make_key
from tests.support.mlflow_server import mlflow_server
from tests.support.world import World

pytestmark = pytest.mark.timeout(1800)  # a base image, an environment and an image are made first

TAG = "localhost/engagement:test"
ANSWERS = {"container_registry": "other", "client": "Bank", "vendor": "Acme", "tier": "low"}
"""Client and vendor whose addresses are those of the people of all tests."""
LIMITS = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=1500m", "--network=host")
HOST = ("--no-healthcheck", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
"""What podman needs where there is no systemd."""


@dataclass(frozen=True)
class Setting:
    """A promoted release on a real MLflow server, and the image that may serve it."""

    store: Containers
    world: World
    server: str
    state: Path

    def podman(self, *arguments: str) -> str:
        return self.store.run(*self.store.command(*arguments))

    def start(
        self, name: str, *arguments: str, mounts: tuple[str, ...] = (), server: str | None = None
    ) -> subprocess.Popen[str]:
        """A container of the image with what the manifests allow it, and no more."""
        environment = f"--env=MLFLOW_TRACKING_URI={server or self.server}"
        state = f"--volume={self.state}:/app/.vendorkit"
        more = [f"--volume={mount}" for mount in mounts]
        command = self.store.command("run", "--rm", f"--name={name}", *LIMITS, *HOST, "--tmpfs=/tmp:mode=1777")
        return subprocess.Popen(
            [*command, environment, state, *more, TAG, *arguments],
            env=self.store.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def trust_keys(repo: Path, keys: Path) -> World:
    """The engagement with keys of its people."""
    keys.mkdir()
    with (repo / "allowed_signers").open("a") as signers:
        for who, (_, _, contact) in PEOPLE.items():
            make_key(keys / who)
            signers.write(f"{contact} {(keys / f'{who}.pub').read_text()}")
    world = World(repo, keys)
    world.commit("Trust these keys", "model-ops-lead")
    return world


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("image")
    with closing(containers(tmp_path_factory.mktemp("store"))) as store:
        yield from _in_an_image(store, folder)


def _in_an_image(store: Containers, folder: Path) -> Iterator[Setting]:
    run("git", "clone", "--quiet", "--no-tags", str(REPOSITORY), "clone", cwd=folder)
    answers = [argument for key, value in ANSWERS.items() for argument in ("--data", f"{key}={value}")]
    repo = Path(kick_off(folder / "clone", *answers)["path"])
    world = trust_keys(repo, folder / "keys")
    cache = Path(run(sys.executable, "-m", "uv", "cache", "dir", cwd=folder).strip())
    store.build(repo, TAG, folder / "clone", packages=cache)
    (folder / "server").mkdir()
    with mlflow_server(folder / "server") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", url)
        world.train_and_gate()
        assert world.live() == 1
        state = folder / "state"
        state.mkdir()
        os.chown(state, 10001, 10001)
        yield Setting(store, world, url, state)


@contextmanager
def served(setting: Setting, name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The container once it takes requests, and its address; killed at the end if it still runs."""
    args = arguments_of(setting)
    process = setting.start(name, *args[:2], "--host", "127.0.0.1", "--port", "0")
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            url = re.search(r"is served at (http://127\.0\.0\.1:\d+)", line)
            if url:
                break
        else:
            pytest.fail(f"it did not serve: {''.join(said)}")
        yield process, url[1]
    finally:
        subprocess.run(
            setting.store.command("kill", name), env=setting.store.environment(), capture_output=True, check=False
        )
        process.communicate(timeout=60)


def arguments_of(setting: Setting) -> list[str]:
    """What the Kubernetes manifest starts the image with."""
    manifest = (setting.world.repo / "deploy/base/service.yaml").read_text("utf-8")
    stable = next(part for part in yaml.safe_load_all(manifest) if part["kind"] == "Deployment")
    arguments: list[str] = stable["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def test_the_image_serves_its_release_and_stops_on_sigterm_as_process_1(setting: Setting) -> None:
    with served(setting, "serving") as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/health/ready").status_code == 200
        answer = client.post("/v1/predict", json={"rows": [APPLICANT]})
        assert answer.status_code == 200, answer.text
        (prediction,) = answer.json()["predictions"]
        traced = client.get(f"/v1/predictions/{prediction['id']}").json()
        kinds = [link["kind"] for link in traced["chain"]]
        assert kinds[:3] == ["prediction", "deployment", "release"]
        assert {"approval", "promotion", "run", "snapshot"} <= set(kinds)
        assert setting.podman("exec", "serving", "id", "-u").strip() == "10001"
        write = "import pathlib; pathlib.Path('/app/engagement.yaml').touch()"
        refused = ["exec", "serving", "python", "-c", write]
        done = subprocess.run(
            setting.store.command(*refused), env=setting.store.environment(), capture_output=True, check=False
        )
        assert done.returncode != 0
        check = health_check(setting, url)
        assert setting.podman("exec", "serving", *check) == ""
        setting.podman("stop", "--time", "25", "serving")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out  # 137 where it had to be killed
        assert "is no longer served" in out
    assert list(setting.state.glob("predictions/credit/date=*/*.parquet"))


def health_check(setting: Setting, url: str) -> list[str]:
    """The image's own health check, asked of the port of this test."""
    text = (setting.world.repo / "Dockerfile").read_text("utf-8")
    command: list[str] = json.loads(re.findall(r"HEALTHCHECK .*?CMD (\[.*?\])\n", text, re.DOTALL)[0])
    return [part.replace("http://127.0.0.1:8080", url) for part in command]


def test_sigterm_while_it_still_loads_ends_it_too(setting: Setting) -> None:
    """Its registry takes the call and never answers, so that it loads for as long as the test needs."""
    with listen("127.0.0.1", 0) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = setting.start("loading", *arguments_of(setting), server=address)
        assert process.stdout is not None
        assert any("verifying and loading credit@champion" in line for line in process.stdout)
        setting.podman("stop", "--time", "25", "loading")
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out


def test_a_release_whose_approver_nobody_knows_is_not_served(setting: Setting, tmp_path: Path) -> None:
    nobody = tmp_path / "allowed_signers"
    nobody.write_text("# nobody\n")
    process = setting.start("refused", *arguments_of(setting), mounts=(f"{nobody}:/app/allowed_signers:ro",))
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1, out


def test_the_image_lists_its_parts_and_has_no_tool_of_developers(setting: Setting) -> None:
    app = Path(setting.podman("image", "mount", TAG).strip()) / "app"
    listed = json.loads((app / "sbom.cdx.json").read_text("utf-8"))
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.5")
    parts = {part["name"] for part in listed["components"]}
    assert {"mlflow", "scikit-learn", "pandas", "uvicorn"} <= parts
    installed = {
        name.name.split("-")[0].lower().replace("_", "-") for name in app.glob(".venv/lib/*/site-packages/*.dist-info")
    }
    assert len(installed) > 50
    assert {name.replace(".", "-") for name in installed} - {"vendorkit"} <= {name.replace(".", "-") for name in parts}
    assert not {"pytest", "ruff", "mypy", "nox", "pre-commit"} & installed


def test_the_configuration_of_the_image_says_what_the_manifests_rely_on(setting: Setting) -> None:
    (image,) = json.loads(setting.podman("image", "inspect", TAG))
    config: dict[str, Any] = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["vendorkit"]
    assert config["Cmd"] == arguments_of(setting)
    assert image["Healthcheck"]["Test"][0] == "CMD"
    assert "8080/tcp" in config["ExposedPorts"]
    assert not [line for line in config["Env"] if re.search("TOKEN|PASSWORD|SECRET", line)]
