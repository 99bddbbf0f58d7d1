"""Approvals: whose yes counts, whose no stands, and what nobody can talk around."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.signatures import sign
from vendorkit.errors import Refused
from vendorkit.records.base import now
from vendorkit.records.decision import ApprovalRule, Decision
from vendorkit.standards.policy import approval_rule, packaged_policy
from vendorkit.steps.deploy import deploy
from vendorkit.trust.approvals import standing
from vendorkit.trust.log import Signed
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import Subject

from tests.support.registry import log, registry_of, rewrite_decision
from tests.support.world import World


@pytest.fixture
def published(world: World) -> World:
    world.ok("publish")
    return world


def authority(world: World) -> Authority:
    manifest = read_manifest(world.repo)
    return authority_of(world.repo, manifest, approval_rule(manifest))


def subject(world: World) -> Subject:
    version = registry_of(world).versions("credit")[0]
    tags = version.tags
    return Subject(
        version.name, tags["release"], tags["candidate"], tags["gate_report"], frozenset({"ml@acme.example"})
    )


def faults(world: World) -> list[str]:
    return [str(fault) for fault in standing(subject(world), log(world), authority(world)).faults]


def sneak_in(world: World, who: str, key: str, **changes: Any) -> None:
    """Write a signed approval into the log past the rules of `approve`."""
    registry = registry_of(world)
    version, of = registry.versions("credit")[0], subject(world)
    values: dict[str, Any] = {
        "kind": "approval",
        "model": "credit",
        "version": version.number,
        "release": of.release,
        "candidate": of.candidate,
        "gate_report": of.gate_report,
        "actor": who,
        "reason": "",
        "at": now(),
        "alias": None,
        "from_version": None,
        "previous": log(world).head,
    }
    decision = Decision(**{**values, **changes})
    signed = Signed(decision, sign(decision.to_bytes(), world.key(key)))
    registry.append_decision("credit", signed.to_text(), version)


def test_nobody_has_approved_yet(published: World) -> None:
    assert faults(published) == ["credit/1: has no approval by an internal person who did not make it."]


def test_one_yes_of_an_internal_person_is_enough(published: World) -> None:
    assert published.decide("approve", "credit/1", "model-risk").code == 0
    found = standing(subject(published), log(published), authority(published))
    assert [signed.decision.actor for signed in found.approvals] == ["model-risk"]
    assert found.faults == ()


def test_a_no_stands_until_the_same_person_says_yes(published: World) -> None:
    published.decide("approve", "credit/1", "ml-sre")
    assert published.decide("refuse", "credit/1", "model-risk", "--reason", "unfair").code == 0
    assert faults(published) == ["refusal by model-risk: stands: unfair"]
    refused = published.decide("promote", "credit/1", "ml-sre")
    assert refused.code == 1
    assert refused.result["faults"] == [{"where": "refusal by model-risk", "says": "stands: unfair", "fix": ""}]
    assert published.decide("approve", "credit/1", "model-ops-lead").code == 0
    assert published.decide("promote", "credit/1", "ml-sre").code == 1
    assert published.decide("approve", "credit/1", "model-risk").code == 0
    assert faults(published) == []
    assert published.decide("promote", "credit/1", "ml-sre").code == 0


def test_a_spoiled_no_still_stands(published: World) -> None:
    published.decide("approve", "credit/1", "ml-sre")
    published.decide("refuse", "credit/1", "model-risk", "--reason", "unfair")
    rewrite_decision(published, 2, reason="never mind")
    assert "refusal by model-risk: stands: never mind (its signature does not count" in faults(published)[0]


@pytest.mark.parametrize(
    ("who", "key", "changes", "says"),
    [
        ("vendor-ml", "vendor-ml", {}, "vendor-ml made this release"),
        ("vendor-data", "vendor-data", {}, "vendor-data works for the vendor"),
        ("model-risk", "vendor-ml", {}, "no key of model-risk@bank.example that was valid then"),
        ("model-risk", "stranger", {}, "no key of model-risk@bank.example that was valid then"),
        ("somebody", "stranger", {}, "is not among the people"),
        ("model-risk", "model-risk", {"candidate": "sha256:" + "0" * 64}, "about other bytes"),
        ("model-risk", "model-risk", {"gate_report": "sha256:" + "0" * 64}, "about other bytes"),
    ],
)
def test_a_yes_past_the_rules_does_not_count(
    published: World, who: str, key: str, changes: dict[str, Any], says: str
) -> None:
    sneak_in(published, who, key, **changes)
    assert log(published).faults == ()
    assert f"approval by {who}: does not count" in faults(published)[1]
    assert says in faults(published)[1]
    assert published.decide("promote", "credit/1", "ml-sre").code == 1


def test_a_yes_to_another_release_is_none_to_this(published: World) -> None:
    sneak_in(published, "model-risk", "model-risk", release="sha256:" + "0" * 64)
    assert faults(published) == ["credit/1: has no approval by an internal person who did not make it."]


def test_the_last_word_of_a_person_counts(published: World) -> None:
    published.decide("approve", "credit/1", "model-risk")
    published.decide("refuse", "credit/1", "model-risk", "--reason", "second thoughts")
    assert "stands: second thoughts" in faults(published)[-1]


@pytest.mark.parametrize("field", ["reason", "actor", "at", "version"])
def test_a_changed_record_does_not_count(published: World, field: str) -> None:
    published.decide("approve", "credit/1", "model-risk", "--reason", "read it all")
    changed = {"reason": "read nothing", "actor": "model-ops-lead", "at": "2026-01-01T00:00:00Z", "version": 2}
    rewrite_decision(published, 1, **{field: changed[field]})
    assert "does not count: something else was signed, not this" in faults(published)[1]
    assert published.decide("promote", "credit/1", "ml-sre").code == 1


def test_who_left_the_manifest_counts_no_more(live: World) -> None:
    assert faults(live) == []
    text = (live.repo / "engagement.yaml").read_text()
    (live.repo / "engagement.yaml").write_text(text.replace("model-risk", "risk-office"))
    assert "model-risk is not among the people of engagement.yaml" in faults(live)[1]
    assert live.decide("promote", "credit/1", "ml-sre", "--alias", "staging").code == 1


@pytest.mark.parametrize("change", ["gone", "empty", "link", "no text"])
def test_without_allowed_signers_nobody_counts(live: World, change: str) -> None:
    signers = live.repo / "allowed_signers"
    kept = signers.rename(live.repo / "elsewhere")
    if change == "empty":
        signers.write_text("")
    elif change == "link":
        signers.symlink_to(kept)
    elif change == "no text":
        signers.write_bytes(b"\xff\xfe\x00" * 9)
    assert "approval by model-risk: does not count" in faults(live)[1]
    answer = live.decide("approve", "credit/1", "ml-sre")
    assert answer.code == 1, answer.out
    assert live.decide("promote", "credit/1", "ml-sre", "--alias", "staging").code == 1


def test_the_pack_says_how_many_by_tier(published: World) -> None:
    policy = packaged_policy()
    assert [policy.approval_rule(tier).approvals for tier in ("low", "medium", "high")] == [1, 1, 2]
    assert policy.approval_rule("high").roles == ("model-risk",)
    assert policy.model_copy(update={"approvals": {}}).approval_rule("low") == policy.approval_rule("high")


def test_a_high_tier_needs_two_people_and_model_risk(published: World) -> None:
    published.declare(tier="high", operations=True)
    first = published.decide("approve", "credit/1", "ml-sre")
    assert first.code == 0, first.out
    two, role = first.result["missing"]
    assert "has 1 of 2 approvals (ml-sre) that tier high needs" in two
    assert "has no approval by somebody with role model-risk, which tier high needs; can give it: model-risk." in role
    text = published.run("approve", "credit/1", "--key", str(published.key("ml-sre")), who="ml-sre", as_json=False).out
    assert "It cannot be promoted yet:" in text
    assert published.decide("approve", "credit/1", "model-ops-lead").result["missing"] == [role]
    refused = published.decide("promote", "credit/1", "ml-sre")
    assert [fault["says"] for fault in refused.result["faults"]] == [role.removeprefix("credit/1: ")]
    with pytest.raises(Refused, match="role model-risk"):
        deploy(published.repo, "credit", None, 1)
    assert published.decide("approve", "credit/1", "model-risk").result["missing"] == []
    assert published.decide("promote", "credit/1", "ml-sre").code == 0


def test_model_risk_alone_is_one_of_two(published: World) -> None:
    published.decide("approve", "credit/1", "model-risk")
    high = replace(authority(published), rule=packaged_policy().approval_rule("high"), tier="high")
    found = standing(subject(published), log(published), high)
    assert len(found.approvals) == 1
    assert "has 1 of 2 approvals (model-risk)" in str(found.faults)


def test_two_people_with_one_key_are_one(published: World) -> None:
    published.decide("approve", "credit/1", "ml-sre")
    known = authority(published)
    key = (published.key("ml-sre").with_suffix(".pub")).read_text().split()[:2]
    shared = replace(known, signers=f"*@bank.example {' '.join(key)}\n", rule=ApprovalRule(approvals=2))
    sneak_in(published, "model-risk", "ml-sre")
    found = standing(subject(published), log(published), shared)
    assert [signed.decision.actor for signed in found.approvals] == ["ml-sre", "model-risk"]
    assert "has 1 of 2 approvals (ml-sre, model-risk)" in str(found.missing)
    assert "signed with one key" in str(found.missing)


def test_one_person_under_two_ids_is_one(published: World) -> None:
    published.decide("approve", "credit/1", "ml-sre")
    published.decide("approve", "credit/1", "model-ops-lead")
    known = authority(published)
    same = replace(known.people["model-ops-lead"], email=known.people["ml-sre"].email)
    signers = known.signers.replace("model-ops@bank.example", "ml-sre@bank.example")
    rule = ApprovalRule(approvals=2)
    both = replace(known, rule=rule)
    assert standing(subject(published), log(published), both).faults == ()
    one = replace(known, people={**known.people, "model-ops-lead": same}, signers=signers, rule=rule)
    assert "has 1 of 2 approvals" in str(standing(subject(published), log(published), one).faults)
