"""The log of decisions: whatever is done to it, it is one chain, or it is told that it is not."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.signatures import sign
from vendorkit.errors import BadInput, Refused
from vendorkit.records.decision import Decision
from vendorkit.steps.deploy import deploy
from vendorkit.trust.log import Log, Signed, append, append_beside_others, decision_fault, log_of, read_log
from vendorkit.trust.memory import Memory
from vendorkit.trust.people import Authority, Deciding, Member, authority_of

from tests.support.registry import log, registry_of, rewrite_decision, write
from tests.support.world import World

DIGEST = "sha256:" + "1" * 64


def decision(previous: str | None = None, version: int = 1, **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "kind": "promotion",
        "model": "credit",
        "version": version,
        "release": DIGEST,
        "candidate": DIGEST,
        "gate_report": DIGEST,
        "actor": "ml-sre",
        "reason": "",
        "at": "2026-11-22T10:00:00.000Z",
        "alias": "champion",
        "from_version": None,
        "previous": previous,
    }
    return Decision(**{**values, **changes})


def text(*of: Decision) -> list[tuple[int, str]]:
    return [(place, Signed(entry, "none").to_text()) for place, entry in enumerate(of, start=1)]


def chain(length: int) -> list[Decision]:
    entries: list[Decision] = []
    for version in range(1, length + 1):
        entries.append(decision(entries[-1].digest if entries else None, version))
    return entries


def test_an_empty_log_is_sound() -> None:
    assert read_log([], "credit") == Log((), ())


def test_a_chain_is_accepted_whole() -> None:
    entries = chain(5)
    found = read_log(text(*entries), "credit")
    assert [signed.decision for signed in found.accepted] == entries
    assert found.faults == ()
    assert found.head == entries[-1].digest


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_any_interleaving_of_writers_leaves_one_chain_and_no_fault(steps: list[int]) -> None:
    """Each of four writers first reads the head, and at its next turn writes an entry that names what it read."""
    seen: dict[int, str | None] = {}
    written: list[tuple[int, str]] = []
    for turn, writer in enumerate(steps):
        if writer not in seen:
            seen[writer] = read_log(written, "credit").head
        else:
            entry = decision(seen.pop(writer), turn, actor=f"writer-{writer}")
            written.append((len(written) + 1, Signed(entry, "none").to_text()))
    found = read_log(written, "credit")
    assert found.faults == ()
    heads: list[str | None] = [None, *(signed.decision.digest for signed in found.accepted)]
    assert [signed.decision.previous for signed in found.accepted] == heads[:-1]
    assert bool(found.accepted) == bool(written)


@given(st.integers(2, 8), st.data())
def test_a_deleted_entry_is_told(length: int, data: st.DataObject) -> None:
    whole = text(*chain(length))
    gone = data.draw(st.integers(1, length - 1))
    found = read_log([entry for entry in whole if entry[0] != gone], "credit")
    assert [fault.says for fault in found.faults if fault.where == f"credit.decisions/{gone}"] == ["was deleted."]


@given(st.integers(1, 6), st.data())
def test_a_changed_entry_breaks_the_chain_behind_it(length: int, data: st.DataObject) -> None:
    entries = chain(length + 1)
    at = data.draw(st.integers(0, length - 1))
    changed = entries[at].model_copy(update={"reason": "another"})
    found = read_log(text(*entries[:at], changed, *entries[at + 1 :]), "credit")
    assert found.faults
    assert len(found.accepted) == at + 1


@given(st.text())
def test_garbage_is_a_fault_and_never_an_error(garbage: str) -> None:
    found = read_log([(1, garbage), *((place + 1, entry) for place, entry in text(decision()))], "credit")
    assert [fault.where.partition(":")[0] for fault in found.faults][:1] == ["credit.decisions/1"]
    assert len(found.accepted) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(JSON, JSON)
def test_garbage_in_the_form_of_an_entry_is_a_fault(part: Any, signature: Any) -> None:
    found = read_log([(1, json.dumps({"decision": part, "signature": signature}))], "credit")
    assert found.accepted == ()
    assert found.faults


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"at": "2026-99-99T10:00:00Z"}, "month must be in 1..12"),
        ({"model": "other"}, "is about other, not credit"),
        ({"previous": "sha256:" + "2" * 64}, "names a decision before it that is not in the log"),
    ],
)
def test_entries_that_fit_nowhere_are_told(changes: dict[str, Any], says: str) -> None:
    found = read_log(text(decision(**changes)), "credit")
    assert found.accepted == ()
    assert says in str(found.faults[0])


@pytest.mark.parametrize("signature", [3, None, ["x"], "\udc80", "ü"])
def test_a_signature_that_is_none_is_told(signature: Any) -> None:
    value = {"decision": decision().to_value(), "signature": signature}
    found = read_log([(1, json.dumps(value))], "credit")
    assert found.accepted == ()
    assert found.faults


def test_the_same_entry_written_twice_counts_once() -> None:
    first = decision()
    found = read_log(text(first, first), "credit")
    assert len(found.accepted) == 1
    assert found.faults == ()


def test_a_move_that_nobody_may_make_moves_nothing(live: World) -> None:
    """Whoever can write to the registry can append to the chain, but not sign."""
    registry, authority = registry_of(live), authority_of_world(live)
    version = registry.versions("credit")[0]
    head = log(live).head
    forged = Signed(decision(head, 7, at="2026-11-22T10:00:00Z"), "not a signature")
    registry.append_decision("credit", forged.to_text(), version)
    found = log_of(registry, "credit")
    assert found.faults == ()
    assert found.moves("champion")[-1].decision.version == 7
    move = found.move("champion", authority)
    assert move
    assert move.decision.version == 1


def authority_of_world(world: World) -> Authority:
    return authority_of(world.repo, read_manifest(world.repo))


def test_the_second_of_two_who_read_the_same_log_is_refused(live: World) -> None:
    registry, authority = registry_of(live), authority_of_world(live)
    version = registry.versions("credit")[0]
    before = log(live)
    sre = Deciding("ml-sre", "", live.key("ml-sre"))
    risk = Deciding("model-risk", "", live.key("model-risk"))
    append(registry, before, authority, version, "promotion", sre, alias="staging")
    with pytest.raises(Refused, match="Somebody else decided meanwhile") as told:
        append(registry, before, authority, version, "promotion", risk, alias="staging")
    assert "promotion of version 1 by ml-sre" in str(told.value)
    assert [signed.decision.actor for signed in log(live).moves("staging")] == ["ml-sre"]
    assert log(live).faults == ()


def test_an_approval_stands_beside_another_that_came_first(live: World) -> None:
    registry, authority = registry_of(live), authority_of_world(live)
    version = registry.versions("credit")[0]
    before = log(live)
    append(registry, before, authority, version, "approval", Deciding("ml-sre", "", live.key("ml-sre")))
    append_beside_others(
        registry, before, authority, version, "approval", Deciding("model-risk", "", live.key("model-risk"))
    )
    added = log(live).accepted[len(before.accepted) :]
    assert [signed.decision.actor for signed in added] == ["ml-sre", "model-risk"]
    assert log(live).faults == ()


def test_an_approval_gives_way_to_a_refusal_that_came_first(live: World) -> None:
    registry, authority = registry_of(live), authority_of_world(live)
    version = registry.versions("credit")[0]
    before = log(live)
    append(registry, before, authority, version, "refusal", Deciding("ml-sre", "a leak", live.key("ml-sre")))
    with pytest.raises(Refused, match="Somebody else decided meanwhile"):
        append_beside_others(
            registry, before, authority, version, "approval", Deciding("model-risk", "", live.key("model-risk"))
        )
    assert [signed.decision.kind for signed in log(live).accepted[len(before.accepted) :]] == ["refusal"]


def test_a_refusal_stands_beside_whatever_others_did(live: World) -> None:
    registry, authority = registry_of(live), authority_of_world(live)
    version, before = registry.versions("credit")[0], log(live)
    no = Deciding("model-risk", "a leak", live.key("model-risk"))
    sre = Deciding("ml-sre", "", live.key("ml-sre"))
    append(registry, before, authority, version, "promotion", sre, alias="staging")
    append_beside_others(registry, before, authority, version, "refusal", no)
    assert [signed.decision.kind for signed in log(live).accepted[-2:]] == ["promotion", "refusal"]
    with pytest.raises(Refused, match="Somebody else decided meanwhile"):  # the same person, somewhere else
        append_beside_others(registry, before, authority, version, "refusal", no)


@pytest.mark.parametrize("place", [1, 2])
def test_nothing_is_added_to_a_log_that_was_tampered_with(live: World, place: int) -> None:
    live.decide("promote", "credit/1", "ml-sre", "--alias", "staging")
    rewrite_decision(live, place, reason="another")
    registry = registry_of(live)
    with pytest.raises(Refused, match="tampered with"):
        append(
            registry,
            log(live),
            authority_of_world(live),
            registry.versions("credit")[0],
            "approval",
            Deciding("ml-sre", "", live.key("ml-sre")),
        )
    assert len(registry.decisions("credit")) == 3


def test_a_deleted_last_entry_shows_at_the_next(live: World) -> None:
    registry_of(live)._client.delete_model_version("credit.decisions", "2")
    assert log(live).faults == ()
    shutil.rmtree(live.repo / ".vendorkit/seen", ignore_errors=True)
    answer = live.decide("promote", "credit/1", "ml-sre")
    assert answer.code == 1
    assert [fault["says"] for fault in answer.result["faults"]] == ["was deleted."]


def test_a_folder_that_saw_the_last_entry_tells_that_it_was_deleted(live: World) -> None:
    live.ok("releases")
    registry_of(live)._client.delete_model_version("credit.decisions", "2")
    assert live.ok("releases")["releases"][0]["status"] == "suspect"
    answer = live.decide("promote", "credit/1", "ml-sre")
    assert answer.code == 1
    assert "lost the decision that was its last one" in answer.result["faults"][0]["says"]
    with pytest.raises(Refused, match="tampered with"):
        deploy(live.repo, "credit", None, 1)
    assert len(registry_of(live).decisions("credit")) == 1
    shutil.rmtree(live.repo / ".vendorkit/seen")  # as the message says, where it was on purpose
    assert log_of(registry_of(live), "credit", live.repo).faults == ()


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON", '{"head": 3, "at": null}'])
def test_a_memory_that_is_none_remembers_nothing_or_refuses(live: World, text: str) -> None:
    live.ok("releases")
    (file,) = (live.repo / ".vendorkit/seen").iterdir()
    file.write_text(text)
    assert bool(log_of(registry_of(live), "credit", live.repo).faults) == ("head" in text)


def test_another_registry_is_another_memory(live: World) -> None:
    here = Memory(live.repo, registry_of(live), "credit")
    there = Registry(f"sqlite:///{live.repo}/other.db", f"sqlite:///{live.repo}/other.db")
    assert here.path != Memory(live.repo, there, "credit").path
    assert here.path != Memory(live.repo, registry_of(live), "../credit").path


def test_an_emptied_entry_is_a_fault(live: World) -> None:
    write(live, "DELETE FROM model_version_tags WHERE name = 'credit.decisions' AND version = 1")
    assert log(live).faults


def test_no_key_is_known_without_allowed_signers() -> None:
    nobody = Authority({"ml-sre": Member("ml-sre", "ml-sre@bank.example", internal=True)}, " \n")
    assert "missing, empty or a link" in str(decision_fault(Signed(decision(), "x"), nobody))


def signed_at(world: World, at: datetime, previous: str | None, who: str = "ml-sre", **changes: Any) -> Signed:
    entry = decision(previous, actor=who, at=at.strftime("%Y-%m-%dT%H:%M:%SZ"), **changes)
    return Signed(entry, sign(entry.to_bytes(), world.key(who)))


def doubts(world: World, *entries: Signed) -> list[str]:
    authority = authority_of_world(world)
    found = read_log([(place, entry.to_text()) for place, entry in enumerate(entries, start=1)], "credit")
    assert len(found.accepted) == len(entries)
    return [decision_fault(signed, authority) or "" for signed in found.accepted]


NOW = datetime.now(UTC)


def test_a_decision_dated_before_the_one_that_it_follows_does_not_count(frozen: World) -> None:
    first = signed_at(frozen, NOW - timedelta(hours=1), None)
    second = signed_at(frozen, NOW - timedelta(hours=2), first.decision.digest, "model-risk")
    third = signed_at(frozen, NOW, second.decision.digest)
    fine, backdated, last = doubts(frozen, first, second, third)
    assert (fine, last) == ("", "")
    assert "before the promotion that it follows" in backdated


def test_what_does_not_count_casts_no_doubt_on_what_follows(frozen: World) -> None:
    forged = Signed(decision(at="2099-01-01T00:00:00Z"), "not a signature")
    second = signed_at(frozen, NOW, forged.decision.digest)
    found, fine = doubts(frozen, forged, second)
    assert "not an SSH signature" in found
    assert fine == ""


def test_a_decision_of_tomorrow_does_not_count(frozen: World) -> None:
    assert "still to come" in doubts(frozen, signed_at(frozen, NOW + timedelta(days=1), None))[0]
    assert doubts(frozen, signed_at(frozen, NOW + timedelta(minutes=2), None)) == [""]


def test_a_key_counts_for_what_it_signed_before_it_was_revoked(frozen: World, tmp_path: Path) -> None:
    world = frozen.copy(tmp_path / "repo")
    key = " ".join((world.keys / "ml-sre.pub").read_text().split()[:2])
    since = (NOW - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (world.repo / "revoked_keys").write_text(f"# stolen with a laptop\n{since} {key} ml-sre\n")
    before = signed_at(world, NOW - timedelta(hours=2), None)
    after = signed_at(world, NOW - timedelta(minutes=30), before.decision.digest)
    fine, late = doubts(world, before, after)
    assert fine == ""
    assert "revoked" in late
    (world.repo / "revoked_keys").write_text("yesterday ssh-ed25519 AAAA\n2026-11-22 who knows\n")
    with pytest.raises(BadInput) as told:
        authority_of_world(world)
    assert [fault.where for fault in told.value.faults] == ["revoked_keys:1", "revoked_keys:2"]


def test_nobody_decides_after_a_decision_of_the_future(live: World) -> None:
    registry, authority = registry_of(live), authority_of_world(live)
    version = registry.versions("credit")[0]
    risk = Deciding("model-risk", "", live.key("model-risk"))
    soon = signed_at(live, datetime.now(UTC) + timedelta(minutes=2), log(live).head)
    registry.append_decision("credit", soon.to_text(), version)
    done = append(registry, log(live), authority, version, "approval", risk)
    assert done.decision.at == soon.decision.at
    later = signed_at(live, NOW + timedelta(days=1), log(live).head)
    registry.append_decision("credit", later.to_text(), version)
    with pytest.raises(Refused, match="dated in the future"):
        append(registry, log(live), authority, version, "approval", risk)


def test_a_log_until_a_moment() -> None:
    first = decision(at="2026-11-01T00:00:00Z")
    second = decision(first.digest, 2, at="2026-11-02T00:00:00Z")
    found = read_log(text(first, second), "credit")
    assert [signed.decision.version for signed in found.until(datetime(2026, 11, 1, 12, tzinfo=UTC)).accepted] == [1]
