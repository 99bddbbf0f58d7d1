"""One run with a gate of each kind, on the real pipeline: what passes, what fails, what could not be decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vendorkit.adapters.store import Store
from vendorkit.records.gate_report import GateReport, GateResult

from tests.support.engagement import manifest_bytes, minimal_manifest
from tests.support.world import TEMPLATE, World

RULES = """
def costs_more_to_lend_more(rows, scores):
    return rows["credit_amount"].corr(scores) < 0


def hangs_up(rows, scores):
    import os
    os._exit(3)
"""
STRESS = "def stress(rows):\n    return rows.assign(credit_amount=rows['credit_amount'] * 2)\n"
ON = {"benchmark": "holdout"}


def declared(kind: str, metric: str | None, **given: Any) -> dict[str, Any]:
    return {"kind": kind, "says": f"Asks for {metric}", **({"metric": metric} if metric else {}), **given}


PASSING = {
    "p99": declared("latency", "p99_ms", **ON, max=60_000, max_drop_vs_current=60_000),
    "p50-of-100": declared("latency", "p50_ms_of_100", **ON, max=60_000),
    "service": declared("latency", "p99_ms", **ON, max=60_000, through="service"),
    "service-100": declared("latency", "p50_ms_of_100", **ON, max=60_000, through="service"),
    "memory": declared("memory", "rss_mb", **ON, max=4_000),
    "rising": declared("business", "breaks_rising", **ON, slice="duration_in_month", max=0),
    "stress": declared("business", "rank_reversals", benchmark="dear-loans", max=0.2),
    "own": declared("business", "cheaper", **ON, code="rules:costs_more_to_lend_more", max=0),
    "contract": declared("data", "contract_violations", max=0),
    "leak": declared("data", "shared_rows", **ON, max=0),
    "twice": declared("determinism", "score_difference", **ON, max=0),
}
FAILING = {
    "slow": declared("latency", "p50_ms", **ON, max=0.0001),
    "slow-service": declared("latency", "p50_ms", **ON, max=0.0001, through="service"),
    "large": declared("memory", "rss_mb", **ON, max=1),
    "approves": declared("business", "approved_known_fraud", **ON, max=0),
    "few-bad": declared("data", "label_balance", **ON, min=0.9),
}
UNDECIDED = {
    "dies": declared("business", "own", **ON, code="rules:hangs_up", max=0),
    "no-rule": declared("business", "own", **ON, code="rules:gone", max=0),
    "no-column": declared("business", "swap_change", **ON, slice="colour", max=0),
    "no-time": declared("data", "time_overlap", **ON, slice="age_in_years", max=0),
}


@pytest.fixture(scope="module")
def report(gated: World, tmp_path_factory: pytest.TempPathFactory) -> GateReport:
    world = gated.copy(tmp_path_factory.mktemp("kinds") / "repo")
    value = minimal_manifest()
    value["benchmarks"].append({"id": "dear-loans", "kind": "stress", "path": "benchmarks/stress.py"})
    value["gates"] += [{"id": name, **gate} for name, gate in {**PASSING, **FAILING, **UNDECIDED}.items()]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    (world.repo / "benchmarks/stress.py").write_text(STRESS)
    (world.repo / "models/credit/rules.py").write_text(RULES)
    contract = next((TEMPLATE / "data").glob("*applications.odcs.yaml*")).read_text()
    (world.repo / "data/applications.odcs.yaml").write_text(contract.replace("{{ engagement_id }}", "acme"))
    world.commit()
    world.ok("train")
    assert world.run("gate").code == 1
    found = Store(world.repo).report(Store(world.repo).candidate(None).digest)
    assert found is not None
    return found


def result(report: GateReport, name: str) -> GateResult:
    return next(result for result in report.results if result.id == name)


@pytest.mark.parametrize("name", PASSING)
def test_passes(report: GateReport, name: str) -> None:
    assert result(report, name).verdict == "pass", result(report, name).says


@pytest.mark.parametrize("name", FAILING)
def test_fails(report: GateReport, name: str) -> None:
    assert result(report, name).verdict == "fail", result(report, name).says
    assert result(report, name).says.endswith("Not good enough to ship.")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dies", "gave no answer (exit code 3)"),
        ("no-rule", "is missing; it takes (rows, scores)"),
        ("no-column", "colour is no feature of the model"),
        ("no-time", "expected a date or a time"),
    ],
)
def test_cannot_be_decided(report: GateReport, name: str, why: str) -> None:
    assert result(report, name).verdict == "error"
    assert why in result(report, name).says


def test_what_is_told_besides(report: GateReport) -> None:
    (one,), (many,) = result(report, "p99").timings, result(report, "p50-of-100").timings
    assert (one.rows, many.rows) == (1, 100)
    assert 0 < one.p50_ms <= one.p95_ms <= one.p99_ms
    assert one.runs >= 60
    (whole,), (hundred,) = result(report, "service").timings, result(report, "service-100").timings
    assert (one.through, whole.through, hundred.through, hundred.rows) == ("predict", "service", "service", 100)
    assert 0 < whole.p50_ms <= whole.p95_ms <= whole.p99_ms
    assert whole.runs >= 60
    assert "Asked through the service, over HTTP" in result(report, "service").says
    assert result(report, "own").origin == "vendor"
    assert result(report, "memory").n == 250
    assert len(result(report, "contract").cells) > 20
    assert "applications: credit_amount is at least 0" in {cell.name for cell in result(report, "contract").cells}


def test_benchmarks_are_pinned_and_their_scores_counted(report: GateReport) -> None:
    holdout, stress = report.benchmarks
    assert (holdout.id, holdout.kind, stress.id, stress.kind) == ("holdout", "frozen", "dear-loans", "stress")
    assert holdout.scores is not None
    assert sum(holdout.scores.negatives) + sum(holdout.scores.positives) == 250
    assert len(holdout.scores.edges) == 51
    assert holdout.current is None
    assert stress.content_digest != holdout.content_digest


def test_a_benchmark_of_another_kind_has_another_digest(world: World) -> None:
    value = minimal_manifest()
    value["benchmarks"].append({"id": "dear-loans", "kind": "stress", "path": "benchmarks/stress.py"})
    value["gates"] = [{"id": "stress", **PASSING["stress"]}]
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    digests = []
    for factor in ("2", "3"):
        (world.repo / "benchmarks/stress.py").write_text(STRESS.replace("* 2", f"* {factor}"))
        assert world.run("gate").code == 0
        found = Store(world.repo).report(Store(world.repo).candidate(None).digest)
        assert found is not None
        digests += [use.content_digest for use in found.benchmarks]
    assert len(set(digests)) == 2
    Path(world.repo / "benchmarks/stress.py").unlink()
    answer = world.run("gate")
    assert (answer.code, "does not exist" in answer.out) == (2, True)
    (world.repo / "benchmarks/stress.py").write_text(STRESS)
    value["datasets"].append({**value["datasets"][0], "id": "others"})
    value["benchmarks"][-1]["dataset"] = "others"
    (world.repo / "engagement.yaml").write_bytes(manifest_bytes(**value))
    answer = world.run("gate")
    assert (answer.code, "was not trained with" in answer.out) == (2, True)
