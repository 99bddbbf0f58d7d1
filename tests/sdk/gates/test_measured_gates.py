"""Gates with a measurement of their own: each passes, fails, and is an error where it could not be measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vendorkit.gates import GATES, Evidence, ask_all
from vendorkit.gates.base import Measured
from vendorkit.gates.business import FIGURES as BUSINESS
from vendorkit.gates.data import FIGURES as DATA
from vendorkit.records.gate_report import Cell, GateResult, Timing
from vendorkit.tracking.counting import COUNTS
from vendorkit.tracking.measures import MEASURES
from vendorkit.tracking.plan import MEASURED_KINDS
from vendorkit.tracking.rules import RULES

Spec = Callable[..., Any]

KINDS: dict[str, dict[str, Any]] = {
    "latency": {"metric": "p99_ms"},
    "memory": {"metric": "rss_mb"},
    "business": {"metric": "approved_known_fraud"},
    "data": {"metric": "shared_rows"},
    "determinism": {"metric": "score_difference"},
}


def ask(
    spec: Any, found: Measured | str, current: Measured | None = None, exception: str = "accepted by model-risk"
) -> GateResult:
    before = None if current is None else {spec.id: current}
    evidence = Evidence("binary", {}, measured={spec.id: found}, measured_current=before, exception=exception)
    (result,) = ask_all([spec], evidence)
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("value", "verdict"), [(1.5, "pass"), (2.0, "pass"), (2.1, "fail")])
def test_a_value_is_held_against_its_limit(spec: Spec, kind: str, value: float, verdict: str) -> None:
    given = spec(kind=kind, max=2.0, says="Claim", **KINDS[kind])
    result = ask(given, Measured({given.metric: value}, 250, "More."))
    assert (result.verdict, result.value, result.n) == (verdict, value, 250)
    assert result.limit is not None
    assert result.limit.startswith("at most 2")
    assert f"{given.metric} is {value:g}" in result.says
    assert "More." in result.says


@pytest.mark.parametrize("kind", KINDS)
def test_what_could_not_be_measured_is_an_error(spec: Spec, kind: str) -> None:
    given = spec(kind=kind, max=2.0, **KINDS[kind])
    result = ask(given, "predict() raised ZeroDivisionError")
    assert result.verdict == "error"
    assert "predict() raised ZeroDivisionError." in result.says
    assert ask_all([given], Evidence("binary", {}, exception="x"))[0].verdict == "error"
    assert ask(given, Measured({"other": 1.0}, 5)).verdict == "error"
    assert ask(given, Measured({given.metric: float("nan")}, 5)).verdict == "error"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown metric": ({"kind": "latency", "metric": "p42_ms", "max": 1}, "'p42_ms' is not one of: p50_ms"),
    "no metric": ({"kind": "memory", "metric": None, "max": 1}, "`metric` is missing"),
    "no limit": ({"kind": "latency", "metric": "p50_ms"}, "no limit is declared"),
    "limits that cross": ({"kind": "data", "metric": "shared_rows", "min": 2, "max": 1}, "no value is at least 2"),
    "a limit that is no number": ({"kind": "latency", "metric": "p50_ms", "max": float("nan")}, "give a number"),
    "a key that is ignored": ({"kind": "memory", "metric": "rss_mb", "max": 1, "slice": "age"}, "not look at slice"),
    "a key that is needed": ({"kind": "business", "metric": "breaks_rising", "max": 0}, "needs `slice`"),
    "a bound that nobody accepted": ({"kind": "determinism", "metric": "score_difference", "max": 0.1}, "stochastic"),
    "no bound": ({"kind": "determinism", "metric": "score_difference"}, "`max` is missing"),
    "a bound below zero": ({"kind": "determinism", "metric": "score_difference", "max": -1}, "set 0, or the bound"),
    "a bound at the wrong end": ({"kind": "determinism", "metric": "score_difference", "min": 0}, "no limit"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "why"), WRONG.values(), ids=WRONG.keys())
def test_a_question_that_makes_no_sense_is_an_error(spec: Spec, given: dict[str, Any], why: str) -> None:
    result = ask(spec(**given), Measured({str(given["metric"]): 1.0}, 9), exception="")
    assert result.verdict == "error"
    assert why in result.says


def test_too_few_rows_decide_nothing(spec: Spec) -> None:
    given = spec(kind="business", metric="approved_known_fraud", max=0, min_rows=30)
    few = ask(given, Measured({"approved_known_fraud": 0.0}, 29))
    assert few.verdict == "error"
    assert "it rests on 29 rows, and at least 30 are needed" in few.says
    assert ask(given, Measured({"approved_known_fraud": 0.0}, 30)).verdict == "pass"
    none = spec(kind="business", metric="approved_known_fraud", max=0)
    assert ask(none, Measured({"approved_known_fraud": 0.0}, 0)).verdict == "error"


def test_the_live_version_sets_a_limit_too(spec: Spec) -> None:
    given = spec(kind="latency", metric="p99_ms", max=100, max_drop_vs_current=5)
    slower = ask(given, Measured({"p99_ms": 30.0}, 200), Measured({"p99_ms": 20.0}, 200))
    assert (slower.verdict, slower.previous) == ("fail", 20.0)
    assert "at most 5 worse than the live version's 20 ms" in slower.says
    assert ask(given, Measured({"p99_ms": 24.0}, 200), Measured({"p99_ms": 20.0}, 200)).verdict == "pass"
    assert ask(given, Measured({"p99_ms": 24.0}, 200)).verdict == "pass", "nothing is live"


def test_cells_timings_and_an_accepted_exception_are_handed_on(spec: Spec) -> None:
    timing = Timing(rows=1, runs=200, p50_ms=1, p95_ms=2, p99_ms=3, spread_ms=0.5)
    cells = (Cell(name="a", n=9, value=0, verdict="pass"), Cell(name="b", n=9, value=4, verdict="fail"))
    found = Measured({"p99_ms": 3.0}, 200, cells=cells, timings=(timing,), notes=("see this",))
    result = ask(spec(kind="latency", metric="p99_ms", max=5), found)
    assert [cell.name for cell in result.cells] == ["b", "a"]
    assert (result.timings, result.notes) == ((timing,), ("see this",))
    bound = ask(spec(kind="determinism", metric="score_difference", max=0.1), Measured({"score_difference": 0.05}, 9))
    assert (bound.verdict, bound.notes) == ("pass", ("accepted by model-risk",))


def test_training_that_repeats_exactly_needs_no_exception(spec: Spec) -> None:
    given = spec(kind="determinism", metric="score_difference", max=0)
    for exception in ("", "accepted by model-risk"):
        same = ask(given, Measured({"score_difference": 0.0}, 9), exception=exception)
        assert (same.verdict, same.notes) == ("pass", ())
    assert ask(given, Measured({"score_difference": 1e-9}, 9), exception="").verdict == "fail"


def test_a_rule_of_the_vendors_shows_where_it_comes_from(spec: Spec) -> None:
    given = spec(kind="business", metric="declined", code="rules:declined", max=0)
    result = ask(given, Measured({"declined": 0.0}, 9))
    assert (result.verdict, result.origin) == ("pass", "vendor")
    assert ask(spec(kind="business", metric=None, code="rules:declined", max=0), Measured({}, 9)).verdict == "error"


def test_what_is_described_is_what_can_be_measured() -> None:
    assert set(BUSINESS) == {*RULES, "rank_reversals"}
    assert set(DATA) == set(COUNTS)
    assert set(MEASURED_KINDS) <= set(MEASURES) & set(GATES)
