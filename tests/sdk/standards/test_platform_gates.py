"""Gates of the platform: of whom they are asked, under which id, and that no repository gets around them."""

from __future__ import annotations

from typing import Any

import pytest
from vendorkit.errors import BadInput
from vendorkit.gates import Evidence, ask_all
from vendorkit.records.manifest import Manifest
from vendorkit.standards.policy import Policy, load_policy, packaged_policy

from tests.support.engagement import delivery, manifest, minimal_manifest

PACK = """
name: platform-standards
version: "2026.11"
minimum: "2026.06"
checks: {}
asks:
  - benchmark_kind: frozen
    gate: {id: held-back, kind: data, metric: shared_rows, max: 0, says: "Judged on rows that it did not learn from"}
  - {tiers: [medium, high], tasks: [binary], gate: {id: same, kind: determinism, says: "Always the same features"}}
"""


def pack(text: str = PACK) -> Policy:
    return load_policy(text.encode(), "pack.yaml")


def ids(policy: Policy, declared: Manifest) -> list[str]:
    return [gate.id for gate in policy.gates_for(declared, "credit") if gate.origin == "platform"]


def of_tier(tier: str, **changes: Any) -> Manifest:
    return manifest(engagement={**minimal_manifest()["engagement"], "risk_tier": tier}, **changes)


def test_they_are_asked_of_each_benchmark_of_a_kind_after_those_of_the_manifest() -> None:
    value = minimal_manifest()
    more = [{**value["benchmarks"][0], "id": name, "kind": kind, "path": f"benchmarks/{name}.lock.json"}
            for name, kind in (("later", "frozen"), ("crisis", "historical"))]  # fmt: skip
    gates = pack().gates_for(manifest(benchmarks=[*value["benchmarks"], *more]), "credit")
    asked = ["platform/held-back/holdout", "platform/held-back/later", "platform/same"]
    assert [gate.id for gate in gates] == [*(gate["id"] for gate in value["gates"]), *asked]
    assert [(gate.benchmark, gate.metric, gate.max) for gate in gates[-3:-1]] == [
        ("holdout", "shared_rows", 0.0),
        ("later", "shared_rows", 0.0),
    ]


def test_tier_and_task_decide_of_whom() -> None:
    assert ids(pack(), of_tier("low")) == ["platform/held-back/holdout"]
    surface = {**minimal_manifest()["surfaces"][0], "task": "regression"}
    assert ids(pack(), of_tier("high", surfaces=[surface])) == ["platform/held-back/holdout"]


def test_a_benchmark_of_data_that_the_model_has_not_read_is_not_its() -> None:
    value = minimal_manifest()
    datasets = [*value["datasets"], {**value["datasets"][0], "id": "other", "pointer": "data/other.lock.json"}]
    theirs = {**value["benchmarks"][0], "id": "theirs", "dataset": "other", "path": "benchmarks/theirs.lock.json"}
    declared = of_tier("low", datasets=datasets, benchmarks=[*value["benchmarks"], theirs])
    assert ids(pack(), declared) == ["platform/held-back/holdout"]
    late = delivery()
    late["engagement"]["risk_tier"] = "low"
    assert ids(pack(), manifest(datasets=datasets, benchmarks=[theirs], gates=[], **late)) == ["platform/held-back"]


def test_without_a_benchmark_of_the_kind_it_is_an_error_once_benchmarks_are_owed() -> None:
    other = [{**minimal_manifest()["benchmarks"][0], "kind": "historical"}]
    assert ids(pack(), manifest(benchmarks=other)) == ["platform/same"], "not owed at kickoff"
    late = pack().gates_for(manifest(benchmarks=other, **delivery()), "credit")
    (result,) = ask_all([gate for gate in late if gate.kind == "data"], Evidence("binary", {}))
    assert (result.id, result.verdict, result.origin) == ("platform/held-back", "error", "platform")
    assert "asks this of a frozen benchmark, and none is declared" in result.says


def test_a_repository_neither_replaces_one_nor_takes_its_name() -> None:
    own = {"kind": "data", "metric": "shared_rows", "max": 9999, "says": "Shares some rows", "benchmark": "holdout"}
    declared = manifest(gates=[{**own, "id": "held-back"}])
    limits = {gate.id: gate.max for gate in pack().gates_for(declared, "credit")}
    assert limits == {"held-back": 9999.0, "platform/held-back/holdout": 0.0, "platform/same": None}
    with pytest.raises(BadInput, match="platform/held-back/holdout"):
        manifest(gates=[{**own, "id": "platform/held-back/holdout"}])
    for key, value in (("asks", []), ("benchmark_kind", "stress")):
        with pytest.raises(BadInput):
            manifest(gates=[{**own, "id": "held-back", key: value}])


UNFIT = {
    "a benchmark of one engagement": ("max: 0,", "max: 0, benchmark: holdout,", "`benchmark` belongs to one"),
    "code of one engagement": ("max: 0,", "max: 0, code: 'rules:mine',", "`code` belongs to one"),
    "no limit": ("max: 0,", "", "it has no limit"),
    "no metric": ("metric: shared_rows,", "", "it has no `metric`"),
    "no kind of benchmark": ("kind: data, metric: shared_rows", "kind: latency, metric: p99_ms", "is missing"),
    "an unknown tier": ("[medium, high]", "[medium, extreme]", "extreme"),
}


@pytest.mark.parametrize(("old", "new", "why"), UNFIT.values(), ids=UNFIT.keys())
def test_a_gate_that_cannot_be_asked_of_everybody_is_refused(old: str, new: str, why: str) -> None:
    text = PACK.replace("benchmark_kind: frozen", "tasks: [binary]") if why == "is missing" else PACK
    with pytest.raises(BadInput) as caught:
        pack(text.replace(old, new))
    said = str(caught.value)
    assert "asks[" in said
    assert why in said or why == "extreme"


def test_the_packaged_policy_asks_a_high_tier_for_rows_held_back() -> None:
    assert ids(packaged_policy(), of_tier("high")) == ["platform/held-back/holdout"]
    assert ids(packaged_policy(), of_tier("medium")) == []
