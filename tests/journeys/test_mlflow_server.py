"""The whole road on the registry of a team: MLflow on PostgreSQL and S3 behind a login, and what can fail there.

One server and one engagement for all tests, in the order in which they stand here.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vendorkit.adapters.registry import EMBEDDED, Registry
from vendorkit.adapters.store import Store
from vendorkit.errors import Refused
from vendorkit.steps.deploy import deploy
from vendorkit.trust.log import log_of
from vendorkit.trust.releases import verify_release

from tests.support.processes import Job, run_together
from tests.support.servers import ADMIN, TOKEN, Gateway, MlflowServer, mlflow_server
from tests.support.world import OTHER, World

UPLOADS = 5
"""Requests of a publish before its first file goes up."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(server: MlflowServer) -> Iterator[Gateway]:
    before = Gateway(server)
    yield before
    before.close()


@pytest.fixture(autouse=True)
def logged_in(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody finds the server as MLflow's own variables say, with a token."""
    gateway.mend()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", gateway.url)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)


@pytest.fixture(scope="module")
def team(gated: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An engagement whose registry is the server; it has none of its own."""
    world = gated.copy(tmp_path_factory.mktemp("team") / "repo")
    shutil.rmtree(world.repo / EMBEDDED)
    return world


def registry(world: World) -> Registry:
    return Registry.open(world.repo)


def stuck(world: World, gateway: Gateway, *command: str, who: str = "vendor-ml") -> dict[str, object]:
    """A command that the registry leaves in the lurch: exit code 3, one JSON document, and the gateway mended."""
    answer = world.run(*command, who=who)
    gateway.mend()
    assert answer.code == 3, answer.out + answer.err
    return answer.result


def test_publish_approve_promote_serve_and_trace(
    team: World, server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a name and a password, as MLflow's own basic authentication takes them."""
    with_password(monkeypatch, server, ADMIN[1])
    assert team.live() == 1
    assert not (team.repo / EMBEDDED).exists()
    (version,) = registry(team).versions("credit")
    assert verify_release(registry(team), version, tmp_path / "fetched").release.digest == version.tags["release"]
    assert version.place.startswith("mlflow-artifacts:")
    with deploy(team.repo, "credit", "champion", None).folder:
        assert team.ok("trace", "credit/1")["complete"] is True
    assert [line["status"] for line in team.ok("releases")["releases"]] == ["live"]
    assert team.ok("publish")["created"] is False


def with_password(monkeypatch: pytest.MonkeyPatch, server: MlflowServer, password: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def test_a_wrong_password_is_told_and_changes_nothing(
    team: World, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = registry(team).decisions("credit")
    with monkeypatch.context() as wrong:
        with_password(wrong, server, "another-password")
        key = str(team.key("ml-sre"))
        for command in (
            ("publish",),
            ("promote", "credit/1", "--alias", "staging", "--key", key),
            ("trace", "credit/1"),
        ):
            answer = team.run(*command, who="ml-sre")
            assert (answer.code, "does not accept your login" in str(answer.result["error"])) == (3, True), answer.out
            assert "another-password" not in answer.out + answer.err
    assert registry(team).decisions("credit") == decisions
    assert registry(team).aliases("credit") == {"champion": 1}


def test_an_expired_token_leaves_nothing_half_published(team: World, gateway: Gateway) -> None:
    team.train_and_gate(OTHER)
    candidate = Store(team.repo).candidate(None).digest
    for requests in (1, UPLOADS + 1, UPLOADS + 12):
        gateway.left = requests
        result = stuck(team, gateway, "publish")
        assert "does not accept your login" in str(result["error"]), result
        assert "Log in again" in str(result["fix"])
        assert TOKEN not in str(result)
        assert registry(team).find("credit", candidate) is None
        assert [version.number for version in registry(team).versions("credit")] == [1]


def test_a_server_that_is_killed_midway_and_started_again(
    team: World, gateway: Gateway, server: MlflowServer, tmp_path: Path
) -> None:
    candidate = Store(team.repo).candidate(None).digest
    gateway.until_lost, gateway.on_lost = UPLOADS + 8, server.kill
    stuck(team, gateway, "publish")
    assert team.run("releases").code == 3  # it is really gone
    server.start()
    assert registry(team).find("credit", candidate) is None
    published = team.ok("publish")
    assert (published["version"], published["created"]) == (2, True)
    version = registry(team).versions("credit")[-1]
    assert verify_release(registry(team), version, tmp_path / "fetched").run.digest == candidate
    assert team.ok("trace", "credit/1")["complete"] is True


def test_a_promotion_that_is_cut_off_is_not_served_and_completed_by_the_next(team: World, gateway: Gateway) -> None:
    """The decision is written and the alias is not: nobody serves it until somebody says it again."""
    assert team.decide("approve", "credit/2", "model-risk").code == 0
    key = ("--key", str(team.key("ml-sre")))
    seen = set()
    for requests in range(4, 200, 4):
        gateway.until_lost = requests
        answer = team.run("promote", "credit/2", *key, who="ml-sre")
        gateway.mend()
        moves = [signed.decision.version for signed in log_of(registry(team), "credit").moves("champion")]
        alias = registry(team).alias("credit", "champion")
        seen.add((tuple(moves), alias))
        if (tuple(moves), alias) == ((1, 2), 1):
            with pytest.raises(Refused, match="the last valid move was to version 2"):
                deploy(team.repo, "credit", "champion", None)
        if alias == 2:
            break
        assert answer.code == 3, answer.out
    assert seen <= {((1,), 1), ((1, 2), 1), ((1, 2), 2)}
    assert {((1,), 1), ((1, 2), 2)} <= seen
    assert team.decide("promote", "credit/2", "ml-sre").code == 0
    assert log_of(registry(team), "credit").faults == ()
    assert len(log_of(registry(team), "credit").moves("champion")) == 2


def test_two_people_promoting_at_once(team: World, tmp_path: Path) -> None:
    people = ("ml-sre", "model-ops-lead")
    jobs = [
        Job(team, who, ("promote", f"credit/{number}", "--alias", "staging", "--key", str(team.key(who))))
        for number, who in zip((1, 2), people, strict=True)
    ]
    answers = run_together(jobs, tmp_path / "answers")
    log = log_of(registry(team), "credit")
    moves = [signed.decision for signed in log.moves("staging")]
    won = {answer.result["record"] for answer in answers if answer.code == 0}
    assert log.faults == ()
    assert won == {move.digest for move in moves}
    assert [move.from_version for move in moves] == [None, *(move.version for move in moves[:-1])]
    assert registry(team).alias("credit", "staging") == moves[-1].version
    lost = [answer.result for answer in answers if answer.code]
    assert all(result["error"] == "Somebody else decided meanwhile; nothing was changed." for result in lost)


def test_a_full_disk_leaves_nothing_half_done(team: World, server: MlflowServer) -> None:
    """First who publishes has no room, by a limit of this process; then the database, where a disk can be mounted."""
    team.train_and_gate(("FREEDOM = 0.9", "FREEDOM = 0.8"))
    candidate = Store(team.repo).candidate(None).digest
    for limit in (100, 4_000, 20_000):
        with no_file_above(limit):
            answer = team.run("publish")
        assert answer.code == 3, answer.out + answer.err
        assert registry(team).find("credit", candidate) is None
    assert team.ok("publish")["version"] == 3
    if server.database.limited:
        full_database(team, server)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Within, this process cannot write a file beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_database(team: World, server: MlflowServer) -> None:
    """Promote to one alias after the other until the database has no room for the next."""
    key = ("--key", str(team.key("ml-sre")))
    codes = []
    with server.database.full() as fill:
        while 3 not in codes and len(codes) < 40:
            fill()
            codes.append(team.run("promote", "credit/1", "--alias", f"a{len(codes)}", *key, who="ml-sre").code)
    assert codes[-1] == 3, codes
    log, aliases = log_of(registry(team), "credit"), registry(team).aliases("credit")
    assert log.faults == ()
    recorded = [alias for alias in log.aliases if alias.startswith("a")]
    assert len(codes) - 1 <= len(recorded) <= len(codes)
    assert {alias for alias in aliases if alias.startswith("a")} <= set(recorded)
    assert team.run("promote", "credit/1", "--alias", f"a{len(codes) - 1}", *key, who="ml-sre").code == 0
    assert {alias: registry(team).alias("credit", alias) for alias in recorded} == dict.fromkeys(recorded, 1)


def test_roll_back(team: World) -> None:
    assert team.decide("rollback", "credit", "ml-sre").code == 0
    assert registry(team).alias("credit", "champion") == 1
    deploy(team.repo, "credit", "champion", None).folder.cleanup()
    assert {line["version"]: line["status"] for line in team.ok("releases")["releases"]}[1] == "live"
