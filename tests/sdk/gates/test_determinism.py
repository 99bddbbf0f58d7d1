"""The determinism gate: equal digests pass, others fail, too few are no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vendorkit.gates import Evidence, ask_all
from vendorkit.records.gate_report import GateResult

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.fixture
def ask(spec: Callable[..., Any]) -> Callable[..., GateResult]:
    def make(prepared: tuple[str, ...] | str, **given: Any) -> GateResult:
        said = {"id": "g-same", "kind": "determinism", "benchmark": None, "metric": None}
        asked = spec(**{**said, "says": "The same data gives the same features", **given})
        return ask_all([asked], Evidence(task="binary", candidate={}, prepared=prepared))[0]

    return make


def test_the_same_table_every_time(ask: Callable[..., GateResult]) -> None:
    result = ask((A, A, A))
    assert (result.verdict, result.value, result.n) == ("pass", "1 table", 3)
    assert result.says == (
        "The same data gives the same features: preparing the data 3 times gave the same table every time. "
        "Good enough to ship."
    )


def test_another_table(ask: Callable[..., GateResult]) -> None:
    result = ask((A, B))
    assert (result.verdict, result.value, result.limit) == (
        "fail",
        "2 different tables",
        "the same table every time",
    )
    assert "preparing the data 2 times gave 2 different tables; look for unseeded random numbers" in result.says
    assert result.says.endswith("Not good enough to ship.")


@pytest.mark.parametrize(
    ("prepared", "given", "says"),
    [
        ((A,), {}, "prepared 1 of the 2 times that are needed."),
        ((), {}, "prepared 0 of the 2 times"),
        ((A, A), {"min": 3}, "prepared 2 of the 3 times that are needed"),
        ((A, A), {"min": float("nan")}, "`min` is nan; give how often `prepare` runs, 2 to 20."),
        ((A, A), {"min": 2.5}, "`min` is 2.5; give how often"),
        ((A, A), {"min": 21}, "`min` is 21; give how often"),
        ((A, A), {"metric": "score_difference", "benchmark": "holdout", "min": 3, "max": 0}, "`min` is no limit"),
        (
            "`prepare` raised ValueError: no rows",
            {},
            "there is nothing to compare: `prepare` raised ValueError",
        ),
        ((A, A), {"max": 0.5}, "a determinism gate does not look at max"),
        ((A, A), {"slice": "age<25"}, "does not look at slice"),
    ],
)
def test_no_answer_is_no_pass(
    ask: Callable[..., GateResult], prepared: tuple[str, ...] | str, given: dict[str, Any], says: str
) -> None:
    result = ask(prepared, **given)
    assert result.verdict == "error"
    assert says in result.says


def test_twenty_runs_are_not_too_many(ask: Callable[..., GateResult]) -> None:
    assert ask((A,) * 20, min=20).verdict == "pass"


def test_one_run_never_passes_whatever_min_says(ask: Callable[..., GateResult]) -> None:
    assert ask((A,), min=0).verdict == "error"
