"""Approve and refuse: who may, with which key, about what; and what the log then holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry import files_of, flip, log, registry_of
from tests.support.world import World


@pytest.fixture
def published(world: World) -> World:
    world.ok("publish")
    return world


def refusals(world: World, *arguments: str, who: str, key: str | None = None) -> dict[str, str]:
    answer = world.decide("approve", "credit/1", who, *arguments, key=key)
    assert answer.code == 1, answer.out
    assert registry_of(world).decisions("credit") == []
    return {fault["where"]: fault["says"] for fault in answer.result["faults"]}


def test_an_approval_is_a_signed_record_of_what_was_approved(published: World) -> None:
    answer = published.decide("approve", "credit/1", "model-risk", "--reason", "gates and card read")
    assert set(answer.result) >= {"model", "version", "record", "actor"}
    (signed,) = log(published).accepted
    version = registry_of(published).versions("credit")[0]
    decision = signed.decision
    assert answer.result == {
        "model": "credit",
        "version": 1,
        "record": decision.digest,
        "actor": "model-risk",
        "missing": [],
    }
    assert (decision.kind, decision.reason) == ("approval", "gates and card read")
    named = (decision.release, decision.candidate, decision.gate_report)
    assert named == tuple(version.tags[name] for name in ("release", "candidate", "gate_report"))
    assert "BEGIN SSH SIGNATURE" in signed.signature


def test_the_vendor_may_not(published: World) -> None:
    found = refusals(published, who="vendor-data")
    assert found == {"people.vendor-data": "works for the vendor; only the client's own people decide."}


def test_the_author_may_not_and_is_told_both_reasons_and_who_may(published: World) -> None:
    answer = published.decide("approve", "credit/1", "vendor-ml")
    assert [fault["says"] for fault in answer.result["faults"]] == [
        "works for the vendor; only the client's own people decide.",
        "trained, published or committed this release.",
    ]
    assert answer.result["fix"] == "One of these may: model-ops-lead, ml-sre, model-risk."


@pytest.fixture(params=["trained", "published", "committed"])
def by_an_internal_person(request: pytest.FixtureRequest, frozen: World, tmp_path: Path) -> Iterator[World]:
    """A release that ml-sre had a hand in, and the vendor the rest."""
    world = frozen.copy(tmp_path / "repo")
    what = request.param
    world.commit("By one of us", who="ml-sre" if what == "committed" else "vendor-ml")
    world.ok("train", who="ml-sre" if what == "trained" else "vendor-ml")
    world.ok("gate")
    world.ok("publish", who="ml-sre" if what == "published" else "vendor-ml")
    yield world


def test_an_internal_author_may_not_either(by_an_internal_person: World) -> None:
    found = refusals(by_an_internal_person, who="ml-sre")
    assert found == {"people.ml-sre": "trained, published or committed this release."}
    assert by_an_internal_person.decide("approve", "credit/1", "model-risk").code == 0


@pytest.mark.parametrize("key", ["stranger", "ml-sre", "vendor-ml"])
def test_a_key_that_is_unknown_or_of_somebody_else_does_not_count(published: World, key: str) -> None:
    (where, says), = refusals(published, who="model-risk", key=key).items()  # fmt: skip
    assert where == "approval by model-risk"
    assert says == "no key of model-risk@bank.example that was valid then has made it."


def test_a_stranger_is_asked_who_they_are(published: World) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for role in ("AUTHOR", "COMMITTER"):
            patched.setenv(f"GIT_{role}_EMAIL", "stranger@elsewhere.example")
        answer = published.run("approve", "credit/1", "--as", "stranger", "--key", str(published.key("stranger")))
    assert answer.code == 2
    assert answer.result["faults"][0]["where"] == "--as"


def test_a_key_that_is_not_there_is_bad_input(published: World) -> None:
    answer = published.run("approve", "credit/1", "--key", "/nowhere/key", who="model-risk")
    assert answer.code == 2
    assert [(fault["where"], fault["says"]) for fault in answer.result["faults"]] == [
        ("/nowhere/key", "no such key file.")
    ]


def test_a_file_that_is_no_key_is_told(published: World, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key")
    (tmp_path / "key").chmod(0o600)
    assert published.run("approve", "credit/1", "--key", str(tmp_path / "key"), who="model-risk").code in (2, 3)


def test_a_refusal_needs_a_reason(published: World) -> None:
    answer = published.decide("refuse", "credit/1", "model-risk", "--reason", "  ")
    assert answer.code == 2
    assert answer.result["faults"][0]["where"] == "--reason"
    done = published.decide("refuse", "credit/1", "model-risk", "--reason", "unfair to young applicants")
    assert done.code == 0
    assert set(done.result) >= {"model", "version", "record", "actor"}
    assert log(published).accepted[0].decision.kind == "refusal"


@pytest.mark.parametrize("command", ["approve", "refuse"])
@pytest.mark.parametrize(
    "release", ["credit", "credit/x", "credit/", "/1", "credit/1/2", "cre dit/1", "credit@1", "", "credit/-1"]
)
def test_what_is_no_release_is_bad_input(published: World, command: str, release: str) -> None:
    answer = published.decide(command, release, "model-risk", "--reason", "r")
    assert answer.code == 2
    assert "MODEL/VERSION" in answer.result["faults"][0]["says"]


@pytest.mark.parametrize("release", ["credit/2", "other/1", "cre'dit/1", "credit/99999999999999999999999"])
def test_what_is_not_registered_is_bad_input(published: World, release: str) -> None:
    answer = published.decide("approve", release, "model-risk")
    assert answer.code == 2
    assert "is not registered" in answer.result["faults"][0]["says"]


def test_what_was_changed_after_publishing_cannot_be_approved(published: World) -> None:
    flip(files_of(published) / "model/model.skops")
    found = refusals(published, who="model-risk")
    assert set(found) == {"model/model.skops"}


def test_what_lacks_parts_of_its_record_is_not_approved(
    gated: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = gated.copy(tmp_path / "repo")
    monkeypatch.setattr("vendorkit.steps.publish.release_documents", lambda *_: ())
    world.ok("publish")
    answer = world.decide("approve", "credit/1", "model-risk")
    parts = ["model card", "datasheet", "release notes", "decision brief"]
    assert [fault["where"] for fault in answer.result["faults"]] == [f"credit/1: {part}" for part in parts]
    assert (answer.code, log(world).accepted) == (1, ())
    assert world.decide("refuse", "credit/1", "model-risk", "--reason", "no card").code == 0


def test_two_approve_one_after_the_other(published: World) -> None:
    assert published.decide("approve", "credit/1", "model-risk").code == 0
    assert published.decide("approve", "credit/1", "ml-sre").code == 0
    assert [signed.decision.actor for signed in log(published).accepted] == ["model-risk", "ml-sre"]


def test_people_read_what_comes_next(published: World) -> None:
    answer = published.run(
        "approve", "credit/1", "--key", str(published.key("model-risk")), who="model-risk", as_json=False
    )
    assert answer.out.startswith("model-risk approved credit/1: sha256:")
    assert "Next: vendorkit promote credit/1" in answer.out
