"""Trace: the whole chain of a release or a prediction, or the name of what is broken in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uuid_utils
from vendorkit.adapters.predictions import LoggedPrediction, PredictionLog
from vendorkit.cli.commands.trace import FILES
from vendorkit.records.base import now
from vendorkit.records.deployment import Deployment
from vendorkit.steps import publish
from vendorkit.steps.deploy import deploy
from vendorkit.steps.trace import trace

from tests.support.registry import decision_text, files_of, flip, registry_of, rewrite_decision, write
from tests.support.world import OTHER, World

KINDS = ["release", "approval", "promotion", "gate-report", "run", "feature-set", "snapshot", "code", "environment"]


def traced(world: World, subject: str, code: int = 0) -> dict[str, Any]:
    answer = world.run("trace", subject)
    assert answer.code == code, answer.out
    assert answer.result["complete"] is (code == 0)
    return answer.result


def missing(world: World, subject: str) -> str:
    return "\n".join(traced(world, subject, 1)["missing"])


def started(world: World, alias: str | None) -> Deployment:
    """The record of a start of the service."""
    done = deploy(world.repo, "credit", alias, None if alias else 1)
    done.folder.cleanup()
    return done.deployment


def predict(world: World, *, logged_as: str = "credit", close: bool = True, **changes: Any) -> str:
    """Log one prediction as the service does; gives its id."""
    deployment = started(world, "champion").model_copy(update=changes)
    log = PredictionLog(world.repo / ".vendorkit/predictions" / logged_as)
    log.record_deployment(deployment)
    empty = msgspec.Raw(b"{}")
    row = LoggedPrediction(
        id=str(uuid_utils.uuid7()),
        at=now(),
        model=logged_as,
        version=1,
        deployment=deployment.digest,
        as_of=None,
        row=empty,
        score=0.25,
        output=empty,
        warnings=msgspec.Raw(b"[]"),
    )
    log.append([row])
    if close:
        log.close()
    return row.id


def deployment_file(world: World) -> Path:
    (found,) = (world.repo / ".vendorkit/predictions/credit/deployments").iterdir()
    return found


def test_the_whole_chain_of_a_release(live: World) -> None:
    chain = traced(live, "credit/1")["chain"]
    assert [link["kind"] for link in chain] == KINDS
    assert all(set(link) == {"kind", "digest", "at", "who", "says"} for link in chain)
    assert all(link["digest"].startswith("sha256:") for link in chain)
    who = {link["kind"]: link["who"] for link in chain}
    assert (who["release"], who["approval"], who["promotion"]) == ("ml@acme.example", "model-risk", "ml-sre")


@pytest.mark.parametrize("close", [True, False])
def test_the_whole_chain_of_a_prediction(live: World, close: bool) -> None:
    prediction = predict(live, close=close)
    chain = traced(live, prediction)["chain"]
    assert [link["kind"] for link in chain] == ["prediction", "deployment", *KINDS]
    assert chain[0]["digest"] == prediction
    assert chain[0]["says"] == "credit/1 answered 0.25"
    assert "served credit@champion" in chain[1]["says"]


def test_people_read_what_each_link_says_and_below_it_when_which_and_who(live: World) -> None:
    answer = live.run("trace", "credit/1", as_json=False)
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[:-1] if line[0] != " "] == KINDS
    assert lines[-1] == "The chain is complete."
    assert max(map(len, lines)) <= 100
    chain = live.run("trace", "credit/1").result["chain"]
    release = next(link for link in chain if link["kind"] == "release")
    seen = f"{release['at'][:19]}Z  {release['digest'][:19]}  {release['who']}"
    assert any(line.strip() == seen for line in lines)
    flip(files_of(live) / "model/model.skops")
    broken = live.run("trace", "credit/1", as_json=False)
    assert broken.code == 1
    assert "The chain does not hold:" in broken.out
    assert "model/model.skops" in broken.out


def test_a_deleted_deployment_is_named(live: World) -> None:
    prediction = predict(live)
    digest = f"sha256:{deployment_file(live).stem}"
    deployment_file(live).unlink()
    assert missing(live, prediction) == f"deployment {digest}: its record is not in the prediction log"


def test_a_changed_deployment_is_named(live: World) -> None:
    prediction = predict(live)
    path = deployment_file(live)
    path.write_text(path.read_text().replace("champion", "champiom"))
    assert "deployment sha256:" in missing(live, prediction)
    path.write_text("no record")
    assert "is not a valid" in missing(live, prediction) or "is not valid" in missing(live, prediction)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"release": "sha256:" + "0" * 64}, "release: the deployment served sha256:0000"),
        ({"version": 2}, "deployment: served credit/2, not credit/1"),
        ({"model": "other"}, "deployment: served other/1, not credit/1"),
        ({"decisions": ()}, "deployment: names no decision that allowed it"),
        ({"decisions": ("sha256:" + "0" * 64,)}, "is not in the log of this release"),
    ],
)
def test_a_deployment_that_does_not_fit_is_named(live: World, changes: dict[str, Any], says: str) -> None:
    assert says in missing(live, predict(live, **changes))


def test_a_prediction_of_a_model_that_is_not_registered_is_named(live: World) -> None:
    result = traced(live, predict(live, logged_as="other"), 1)
    assert "deployment: served credit/1, not other/1" in result["missing"]
    assert any("other/1: is not registered" in says for says in result["missing"])
    assert [link["kind"] for link in result["chain"]] == ["prediction", "deployment"]


def test_a_flipped_artifact_is_named_and_the_chain_ends_there(live: World) -> None:
    prediction = predict(live)
    flip(files_of(live) / "records/run.json")
    result = traced(live, prediction, 1)
    assert [link["kind"] for link in result["chain"]] == ["prediction", "deployment"]
    assert any(says.startswith("records/run.json: is sha256:") for says in result["missing"])


def test_lost_files_are_named(live: World) -> None:
    shutil.rmtree(files_of(live))
    assert "credit/1 is not whole" in missing(live, "credit/1")


def test_a_log_that_was_tampered_with_is_named(live: World) -> None:
    rewrite_decision(live, 1, reason="another")
    found = missing(live, "credit/1")
    assert "credit.decisions/2: names a decision before it that is not in the log" in found
    assert "approval by model-risk: does not count" in found


def test_a_deleted_decision_is_named(live: World) -> None:
    prediction = predict(live)
    registry_of(live)._client.delete_model_version("credit.decisions", "2")
    assert "is not in the log of this release" in missing(live, prediction)
    assert "lost the decision that was its last one" in missing(live, "credit/1")
    shutil.rmtree(live.repo / ".vendorkit/seen")  # who never saw it cannot tell
    assert traced(live, "credit/1")["complete"]


def test_who_no_longer_counts_is_named(live: World) -> None:
    prediction = predict(live)
    (live.repo / "allowed_signers").unlink()
    found = missing(live, prediction)
    assert "approval by model-risk: does not count: allowed_signers is missing, empty or a link" in found
    assert "promotion sha256:" in found


def test_a_release_that_nobody_approved_is_named(world: World) -> None:
    world.ok("publish")
    assert missing(world, "credit/1") == "credit/1: has no approval by an internal person who did not make it."


def test_a_no_that_stands_is_named(live: World) -> None:
    live.decide("refuse", "credit/1", "model-ops-lead", "--reason", "leak")
    assert missing(live, "credit/1") == "refusal by model-ops-lead: stands: leak"


def test_changed_tags_are_named(live: World) -> None:
    statement = (
        "UPDATE model_version_tags SET value = 'sha256:00' WHERE name = 'credit' AND key = 'vendorkit.candidate'"
    )
    write(live, statement)
    assert "candidate tag" in missing(live, "credit/1")


@pytest.mark.parametrize(
    "subject",
    [
        "credit/9",
        "other/1",
        "cre'dit/1",
        "credit",
        "",
        "nonsense",
        "35b27e76-85a2-492c-a1c4-9716d3c43e28",
        "01a2045d-cf1d-7220-86c4-2236598b70f0",
        "../../etc/passwd",
    ],
)
def test_what_is_not_known_is_bad_input(live: World, subject: str) -> None:
    predict(live)
    answer = live.run("trace", subject)
    assert answer.code == 2
    assert answer.result["faults"]


def test_json_as_a_format(live: World) -> None:
    answer = live.run("trace", "credit/1", "--format", "json", as_json=False)
    assert '"complete": true' in answer.out


def test_logs_that_lie_elsewhere(live: World, tmp_path: Path) -> None:
    prediction = predict(live)
    (live.repo / ".vendorkit/predictions").rename(tmp_path / "logs")
    assert live.run("trace", prediction).code == 2
    assert live.run("trace", prediction, "--predictions", str(tmp_path / "logs")).code == 0


def test_a_deployment_by_number_is_said_so(live: World) -> None:
    prediction = predict(live, alias=None, decisions=started(live, None).decisions)
    assert "served credit/1 with" in traced(live, prediction)["chain"][1]["says"]


def test_a_flip_in_any_file_of_a_release_is_found_and_named(live: World) -> None:
    """One byte of each artifact, record and document in turn; each time the first broken link is that file."""
    folder = files_of(live)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 10
    registry = registry_of(live)
    unnamed = []
    for path in files:
        flip(path)
        answer = trace(live.repo, "credit/1", registry=registry)
        name = path.relative_to(folder).as_posix()
        if answer.complete or answer.chain or not any(name in says for says in answer.missing):
            unnamed.append((name, answer.missing))
        flip(path)
    assert unnamed == []
    assert trace(live.repo, "credit/1", registry=registry).complete


def test_a_flip_in_any_decision_is_found_and_named(live: World) -> None:
    for place, kind in ((1, "approval"), (2, "promotion")):
        text = decision_text(live, place)
        spoiled = text.replace(f'"kind":"{kind}"', f'"kind":"{kind[:-1]}x"')
        assert spoiled != text
        statement = "UPDATE model_version_tags SET value = ? WHERE name = 'credit.decisions' AND version = ?"
        write(live, statement, spoiled, place)
        assert f"credit.decisions/{place}" in missing(live, "credit/1")
        write(live, statement, text, place)
    assert traced(live, "credit/1")["complete"]


def test_a_move_away_from_a_release_belongs_to_its_history(live: World) -> None:
    live.train_and_gate(OTHER)
    assert live.live() == 2
    assert live.decide("rollback", "credit", "ml-sre", "--reason", "complaints").code == 0
    told = {link["says"] for link in traced(live, "credit/1")["chain"]}
    assert "promotion champion from version 1 to version 2: no reason given" in told
    assert "rollback champion from version 2 to version 1: complaints" in told
    assert "promotion champion from nowhere to version 1: no reason given" in told


def test_every_format_of_a_prediction_and_all_as_files(live: World, tmp_path: Path) -> None:
    prediction = predict(live)
    svg = live.run("trace", prediction, "--format", "svg", as_json=False)
    assert "credit/1 answered 0.25" in svg.out
    assert live.run("trace", prediction, "--report", str(tmp_path / "all")).code == 0
    written = {path.name for path in (tmp_path / "all").iterdir()}
    assert written == set(FILES.values())
    assert '"bomFormat": "CycloneDX"' in (tmp_path / "all" / FILES["cyclonedx"]).read_text()


def test_a_release_without_its_manifest_is_drawn_and_said_why_it_is_not_sent(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = publish._release

    def without_manifest(making: Any, documents: Any, folder: Path) -> Any:
        (folder / "engagement/engagement.yaml").unlink()
        return record(making, documents, folder)

    monkeypatch.setattr(publish, "_release", without_manifest)
    world.live()
    for form in ("svg", "dot"):
        drawn = world.run("trace", "credit/1", "--format", form, as_json=False)
        assert drawn.code == 0, drawn.err
        assert "A chain of records" in drawn.out
        assert "credit/1" in drawn.out
    refused = world.run("trace", "credit/1", "--format", "cyclonedx")
    assert refused.code == 1
    assert refused.result["error"].endswith("its surroundings are not known.")
    assert refused.result["faults"][0]["where"] == "credit/1: engagement/engagement.yaml"
    assert world.run("trace", "credit/1", "--report", str(tmp_path / "all")).code == 0
    assert not (tmp_path / "all" / FILES["cyclonedx"]).exists()


def test_a_broken_chain_is_drawn_but_not_sent_to_catalogues(live: World, tmp_path: Path) -> None:
    flip(files_of(live) / "model/model.skops")
    assert "model/model.skops" in live.run("trace", "credit/1", "--format", "svg", as_json=False).out
    refused = live.run("trace", "credit/1", "--format", "openlineage", as_json=False)
    assert (refused.code, refused.out) == (1, "")
    assert "model/model.skops" in refused.err
    assert live.run("trace", "credit/1", "--report", str(tmp_path / "all")).code == 1
    assert not (tmp_path / "all" / FILES["openlineage"]).exists()
