"""Every metric equals scikit-learn, holds its laws on any input, and its interval covers what it should."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binned_statistic
from sklearn import metrics as reference
from vendorkit.errors import BadInput
from vendorkit.gates.metrics import METRICS, THRESHOLD, Options, difference, metric_for, metrics_for
from vendorkit.gates.metrics.base import wilson
from vendorkit.gates.metrics.classification import average_precision, precision_interval, roc_auc, roc_auc_interval
from vendorkit.gates.metrics.regression import r2

from tests.support.shared import shared_data

DEFAULT = Options()

BINARY = {
    "roc_auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "accuracy": lambda y, p: reference.accuracy_score(y, p >= THRESHOLD),
    "precision": lambda y, p: reference.precision_score(y, p >= THRESHOLD),
    "recall": lambda y, p: reference.recall_score(y, p >= THRESHOLD),
    "f1": lambda y, p: reference.f1_score(y, p >= THRESHOLD),
    "lift": lambda y, p: reference.precision_score(y, p >= THRESHOLD) / y.mean(),
    "calibration_error": lambda y, p: calibration_by_scipy(y, p, 10),
}
REAL = {
    "mape": reference.mean_absolute_percentage_error,
    "pinball": lambda y, p: reference.mean_pinball_loss(y, p, alpha=0.5),
    "wape": lambda y, p: reference.mean_absolute_error(y, p) / np.abs(y).mean(),
    "mase": lambda y, p: reference.mean_absolute_error(y, p) / reference.mean_absolute_error(y[1:], y[:-1]),
    "mae": reference.mean_absolute_error,
    "rmse": reference.root_mean_squared_error,
    "r2": reference.r2_score,
}
RATES = {
    "precision": reference.precision_score,
    "recall": reference.recall_score,
    "f1": reference.f1_score,
}
MANY = {
    "roc_auc_ovr": lambda y, p: reference.roc_auc_score(y, p, multi_class="ovr"),
    **{
        f"{rate}_{average}": lambda y, p, rate=rate, average=average: RATES[rate](y, p.argmax(axis=1), average=average)
        for rate in RATES
        for average in ("macro", "micro", "weighted")
    },
}
"""Of tasks with more than two classes, besides accuracy and log loss, which two classes have too."""


def calibration_by_scipy(y: np.ndarray, p: np.ndarray, bins: int) -> float:
    """Bins by pandas, closed on the right; sums of each by SciPy, whose own bins are closed on the left."""
    place = pd.cut(p, np.linspace(0.0, 1.0, bins + 1), labels=False, include_lowest=True)
    sums = [binned_statistic(place, each, "sum", bins, (0, bins)).statistic for each in (y, p)]
    return float(np.abs(sums[0] - sums[1]).sum() / len(y))


def rows(seed: int, n: int, decimals: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Labels and related scores; few decimals make many ties."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 3, n)
    label = (rng.random(n) < score).astype(float)
    label[:2] = 0.0, 1.0
    score[2:3] = 0.9
    return label, score if decimals is None else np.round(score, decimals)


def test_no_metric_is_without_a_reference() -> None:
    assert set(METRICS) == set(BINARY) | set(REAL) | set(MANY)


@pytest.mark.parametrize("name", [*MANY, "accuracy", "log_loss"])
@pytest.mark.parametrize("classes", [3, 7])
def test_multiclass_metric_equals_scikit_learn(name: str, classes: int) -> None:
    shared = {"accuracy": lambda y, p: reference.accuracy_score(y, p.argmax(axis=1)), "log_loss": reference.log_loss}
    metric = metric_for(name, "multiclass")
    assert metric is not None
    for seed in range(5):
        rng = np.random.default_rng(seed)
        score = rng.dirichlet(np.ones(classes), 500)
        label = np.array([rng.choice(classes, p=row) for row in score], dtype=float)
        expected = {**MANY, **shared}[name](label, score)
        assert metric.function(label, score, DEFAULT) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("decimals", [None, 2, 1, 0])
@pytest.mark.parametrize("n", [3, 10, 257, 5000])
def test_binary_metric_equals_scikit_learn(name: str, decimals: int | None, n: int) -> None:
    for seed in range(5):
        label, score = rows(seed, n, decimals)
        assert METRICS[name].function(label, score, DEFAULT) == pytest.approx(BINARY[name](label, score), abs=1e-9)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("n", [2, 10, 5000])
def test_regression_metric_equals_scikit_learn(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    label = rng.normal(100, 20, n)
    score = label + rng.normal(0, 10, n)
    assert METRICS[name].function(label, score, DEFAULT) == pytest.approx(REAL[name](label, score), rel=1e-9)


weighed_row = st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.7, 1.0]), st.floats(1e-3, 1e3))
weighed_pairs = st.lists(weighed_row, min_size=3, max_size=40).filter(
    lambda drawn: len({label for label, _, _ in drawn}) == 2 and any(score >= THRESHOLD for _, score, _ in drawn)
)


@given(weighed_pairs)
def test_weighed_rows_equal_scikit_learn(drawn: list[tuple[bool, float, float]]) -> None:
    label, score, weight = (np.array(each, dtype=float) for each in zip(*drawn, strict=True))
    options, yes = Options(weight=weight), score >= THRESHOLD
    for name in ("roc_auc", "average_precision", "log_loss", "brier"):
        expected = BINARY[name](label, score, sample_weight=weight)
        assert METRICS[name].function(label, score, options) == pytest.approx(expected, abs=1e-9), name
    for name in ("accuracy", "precision", "recall", "f1"):
        expected = getattr(reference, f"{name}_score")(label, yes, sample_weight=weight)
        assert METRICS[name].function(label, score, options) == pytest.approx(expected, abs=1e-9), name
    real = 3.0 + label  # two different numbers, as r2 needs
    losses = {**{name: REAL[name] for name in ("mae", "rmse", "mape", "r2")}, "pinball": reference.mean_pinball_loss}
    for name, loss in losses.items():
        expected = loss(real, score, sample_weight=weight)
        assert METRICS[name].function(real, score, options) == pytest.approx(expected, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("name", sorted({*BINARY, *REAL, *MANY} - {"mase"}))
def test_a_row_that_counts_twice_is_two_rows(name: str) -> None:
    rng = np.random.default_rng(11)
    label, score = rows(4, 300, 2)
    if name in REAL:
        label, score = 5.0 + label, 5.0 + score
    if name in MANY:
        score = rng.dirichlet(np.ones(3), 300)
        label = rng.integers(0, 3, 300).astype(float)
    often = rng.integers(1, 5, 300)
    metric = METRICS[name]
    whole = metric.function(np.repeat(label, often), np.repeat(score, often, axis=0), DEFAULT)
    weighed = Options(weight=often.astype(float))
    assert metric.function(label, score, weighed) == pytest.approx(whole, abs=1e-9)
    assert metric.function(label, score, Options(weight=0.25 * often)) == pytest.approx(whole, abs=1e-9)
    if metric.influence:
        assert weighed.mean(metric.influence(label, score, weighed)) == pytest.approx(0.0, abs=1e-9)
    once = Options(weight=np.full(300, 7.0))
    if metric.interval and "none of weighed rows" not in metric.source:  # equal weights say nothing new
        expected = metric.interval(label, score, DEFAULT)
        assert metric.interval(label, score, once) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("name", ["roc_auc", "brier", "recall", "f1"])
def test_weighed_interval_covers_nineteen_times_in_twenty(name: str) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, Options]:
        """Ones are drawn three times as often as they occur, and weighed back."""
        score = rng.beta(2, 3, n)
        label = (rng.random(n) < score).astype(float)
        kept = (label == 1.0) | (rng.random(n) < 1 / 3)
        return label[kept], score[kept], Options(weight=np.where(label[kept] == 1.0, 1.0, 3.0))

    rng = np.random.default_rng(7)
    score = rng.beta(2, 3, 1_000_000)
    truth = METRICS[name].function((rng.random(1_000_000) < score).astype(float), score, DEFAULT)
    found = [METRICS[name].interval(*draw(np.random.default_rng(seed), 500)) for seed in range(600)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in found]) <= 0.985


def column(path: Path, name: str) -> np.ndarray:
    with path.open(newline="") as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


@pytest.mark.parametrize("name", BINARY)
def test_equals_scikit_learn_on_credit_defaults(name: str) -> None:
    path = shared_data("credit-default/uci-default-credit-card-clients.csv")
    label = column(path, "default payment")
    score = (column(path, "PAY_0") + 2.0) / 10.0  # months of delay: a real score with eleven values, all tied
    assert len(np.unique(score)) < 15 < len(label)
    assert METRICS[name].function(label, score, DEFAULT) == pytest.approx(BINARY[name](label, score), abs=1e-9)


@pytest.mark.parametrize("name", BINARY)
def test_equals_scikit_learn_on_german_credit(name: str) -> None:
    with shared_data("german-credit/german.csv").open(newline="") as file:
        read = list(csv.reader(file))
    label = np.array([float(row[20]) - 1.0 for row in read])
    score = np.array([float(row[1]) for row in read]) / 72.0  # duration in months
    assert METRICS[name].function(label, score, DEFAULT) == pytest.approx(BINARY[name](label, score), abs=1e-9)


probabilities = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
pairs = st.lists(st.tuples(st.booleans(), probabilities), min_size=2, max_size=60).filter(
    lambda drawn: len({label for label, _ in drawn}) == 2
)


def arrays(drawn: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(label) for label, _ in drawn]), np.array([score for _, score in drawn])


@given(pairs)
def test_auc_is_the_share_of_pairs_in_order(drawn: list[tuple[bool, float]]) -> None:
    label, score = arrays(drawn)
    ones, zeros = score[label == 1], score[label == 0]
    wins = (ones[:, None] > zeros).mean() + 0.5 * (ones[:, None] == zeros).mean()
    assert roc_auc(label, score) == pytest.approx(wins, abs=1e-12)


@given(pairs)
def test_auc_turns_round_with_the_labels(drawn: list[tuple[bool, float]]) -> None:
    label, score = arrays(drawn)
    assert roc_auc(1.0 - label, score) == pytest.approx(1.0 - roc_auc(label, score), abs=1e-12)


@given(pairs, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(drawn: list[tuple[bool, float]], random) -> None:
    label, score = arrays(drawn)
    shuffled = list(drawn)
    random.shuffle(shuffled)
    for name in set(BINARY) - {"precision", "lift"}:
        function = METRICS[name].function
        assert function(*arrays(shuffled)) == pytest.approx(function(label, score), abs=1e-12), name


@given(pairs)
def test_values_and_intervals_stay_in_range(drawn: list[tuple[bool, float]]) -> None:
    label, score = arrays(drawn)
    for name in set(BINARY) - {"precision", "lift"}:
        metric = METRICS[name]
        value = metric.function(label, score)
        top = np.inf if name == "log_loss" else 1.0
        assert 0.0 <= value <= top, name
        found = metric.interval(label, score) if metric.interval else None
        if found is not None:
            assert 0.0 <= found[0] <= value + 1e-12, name
            assert value - 1e-12 <= found[1] <= top, name


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_has_no_ranking(name: str, label: float) -> None:
    with pytest.raises(BadInput, match="needs rows of both classes"):
        METRICS[name].function(np.full(4, label), np.array([0.1, 0.2, 0.3, 0.4]))


def test_what_has_no_value_says_so() -> None:
    low = np.array([0.1, 0.2])
    with pytest.raises(BadInput, match="no row scores"):
        METRICS["precision"].function(np.array([0.0, 1.0]), low)
    with pytest.raises(BadInput, match="no label is 1"):
        METRICS["recall"].function(np.zeros(2), low)
    with pytest.raises(BadInput, match="no label is 1"):
        METRICS["f1"].function(np.zeros(2), low)
    for same in (1.0, 0.1, 1e9 + 0.1):  # the mean of three 0.1 is not 0.1
        for n in (3, 7, 11):
            with pytest.raises(BadInput, match="labels that differ"):
                r2(np.full(n, same), np.arange(float(n)))
    with pytest.raises(BadInput, match="labels that differ"):
        r2(np.array([1e-200, 2e-200]), np.array([0.0, 1.0]))  # squares of such differences are 0


def test_a_constant_score_ranks_nothing() -> None:
    label = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    assert roc_auc(label, np.full(5, 0.3)) == 0.5
    assert average_precision(label, np.full(5, 0.3)) == pytest.approx(0.6)
    assert roc_auc_interval(label, np.full(5, 0.3)) is None


def test_where_the_variance_is_unknown_there_is_no_interval() -> None:
    assert roc_auc_interval(np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.6, 0.5])) is None
    perfect = np.array([0.1, 0.2, 0.8, 0.9])
    assert roc_auc_interval(np.array([0.0, 0.0, 1.0, 1.0]), perfect) is None
    for name in ("log_loss", "brier", "mae"):
        assert METRICS[name].interval(np.array([1.0]), np.array([0.4])) is None


def test_delong_by_the_double_loop() -> None:
    label, score = rows(3, 80, 1)
    ones, zeros = score[label == 1], score[label == 0]
    order = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    variance = order.mean(1).var(ddof=1) / len(ones) + order.mean(0).var(ddof=1) / len(zeros)
    low, high = roc_auc_interval(label, score)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * np.sqrt(variance), rel=1e-12)
    assert (high + low) / 2 == pytest.approx(order.mean(), rel=1e-12)


def test_wilson_by_the_book() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753279), abs=1e-8)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, Statistics in Medicine
    assert wilson(10, 10)[1] == 1.0
    classes = np.arange(9.0) % 3
    said = np.eye(3)[np.r_[classes[:6].astype(int), 0, 0, 0]]  # 7 of 9 are right
    assert metric_for("accuracy", "multiclass").interval(classes, said, DEFAULT) == pytest.approx(wilson(7, 9))


@pytest.mark.parametrize(("label", "score"), [([0.0, 1.0], [0.1, 0.2]), ([0.0, 0.0], [0.1, 0.9])])
def test_lift_over_nothing_is_no_number(label: list[float], score: list[float]) -> None:
    with pytest.raises(BadInput, match="lift has no value"):
        METRICS["lift"].function(np.array(label), np.array(score), DEFAULT)


def test_a_million_rows() -> None:
    label, score = rows(1, 1_000_000, 3)
    assert roc_auc(label, score) == pytest.approx(reference.roc_auc_score(label, score), abs=1e-9)
    low, high = roc_auc_interval(label, score)
    assert low < roc_auc(label, score) < high < low + 0.01


def _coverage(name: str, truth: float, draw) -> float:
    covered = []
    for seed in range(1500):
        low, high = METRICS[name].interval(*draw(np.random.default_rng(seed)))
        covered.append(low <= truth <= high)
    return float(np.mean(covered))


def _calibrated(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    score = rng.beta(2, 3, 300)
    return (rng.random(300) < score).astype(float), score


def test_auc_interval_covers_nineteen_times_in_twenty() -> None:
    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        label = np.repeat([0.0, 1.0], [210, 90])
        return label, 1 / (1 + np.exp(-rng.normal(label, 1.0)))

    truth = 0.7602499389065233  # normal scores one standard deviation apart: Phi(1 / sqrt(2))
    assert 0.93 <= _coverage("roc_auc", truth, draw) <= 0.97


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc_ovr"])
def test_interval_of_classes_covers_nineteen_times_in_twenty(name: str) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        label = rng.choice(3, n, p=[0.6, 0.3, 0.1])
        score = rng.gamma(1.0, size=(n, 3))
        score[np.arange(n), label] += rng.random(n)
        return label.astype(float), score / score.sum(axis=1, keepdims=True)

    truth = METRICS[name].function(*draw(np.random.default_rng(7), 1_000_000), DEFAULT)
    found = [METRICS[name].interval(*draw(np.random.default_rng(seed), 400), DEFAULT) for seed in range(500)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in found]) <= 0.975


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy", "precision", "recall", "average_precision"])
def test_interval_covers_nineteen_times_in_twenty(name: str) -> None:
    rng = np.random.default_rng(99)
    score = rng.beta(2, 3, 1_000_000)
    truth = METRICS[name].function((rng.random(1_000_000) < score).astype(float), score)
    assert 0.93 <= _coverage(name, truth, _calibrated) <= 0.97


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e-15, 0.5, 1 - 1e-15])
def test_a_precision_near_its_ends_has_an_interval(value: float) -> None:
    low, high = precision_interval(value, 1) or (value, value)
    assert 0.0 <= low < value < high <= 1.0


def test_mae_interval_covers_nineteen_times_in_twenty() -> None:
    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(300), rng.normal(0, 1, 300)

    assert 0.93 <= _coverage("mae", float(np.sqrt(2 / np.pi)), draw) <= 0.97


def test_metrics_of_a_task() -> None:
    assert metrics_for("regression") == ["mae", "mape", "pinball", "r2", "rmse"]
    assert metrics_for("forecasting") == ["mae", "mape", "mase", "pinball", "r2", "rmse", "wape"]
    assert "roc_auc" in metrics_for("binary")
    assert metrics_for("multiclass") == sorted([*MANY, "accuracy", "log_loss"])


def test_every_metric_names_its_formula_and_source() -> None:
    for name, metric in METRICS.items():
        assert metric.formula, name
        assert metric.source, name
        assert (metric.interval is None) == ("no interval" in metric.source), name


def test_gates_need_numpy_alone() -> None:
    heavy = {"sklearn", "pandas", "scipy", "mlflow"}
    code = f"import sys, vendorkit.gates; print(sorted({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.51, 1.0])
def test_a_declared_threshold(threshold: float) -> None:
    label, score = rows(5, 400, 2)
    label[3], score[3] = 1.0, 1.0
    yes, options = score >= threshold, Options(threshold=threshold)
    for name in ("accuracy", "precision", "recall", "f1"):
        wanted = getattr(reference, f"{name}_score")(label, yes)
        assert METRICS[name].function(label, score, options) == pytest.approx(wanted, abs=1e-12), name


@pytest.mark.parametrize("bins", [2, 7, 100])
def test_declared_bins(bins: int) -> None:
    label, score = rows(6, 3000, None)
    found = METRICS["calibration_error"].function(label, score, Options(bins=bins))
    assert found == pytest.approx(calibration_by_scipy(label, score, bins), abs=1e-9)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_a_declared_quantile(quantile: float) -> None:
    rng = np.random.default_rng(1)
    label, score = rng.normal(size=(2, 500))
    found = METRICS["pinball"].function(label, score, Options(quantile=quantile))
    assert found == pytest.approx(reference.mean_pinball_loss(label, score, alpha=quantile), abs=1e-12)


def test_series_are_kept_apart_and_seasons_are_skipped() -> None:
    series = np.array([0, 1] * 6, dtype=np.int32)
    label = np.where(series == 0, np.repeat(np.arange(6.0), 2), 100.0 + 3.0 * np.repeat(np.arange(6.0), 2))
    score = label + 1.0
    assert METRICS["mase"].function(label, score, Options(series=series)) == pytest.approx(1.0 / 2.0)
    assert METRICS["mase"].function(label, score, Options(series=series, season=2)) == pytest.approx(1.0 / 4.0)
    with pytest.raises(BadInput, match="`season` and `series`"):
        METRICS["mase"].function(label, score, Options(series=series, season=6))


def test_what_divides_by_nothing_has_no_value() -> None:
    zero = np.zeros(3)
    for name in ("mape", "wape", "mase"):
        with pytest.raises(BadInput, match="no value"):
            METRICS[name].function(zero, np.ones(3), DEFAULT)


@pytest.mark.parametrize("name", sorted({*BINARY, *REAL} - {"average_precision", "calibration_error", "mase"}))
def test_influences_are_the_jackknife(name: str) -> None:
    """Leaving out one row moves the value by its influence / n, to first order."""
    label, score = rows(8, 1500, None)
    if name in REAL:
        label, score = 50.0 + 10.0 * label, 50.0 + 10.0 * score
    metric = METRICS[name]
    influence = metric.influence(label, score, DEFAULT)
    assert influence.mean() == pytest.approx(0.0, abs=1e-9)
    whole = metric.function(label, score, DEFAULT)
    for row in range(0, 1500, 100):
        left = metric.function(np.delete(label, row), np.delete(score, row), DEFAULT)
        assert 1499 * (whole - left) == pytest.approx(influence[row], abs=0.02 * max(1.0, np.abs(influence).max()))


def test_paired_delong_by_the_double_loop() -> None:
    label, one = rows(3, 90, 1)
    two = np.clip(one + np.random.default_rng(4).normal(0, 0.3, 90), 0, 1)

    def order(score: np.ndarray) -> np.ndarray:
        ones, zeros = score[label == 1], score[label == 0]
        return (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)

    apart = order(one) - order(two)
    variance = apart.mean(1).var(ddof=1) / apart.shape[0] + apart.mean(0).var(ddof=1) / apart.shape[1]
    low, high = difference(METRICS["roc_auc"], label, one, two)
    assert (low + high) / 2 == pytest.approx(apart.mean(), abs=1e-12)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * np.sqrt(variance), rel=0.02)


@pytest.mark.parametrize("name", ["roc_auc", "precision", "f1", "lift", "log_loss"])
def test_difference_covers_nineteen_times_in_twenty(name: str) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one = rng.beta(2, 3, n)
        return (rng.random(n) < one).astype(float), one, np.clip(one + rng.normal(0, 0.15, n), 0.01, 0.99)

    label, one, two = draw(np.random.default_rng(7), 2_000_000)
    metric = METRICS[name]
    truth = metric.function(label, one, DEFAULT) - metric.function(label, two, DEFAULT)
    found = [difference(metric, *draw(np.random.default_rng(seed), 400)) for seed in range(600)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in found]) <= 0.98


@pytest.mark.parametrize("name", ["average_precision", "calibration_error"])
def test_a_paired_bootstrap_tells_better_from_worse(name: str) -> None:
    label, score = rows(9, 800, None)
    noise = np.random.default_rng(1).random(800)
    low, high = difference(METRICS[name], label, score, noise)
    sign = 1.0 if METRICS[name].better == "higher" else -1.0
    assert min(sign * low, sign * high) > 0.0
    assert difference(METRICS[name], label, score, noise) == (low, high)


@pytest.mark.parametrize("name", ["rmse", "r2", "wape", "f1", "lift"])
def test_delta_interval_covers_nineteen_times_in_twenty(name: str) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        if name in ("f1", "lift"):
            score = rng.beta(2, 3, n)
            return (rng.random(n) < score).astype(float), score
        label = rng.normal(50, 10, n)
        return label, label + rng.normal(0, 5, n)

    truth = METRICS[name].function(*draw(np.random.default_rng(7), 2_000_000), DEFAULT)
    found = [METRICS[name].interval(*draw(np.random.default_rng(seed), 400), DEFAULT) for seed in range(800)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in found]) <= 0.975
