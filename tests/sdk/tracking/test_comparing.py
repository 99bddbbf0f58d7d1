"""What counts as a difference between a candidate and its rebuild."""

from __future__ import annotations

from typing import Any

import pytest
from vendorkit.records.gate_report import GateReport, GateResult
from vendorkit.records.manifest.judging import Reproduce, Stochastic
from vendorkit.records.reproduction import Difference
from vendorkit.records.run import Artifact, Environment
from vendorkit.tracking import comparing

DIGESTS = [f"sha256:{number:064x}" for number in range(4)]


def result(
    gate: str, value: float | str | None, metric: str | None = "roc_auc", kind: str = "performance"
) -> GateResult:
    return GateResult(id=gate, kind=kind, verdict="pass", claim="c", says="s", metric=metric, value=value)


def report(*results: GateResult) -> GateReport:
    return GateReport(
        candidate=DIGESTS[0],
        model="credit",
        against=None,
        benchmarks=(),
        limits=DIGESTS[1],
        results=results,
        passed=True,
        asked_at="2026-11-20T10:00:00Z",
    )


def declared(tolerance: dict[str, float] | None = None, *stages: tuple[str, str]) -> Reproduce:
    stochastic = [Stochastic(stage=name, why="threads", bound=bound, accepted_by="ml-sre") for name, bound in stages]
    return Reproduce(command="c", lockfile="uv.lock", seed=1, tolerance=tolerance or {}, stochastic=tuple(stochastic))


@pytest.mark.parametrize(
    ("rebuilt", "given", "ok"),
    [
        (0.7650, None, True),
        (0.7651, None, False),
        (0.7655, declared({"roc_auc": 0.0005}), True),
        (0.7645, declared({"roc_auc": 0.0005}), True),
        (0.7656, declared({"roc_auc": 0.0005}), False),
        (0.7612, declared({"g-auc": 0.004}), True),
        (0.7655, declared({}, ("train", "roc_auc +-0.0005")), True),
        (0.7656, declared({"roc_auc": 0.0001}, ("train", "roc_auc ±0.0005, brier +/-1e-4")), False),
        (0.7651, declared({}, ("train", "hardly at all")), False),
        (float("inf"), declared({"roc_auc": 0.5}), False),
    ],
)
def test_a_metric_is_ok_within_its_tolerance(rebuilt: float, given: Reproduce | None, ok: bool) -> None:
    (metric,) = comparing.compared(report(result("g-auc", 0.7650)), report(result("g-auc", rebuilt)), given)
    assert (metric.name, metric.recorded, metric.rebuilt, metric.ok) == ("roc_auc", 0.7650, rebuilt, ok)
    assert len(comparing.metric_differences([metric])) == (0 if ok else 1)


def test_bounds_of_a_stage_are_read_where_they_are_numbers() -> None:
    stage = declared({}, ("train", "roc_auc +-0.0005, brier ±1e-4; rank_reversals about 2 %")).stochastic[0]
    assert comparing.bounds(stage) == [("roc_auc", 0.0005), ("brier", 1e-4)]


def test_gates_of_one_metric_are_named_by_their_ids_and_times_are_left_out() -> None:
    recorded = report(
        result("g-old", 0.7),
        result("g-new", 0.8),
        result("g-fast", 12.0, "p99_ms", "latency"),
        result("g-same", DIGESTS[0], None, "determinism"),
        result("g-broken", None, "brier"),
    )
    rebuilt = report(result("g-old", 0.7))
    found = {metric.name: metric for metric in comparing.compared(recorded, rebuilt, None)}
    assert {name: metric.ok for name, metric in found.items()} == {"g-old": True, "g-new": False}
    (difference,) = comparing.metric_differences(list(found.values()))
    assert difference.says == "could not be measured, recorded 0.8."


def test_sources_that_are_missing_new_or_changed_are_named() -> None:
    def files(**digests: str) -> list[Artifact]:
        return [Artifact(path=path, bytes=1, digest=digest) for path, digest in digests.items()]

    found = comparing.code_differences(files(a=DIGESTS[0], b=DIGESTS[1]), files(b=DIGESTS[2], c=DIGESTS[0]))
    assert [(difference.part, difference.where) for difference in found] == [("code", name) for name in "abc"]
    assert comparing.code_differences(files(a=DIGESTS[0]), files(a=DIGESTS[0])) == []


def test_an_environment_differs_by_lock_python_and_platform() -> None:
    values: dict[str, Any] = {"id": DIGESTS[0], "lock": DIGESTS[1], "python": "CPython 3.11.7", "platform": "linux"}
    recorded = Environment(**values)
    assert comparing.environment_differences(recorded, recorded) == []
    other = Environment(**{**values, "id": DIGESTS[2], "lock": None, "python": "CPython 3.12.1"})
    found = comparing.environment_differences(recorded, other)
    assert [difference.where for difference in found] == ["lock", "python"]
    assert found[1].says == "is CPython 3.12.1, recorded CPython 3.11.7."


def test_a_prepared_table_must_repeat_unless_its_stage_is_declared() -> None:
    same = comparing.prepare_differences(DIGESTS[0], DIGESTS[0], None)
    other = comparing.prepare_differences(DIGESTS[0], DIGESTS[1], declared({}, ("train", "x")))
    allowed = comparing.prepare_differences(DIGESTS[0], DIGESTS[1], declared({}, ("prepare", "row order")))
    assert (same, allowed) == ([], [])
    assert [difference.part for difference in other] == ["prepare"]


def test_causes_stand_before_effects() -> None:
    parts = ("metrics", "seed", "data", "environment", "code")
    given = [Difference(part=part, where="w", says="s") for part in parts]
    ordered = [difference.part for difference in comparing.in_order(given)]
    assert ordered == ["data", "code", "environment", "seed", "metrics"]
