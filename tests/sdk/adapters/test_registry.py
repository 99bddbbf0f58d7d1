"""The registry: unreachable, unreadable, broken, made by several, moved; and a real MLflow server over HTTP."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pytest
import vendorkit
from vendorkit.adapters.registry import EMBEDDED, Registry, describe_model
from vendorkit.errors import BadInput, Unavailable
from vendorkit.steps.deploy import deploy

from tests.support.mlflow_server import mlflow_server
from tests.support.ports import free_port
from tests.support.registry import files_of, registry_of
from tests.support.world import World

SECRET = "hunter2"


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:{port}",
        f"http://vendor:{SECRET}@127.0.0.1:{{port}}",
        f"https://{SECRET}@127.0.0.1:{{port}}/path",
        f"postgresql://vendor:{SECRET}@127.0.0.1:{{port}}/mlflow",
        f"postgresql://127.0.0.1:{{port}}/mlflow?password={SECRET}",
        f"nonsense://vendor:{SECRET}@host",
    ],
)
def test_a_registry_that_does_not_answer_ends_with_3_and_shows_no_password(
    world: World, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(port=free_port()))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # trying again is MLflow's, and takes its time
    answer = world.run("publish")
    assert answer.code == 3, answer.out
    assert SECRET not in answer.out + answer.err
    scheme = uri.partition("://")[0]
    assert answer.result["error"].startswith(f"The registry at {scheme}://")
    assert (" does not answer." in answer.result["error"]) is scheme.startswith("http")
    assert "Max retries" not in answer.out
    assert answer.result["fix"]
    assert answer.result["faults"]
    text = world.run("publish", as_json=False)
    assert SECRET not in text.out + text.err
    assert "Traceback" not in text.err


def break_folder(folder: Path, how: str) -> None:
    """Make the embedded registry unusable in one way."""
    database = folder / "mlflow.db"
    if how == "rubbish":
        database.write_bytes(b"rubbish " * 1000)
    elif how == "empty folder in place of the file":
        database.unlink()
        database.mkdir()
    elif how == "a file in place of the folder":
        shutil.rmtree(folder)
        folder.write_text("x")
    elif how == "torn":
        data = bytearray(database.read_bytes())
        data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
        database.write_bytes(data)
    else:
        database.write_bytes(database.read_bytes()[:5000])


@pytest.mark.parametrize(
    "how", ["rubbish", "empty folder in place of the file", "a file in place of the folder", "torn", "cut off"]
)
@pytest.mark.parametrize("command", [("publish",), ("releases",), ("trace", "credit/1")])
def test_a_broken_embedded_registry_ends_with_3(live: World, how: str, command: tuple[str, ...]) -> None:
    break_folder(live.repo / EMBEDDED, how)
    answer = live.run(*command)
    assert answer.code == 3, answer.out
    assert "sqlite:///" in answer.result["error"]
    assert answer.result["faults"][0]["says"]


def another_user_can_run_this() -> bool:
    """Whether we may become another user, and that user can read Python, the SDK and its dependencies."""
    needed = (Path(sys.executable), Path(sys.base_prefix), Path(vendorkit.__file__), Path(sqlite3.__file__))
    folders = {folder for path in needed for folder in path.parents}
    open_to_all = all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders)
    return os.getuid() == 0 and shutil.which("setpriv") is not None and open_to_all


def as_nobody(world: World, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user who may read the engagement and write nothing of it."""
    tool = "setpriv"
    for folder in (world.repo, *world.repo.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = "import sys; from vendorkit.cli.main import main; sys.exit(main(sys.argv[1:]))"
    given = [tool, "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code]
    variables = {
        **os.environ,
        **world.environment("vendor-ml"),
        "HOME": "/nonexistent",
        "XDG_CACHE_HOME": "/nonexistent",
    }
    variables |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    return subprocess.run(
        [*given, *command, "--repo", str(world.repo), "--json"],
        env=variables, cwd="/", capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


if another_user_can_run_this():

    def test_who_may_only_read_the_registry_reads_it_and_is_told_when_writing(live: World) -> None:
        listed = as_nobody(live, "releases")
        assert listed.returncode == 0, listed.stdout + listed.stderr
        assert '"status": "live"' in listed.stdout
        written = as_nobody(live, "promote", "credit/1", "--alias", "staging", "--as", "ml-sre", "--key", "/nowhere")
        assert written.returncode in (2, 3), written.stdout
        assert "Traceback" not in written.stderr


def test_a_readonly_database_ends_with_3(live: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # MLflow makes a folder named as the address of a database is
    registry = registry_of(live)
    version = registry.versions("credit")[0]
    uri = f"sqlite:///file:{live.repo / EMBEDDED / 'mlflow.db'}?mode=ro&uri=true"
    reading = Registry(uri, uri)
    assert reading.versions("credit")[0].tags == version.tags
    with pytest.raises(Unavailable, match="readonly database"):
        reading.append_decision("credit", "x", version)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, '{"error": "invalid_token", "error_description": "The access token expired"}'),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}'),
        (401, "You are not authenticated."),
        (403, "Permission denied"),
    ],
)
def test_who_is_not_let_in_is_told_to_log_in(status: int, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json" if body.startswith("{") else "text/plain")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Unavailable, match="does not accept your login") as raised:
            Registry(url, url).versions("credit")
        assert "Log in again" in raised.value.fix
        server.shutdown()


def test_no_place_for_a_registry_ends_with_3() -> None:
    with pytest.raises(Unavailable, match="/proc/nowhere"):
        Registry.open(Path("/proc/nowhere"))


@pytest.mark.parametrize("name", ["a b", "é", "h#sh", "q'uote", "semi;colon", "back\\slash"])
def test_folders_with_odd_names_work(gated: World, tmp_path: Path, name: str) -> None:
    world = gated.copy(tmp_path / name)
    assert world.live() == 1
    assert world.ok("trace", "credit/1")["complete"]
    assert {path.name for path in tmp_path.iterdir()} == {name}


@pytest.mark.parametrize("name", ["50%20", "what?x=1"])
def test_folders_that_mlflow_cannot_read_are_told(gated: World, tmp_path: Path, name: str) -> None:
    answer = gated.copy(tmp_path / name).run("publish")
    assert answer.code == 2
    assert "MLflow cannot read a path with % or ?" in answer.result["faults"][0]["says"]
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_an_engagement_that_was_moved_still_has_its_releases(live: World, tmp_path: Path) -> None:
    moved = World(live.repo.rename(tmp_path / "moved"), live.keys)
    assert moved.ok("trace", "credit/1")["complete"]
    moved.train_and_gate()
    assert moved.live() == 2
    assert moved.ok("trace", "credit/2")["complete"]
    assert (files_of(moved, 2) / "release.json").is_file()
    assert not live.repo.exists()


@pytest.mark.parametrize("cache", ["a folder", "a file", "a broken database", "nothing"])
def test_the_first_registry_is_made_with_and_without_a_cache(
    tmp_path: Path, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cached = tmp_path / "cache/vendorkit" / f"mlflow-{mlflow.__version__}.db"
    if cache == "a file":
        (tmp_path / "cache").write_text("x")
    elif cache == "a broken database":
        cached.parent.mkdir(parents=True)
        cached.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    elif cache == "a folder":
        Registry.open(tmp_path / "before")
        assert cached.is_file()
    assert Registry.open(tmp_path / "repo").versions("credit") == []
    assert sorted(path.name for path in (tmp_path / "repo" / EMBEDDED).iterdir()) == [".making", "mlflow.db"]
    assert cached.is_file() is (cache != "a file")


def test_the_registry_may_lie_elsewhere_than_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "registry.db"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{elsewhere}")
    registry = Registry.open(tmp_path / "repo")
    (tmp_path / "files/model").mkdir(parents=True)
    (tmp_path / "files/model/x").write_text("x")
    tags = {"candidate": "c", "release": "r"}
    version, created = registry.publish("credit", "e", tmp_path / "files", tags, {}, {}, begun=False)
    assert (version.number, created) == (1, True)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI")
    assert Registry.open(tmp_path / "repo").versions("credit") == []


def test_two_versions_of_one_candidate_end_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two clones do that both found nothing on their server: the one that came second goes."""
    monkeypatch.chdir(tmp_path)
    registry = Registry(*[Registry.open(tmp_path / "repo").tracking] * 2)
    (tmp_path / "files/model").mkdir(parents=True)
    (tmp_path / "files/model/x").write_text("x")
    first = registry.publish("credit", "e", tmp_path / "files", {"candidate": "c", "release": "1"}, {}, {}, begun=False)
    second = registry.publish(
        "credit", "e", tmp_path / "files", {"candidate": "c", "release": "2"}, {}, {}, begun=False
    )
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert len(registry.versions("credit")) == 1


def test_whole_numbers_with_gaps_are_described_as_floats(tmp_path: Path) -> None:
    fields = (("age", "integer", False), ("children", "integer", True), ("owns", "boolean", False))
    describe_model(tmp_path, fields, "scikit-learn==1.8.0\n", "3.11.7", "vendorkit.tracking.pyfunc")
    inputs = mlflow.models.Model.load(tmp_path).signature.inputs.inputs
    assert [(column.name, column.type.name, column.required) for column in inputs] == [
        ("age", "long", True),
        ("children", "double", False),
        ("owns", "boolean", True),
    ]
    assert (tmp_path / "requirements.txt").read_text() == "scikit-learn==1.8.0\n"


def test_a_version_whose_files_are_elsewhere_is_bad_input(live: World, tmp_path: Path) -> None:
    registry = registry_of(live)
    shutil.rmtree(files_of(live))
    with pytest.raises(BadInput, match="The files are not there"):
        registry.download(registry.versions("credit")[0], tmp_path / "fetched")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as url:
        yield url


def test_the_whole_road_over_http(gated: World, tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    world = gated.copy(tmp_path / "repo")
    shutil.rmtree(world.repo / EMBEDDED)
    first = world.ok("publish")
    assert first["created"] is True
    assert world.ok("publish") == {**first, "created": False}
    assert world.decide("promote", "credit/1", "ml-sre").code == 1
    assert world.live() == 1
    started = deploy(world.repo, "credit", "champion", None)
    started.folder.cleanup()
    assert started.deployment.version == 1
    assert world.ok("trace", "credit/1")["complete"] is True
    assert [line["status"] for line in world.ok("releases")["releases"]] == ["live"]
    assert not (world.repo / EMBEDDED).exists()
