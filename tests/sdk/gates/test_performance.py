"""The performance gate: passes, fails and refuses to answer, in sentences that a stakeholder reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from vendorkit.errors import BadInput
from vendorkit.gates import Evidence, Scored, ask_all, scored
from vendorkit.gates.columns import Column
from vendorkit.gates.limits import options_of, sure
from vendorkit.records.gate_report import GateResult

from tests.sdk.gates.conftest import column

DIGEST = "sha256:" + "0" * 64
Spec = Callable[..., Any]


def ranked(wrong: int, benchmark: str = "holdout", digest: str = DIGEST) -> Scored:
    """40 rows, 20 of each class, where `wrong` zeros score above every one: roc_auc is 1 - wrong / 20."""
    label = np.repeat([0.0, 1.0], 20)
    score = np.concatenate([np.linspace(0.1, 0.3, 20), np.linspace(0.6, 0.8, 20)])
    score[:wrong] = 0.9
    return scored(benchmark, digest, label, score, task="binary")


def ask(spec: Any, candidate: Any, current: Any = "none", task: str = "binary") -> GateResult:
    live = None if current == "none" else {"holdout": current}
    (result,) = ask_all([spec], Evidence(task=task, candidate={"holdout": candidate}, current=live))
    return result


def test_good_enough(spec: Spec) -> None:
    result = ask(spec(min=0.76), ranked(4))
    assert result.says == (
        "Ranks good and bad payers at least as well as today: roc_auc is 0.8, the limit is at least 0.76. "
        "Good enough to ship."
    )
    assert (result.verdict, result.value, result.limit) == ("pass", pytest.approx(0.8), "at least 0.76")
    assert (result.n, result.metric, result.benchmark, result.previous) == (40, "roc_auc", "holdout", None)
    assert result.interval is not None
    assert result.interval[0] < 0.8 < result.interval[1]


def test_not_good_enough(spec: Spec) -> None:
    result = ask(spec(min=0.76), ranked(6))
    assert result.verdict == "fail"
    assert result.says == (
        "Ranks good and bad payers at least as well as today. Not so: roc_auc is 0.7, the limit is at least 0.76. "
        "Not good enough to ship."
    )


def test_above_a_maximum(spec: Spec) -> None:
    assert ask(spec(metric="brier", max=0.5), ranked(0)).verdict == "pass"
    result = ask(spec(metric="brier", max=0.05), ranked(0))
    assert (result.verdict, result.limit) == ("fail", "at most 0.05")


def test_exactly_the_limit_passes(spec: Spec) -> None:
    assert ask(spec(min=0.8), ranked(4)).verdict == "pass"
    assert ask(spec(max_drop_vs_current=0.05), ranked(5), ranked(4)).verdict == "pass"
    assert ask(spec(max_drop_vs_current=0), ranked(4), ranked(4)).verdict == "pass"


def test_a_drop_against_the_live_version(spec: Spec) -> None:
    kept = ask(spec(max_drop_vs_current=0.06), ranked(4), ranked(3))
    assert (kept.verdict, kept.previous) == ("pass", pytest.approx(0.85))
    result = ask(spec(min=0.5, max_drop_vs_current=0.04), ranked(4), ranked(3))
    assert result.verdict == "fail"
    assert result.limit == "at most 0.04 worse than the live version's 0.85"
    assert result.says.endswith(
        "the limit is at most 0.04 worse than the live version's 0.85. Not good enough to ship."
    )
    assert ask(spec(max_drop_vs_current=0), ranked(4), ranked(3)).limit == "not worse than the live version's 0.85"


@pytest.mark.parametrize("metric", ["brier", "log_loss"])
def test_where_lower_is_better_a_drop_is_a_rise(spec: Spec, metric: str) -> None:
    worse, better = ranked(4), ranked(0)
    assert ask(spec(metric=metric, max_drop_vs_current=0.001), worse, better).verdict == "fail"
    assert ask(spec(metric=metric, max_drop_vs_current=0.001), better, worse).verdict == "pass"


def test_an_improvement_never_fails(spec: Spec) -> None:
    assert ask(spec(max_drop_vs_current=0), ranked(0), ranked(9)).verdict == "pass"


def test_every_limit_must_hold_and_the_broken_ones_are_named(spec: Spec) -> None:
    result = ask(spec(min=0.9, max=0.95, max_drop_vs_current=0.01), ranked(4), ranked(3))
    assert result.limit == "at least 0.9, and at most 0.01 worse than the live version's 0.85"
    kept = ask(spec(min=0.7, max=0.95), ranked(4))
    assert (kept.verdict, kept.limit) == ("pass", "at least 0.7, and at most 0.95")


def test_the_first_version_has_nothing_to_fall_behind(spec: Spec) -> None:
    result = ask(spec(min=0.76, max_drop_vs_current=0.005), ranked(4))
    assert result.verdict == "pass"
    assert "No version is live yet, so there is nothing to fall behind." in result.says
    assert ask(spec(min=0.9, max_drop_vs_current=0.005), ranked(4)).verdict == "fail"


def test_a_near_miss_is_not_shown_as_the_limit(spec: Spec) -> None:
    result = ask(spec(min=0.800004), ranked(4))
    assert "roc_auc is 0.8, the limit is at least 0.800004" in result.says
    assert result.verdict == "fail"


def test_regression(spec: Spec) -> None:
    rows = scored("holdout", DIGEST, [1.0, 2.0, 3.0] * 10, [1.5, 2.5, 3.5] * 10, task="regression")
    assert ask(spec(metric="mae", max=0.5), rows, task="regression").verdict == "pass"
    assert ask(spec(metric="rmse", max=0.4), rows, task="forecasting").verdict == "fail"


def test_a_live_version_that_cannot_be_measured(spec: Spec) -> None:
    result = ask(spec(min=0.5, max_drop_vs_current=0.01), ranked(4), "its files do not match the record")
    assert result.verdict == "error"
    assert "the live version could not be measured on benchmark holdout: its files do not match" in result.says
    aside = ask(spec(min=0.5), ranked(4), "its files do not match the record")
    assert (aside.verdict, aside.previous) == ("pass", None)
    assert "The live version could not be measured; this gate does not compare with it." in aside.says


def test_a_live_version_measured_on_other_rows(spec: Spec) -> None:
    other = ranked(3, digest="sha256:" + "1" * 64)
    result = ask(spec(max_drop_vs_current=0.01), ranked(4), other)
    assert result.verdict == "error"
    assert "another content of benchmark holdout" in result.says


def test_a_live_version_that_tells_other_classes_apart(spec: Spec) -> None:
    own, other = (replace(ranked(4), classes=classes) for classes in (("no", "yes"), ("yes", "no")))
    result = ask(spec(max_drop_vs_current=0.01), own, other)
    assert result.verdict == "error"
    assert "the live version tells the classes yes, no apart, the candidate no, yes" in result.says


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no limit is declared; set `min`, `max` or `max_drop_vs_current`."),
        ({"min": float("nan")}, "`min` is nan, which nothing can be held against"),
        ({"max": float("inf")}, "`max` is inf"),
        ({"min": 0.9, "max": 0.8}, "no value is at least 0.9 and at most 0.8"),
        ({"max_drop_vs_current": -0.1}, "`max_drop_vs_current` is -0.1; it is 0 or more"),
        (
            {"max_drop_vs_current": 0.01},
            "there is no live version to compare with, and neither `min` nor `max`",
        ),
        (
            {"metric": "auc", "min": 0.5},
            "there is no metric 'auc'; known for binary: accuracy, average_precision,",
        ),
        ({"metric": None, "min": 0.5}, "`metric` is missing; known for binary:"),
        ({"metric": "mae", "max": 5}, "metric mae is not for a binary model; known for binary:"),
        ({"benchmark": None, "min": 0.5}, "`benchmark` is missing"),
        ({"benchmark": "stress", "min": 0.5}, "the candidate was not measured on benchmark stress."),
        (
            {"slice": "age<25", "min": 0.5},
            "a performance gate does not look at slice; remove it or change `kind`.",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_is_no_pass(spec: Spec, given: dict[str, Any], says: str) -> None:
    result = ask(spec(**given), ranked(4))
    assert result.verdict == "error"
    assert says in result.says
    assert result.says.startswith("Ranks good and bad payers at least as well as today. Not known: ")
    assert result.says.endswith("Could not be decided, so it may not ship.")


def test_a_candidate_that_cannot_be_measured(spec: Spec) -> None:
    result = ask(spec(min=0.5), "`predict` raised KeyError: 'income'.")
    assert result.verdict == "error"
    assert "the candidate could not be measured on benchmark holdout: `predict` raised KeyError: 'income'." in (
        result.says
    )


def test_rows_of_another_benchmark(spec: Spec) -> None:
    result = ask(spec(min=0.5), ranked(4, benchmark="easy"))
    assert result.verdict == "error"
    assert "measured on easy in place of benchmark holdout" in result.says


def test_a_metric_without_a_value(spec: Spec) -> None:
    rows = scored("holdout", DIGEST, [0, 1, 0], [0.1, 0.2, 0.3], task="binary")
    assert ask(spec(metric="precision", min=0.5, min_rows=3), rows).verdict == "error"
    huge = scored("holdout", DIGEST, [1e308, -1e308], [-1e308, 1e308], task="regression")
    result = ask(spec(metric="rmse", max=1.0, min_rows=2), huge, task="regression")
    assert result.verdict == "error"
    assert "the numbers are too large to measure" in result.says


def test_a_metric_of_two_classes_is_none_for_more(spec: Spec) -> None:
    result = ask(spec(min=0.5), ranked(4), task="multiclass")
    assert result.verdict == "error"
    assert "roc_auc is not for a multiclass model; known for multiclass: accuracy, f1_macro" in result.says


def weighed(weight: Any, **given: Any) -> Any:
    label, score = np.tile([0.0, 1.0], 20), np.linspace(0.1, 0.9, 40)
    return scored("holdout", DIGEST, label, score, task="binary", columns={"w": column(weight)}, **given)


def test_each_row_counts_as_often_as_its_weight(spec: Spec) -> None:
    weight = np.arange(40.0) % 5
    rows = weighed(weight)
    result = ask(spec(min=0.1, weight="w", max_drop_vs_current=0.5), rows, rows)
    wanted = roc_auc_score(rows.label, rows.score, sample_weight=weight)
    assert (result.value, result.previous) == (pytest.approx(wanted, abs=1e-12), pytest.approx(wanted, abs=1e-12))
    assert result.n == 32  # a row of weight 0 is none
    assert result.interval is not None
    assert "Each row counts as often as column w says; those of 0 are left out" in result.notes[0]
    assert ask(spec(min=0.1, weight="w", min_rows=33), rows).verdict == "error"
    each = ask(spec(kind="segment", slice="w", min=0.0, weight="w", min_rows=5), rows)
    assert {cell.name: cell.n for cell in each.cells} == {f"w = {value}": 8 * (value > 0) for value in range(5)}


@pytest.mark.parametrize(
    ("weight", "given", "says"),
    [
        (np.full(40, -1.0), {}, "holds other than numbers of 0 or more"),
        (np.full(40, np.inf), {}, "holds other than numbers of 0 or more"),
        (np.array(["a"] * 40, dtype=object), {}, "holds other than numbers of 0 or more"),
        (np.zeros(40), {}, "which is 0 in all rows"),
        (np.where(np.arange(40) < 30, 1.0, 1e-170), {}, "above 0 and below 1e-100 of its largest"),
        (np.where(np.arange(40) == 3, np.nan, 1.0), {}, "is missing in 1 of 40 rows"),
        (np.ones(40), {"weight": "v"}, "column 'v' cannot be used"),
        (np.ones(40), {"weight": "v, w"}, "name one column"),
        (np.ones(40), {"kind": "latency", "metric": "p95_ms"}, "not look at weight"),
    ],
)
def test_weights_that_are_none(spec: Spec, weight: Any, given: dict[str, Any], says: str) -> None:
    result = ask(spec(**{"min": 0.1, "weight": "w", **given}), weighed(weight))
    assert result.verdict == "error"
    assert says in result.says


@pytest.mark.parametrize(
    ("given", "value", "slack", "live"),
    [
        ({"min": 0.8}, 0.801, 0.002, None),
        ({"min": 0.8}, 0.799, 0.002, None),
        ({"max": 0.8}, 0.801, 0.002, None),
        ({"max_drop_vs_current": 0.01}, 0.795, 0.0, (0.804, 0.002)),
        ({"max_drop_vs_current": 0.01}, 0.793, 0.0, (0.804, 0.002)),
        ({"max_drop_vs_current": 0.01}, 0.795, 0.002, (0.804, 0.0)),
    ],
)
def test_a_limit_nearer_than_a_value_is_known_decides_nothing(
    spec: Spec, given: dict[str, Any], value: float, slack: float, live: tuple[float, float] | None
) -> None:
    with pytest.raises(BadInput, match="the limit lies between"):
        sure(spec(**given), "higher", value, slack, live)
    fine = sure(spec(**given), "higher", value, slack / 100, live and (live[0], live[1] / 100))
    assert [bound.kept for bound in fine] == [value >= 0.794 if live else (value >= 0.8) == ("min" in given)]
    assert [bound.number for bound in fine] == [pytest.approx(0.794 if live else 0.8)]


def test_too_few_rows_decide_nothing(spec: Spec) -> None:
    few = scored("holdout", DIGEST, [0.0, 1.0] * 14, np.linspace(0.1, 0.9, 28), task="binary")
    result = ask(spec(min=0.1), few)
    assert result.verdict == "error"
    assert "holdout has 28 rows, and at least 30 are needed; `min_rows` says how many." in result.says
    assert ask(spec(min=0.1, min_rows=28), few).verdict == "pass"


def test_series_of_many_columns_with_many_values_are_told_apart(spec: Spec) -> None:
    levels = np.arange(65_536.0)  # so that (1, 0, 6, 0, 1) and (0, 4, 0, 4, 0) are one number of 64 bits
    pairs = dict(zip("abcde", [(1, 0), (0, 4), (6, 0), (0, 4), (1, 0)], strict=True))
    columns = {name: Column(levels, np.array(pair, dtype=np.int32)) for name, pair in pairs.items()}
    rows = scored("holdout", DIGEST, [1.0, 2.0], [1.0, 2.0], task="forecasting", columns=columns)
    series = options_of(spec(metric="mase", series="a, b, c, d, e"), rows).series
    assert series is not None
    assert series[0] != series[1]
