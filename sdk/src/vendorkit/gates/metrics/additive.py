"""Metrics from counts and sums that a table engine gives: the same values and intervals as from the rows.

A metric here is a smooth function of the means of a few numbers of each row. Its variance follows from the sums of
their products (the delta method). What a histogram gives is near the exact value, with a bound of how near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput
from vendorkit.gates.metrics.base import Interval, Numbers, around, wilson
from vendorkit.gates.metrics.classification import RATES
from vendorkit.records.tallies import Counts, Term

LEAST_SPREAD = 1e-6
"""Least variance of a segment's labels, in squares of their distance from the mean of all: below it the difference of
two sums is not exact to 1e-9."""
OUTCOMES = ("right yes", "yes", "one")
"""What is counted of a label and a yes, in the place of terms."""


@dataclass(frozen=True)
class Additive:
    """A metric as a function of means.

    Args:
        value: From the means of the terms, shape (terms,), and the number of rows.
        gradient: Its derivatives by the means, shape (terms,).
        terms: What is summed of each row; empty for those that follow from the outcomes.
        low, high: What the metric can be.
    """

    value: Callable[[Numbers, int], float]
    gradient: Callable[[Numbers], Numbers]
    terms: tuple[Term, ...] = ()
    low: float = 0.0
    high: float = np.inf


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the rows of a segment.

    Args:
        n: Rows.
        sums: Of each term, shape (terms,).
        products: Of each product of two terms, shape (terms, terms).
    """

    n: int
    sums: Numbers
    products: Numbers

    @property
    def means(self) -> Numbers:
        """Mean of each term."""
        means: Numbers = self.sums / self.n
        return means

    def variance(self, weights: Numbers) -> float:
        """The variance, with n - 1, of a weighted sum of the terms of a row."""
        covariance = self.products / self.n - np.outer(self.means, self.means)
        return float(weights @ covariance @ weights) * self.n / (self.n - 1)

    def first(self, number: int) -> Moments:
        """Those of the first terms alone."""
        return Moments(self.n, self.sums[:number], self.products[:number, :number])


def from_outcomes(outcomes: Counts, names: int) -> Moments:
    """The moments of OUTCOMES from counts by outcome, once more as live minus candidate where `names` is 6.

    Args:
        outcomes: Rows by label (0, 1), by the yes (0, 2) and the live version's yes (0, 4), shape (4,) or (8,).
        names: Number of terms, 3 or 6.
    """
    code = np.arange(len(outcomes))
    one = (code & 1).astype(np.float64)
    yes, live = ((code >> 1) & 1).astype(np.float64), ((code >> 2) & 1).astype(np.float64)
    terms = [one * yes, yes, one, one * (live - yes), live - yes, np.zeros(len(code))]
    values = np.stack(terms[:names], axis=1)
    weights = outcomes.astype(np.float64)
    return Moments(int(outcomes.sum()), weights @ values, values.T @ (weights[:, None] * values))


def _mean(term: Term, high: float = np.inf) -> Additive:
    return Additive(lambda means, n: float(means[0]), lambda means: np.ones(1), (term,), 0.0, high)


def _mape(means: Numbers, n: int) -> float:
    if means[1] > 0:
        raise BadInput("a label is 0, so mape has no value; use wape, which divides by the sum of the labels.")
    return float(means[0])


def _r2(means: Numbers, n: int) -> float:
    errors, label, squared = means
    spread = squared - label**2
    if spread <= LEAST_SPREAD * squared:
        raise BadInput(
            "all labels are the same number, or so near to each other and so far from the others of the benchmark that "
            "sums do not tell them apart, so r2 has no value."
        )
    return float(1.0 - errors / spread)


def _r2_gradient(means: Numbers) -> Numbers:
    errors, label, squared = means
    spread = squared - label**2
    return np.array([-1.0 / spread, -2.0 * label * errors / spread**2, errors / spread**2])


def _wape(means: Numbers, n: int) -> float:
    if means[1] == 0.0:
        raise BadInput("all labels are 0, so wape has no value.")
    return float(means[0] / means[1])


def _rmse_gradient(means: Numbers) -> Numbers:
    return np.array([0.5 / np.sqrt(means[0]) if means[0] else 0.0])


def _f1_gradient(means: Numbers) -> Numbers:
    right, both = means[0], means[1] + means[2]
    return np.array([2.0 / both, -2.0 * right / both**2, -2.0 * right / both**2])


def _lift_gradient(means: Numbers) -> Numbers:
    right, yes, one = means
    return np.array([1.0 / (yes * one), -right / (yes**2 * one), -right / (yes * one**2)])


def _rate(name: str) -> Callable[[Numbers, int], float]:
    def value(means: Numbers, n: int) -> float:
        right, yes, one = (round(float(mean) * n) for mean in means)
        return RATES[name](right, yes, one, n)

    return value


ADDITIVE: dict[str, Additive] = {
    "accuracy": Additive(_rate("accuracy"), lambda means: np.array([2.0, -1.0, -1.0])),
    "precision": Additive(_rate("precision"), lambda means: np.array([1.0 / means[1], -means[0] / means[1] ** 2, 0.0])),
    "recall": Additive(_rate("recall"), lambda means: np.array([1.0 / means[2], 0.0, -means[0] / means[2] ** 2])),
    "f1": Additive(_rate("f1"), _f1_gradient, high=1.0),
    "lift": Additive(_rate("lift"), _lift_gradient),
    "log_loss": _mean("log_loss"),
    "brier": _mean("squared_error", 1.0),
    "mae": _mean("absolute_error"),
    "rmse": Additive(lambda means, n: float(np.sqrt(means[0])), _rmse_gradient, ("squared_error",)),
    "mape": Additive(_mape, lambda means: np.array([1.0, 0.0]), ("relative_error", "zero")),
    "r2": Additive(_r2, _r2_gradient, ("squared_error", "label", "label_squared"), -np.inf, 1.0),
    "pinball": _mean("pinball"),
    "accuracy of classes": _mean("right", 1.0),
    "log_loss of classes": _mean("class_log_loss"),
    "wape": Additive(
        _wape,
        lambda means: np.array([1.0 / means[1], -means[0] / means[1] ** 2]),
        ("absolute_error", "size"),
    ),
}
"""Metrics that follow exactly from counts and sums; of several classes under a name of their own."""


def additive_name(name: str, tasks: frozenset[str]) -> str:
    """How a metric of these tasks is called in ADDITIVE."""
    return f"{name} of classes" if tasks == {"multiclass"} else name


_WILSON: Mapping[str, Callable[[int, int, int, int], tuple[int, int]]] = {
    "accuracy": lambda right, yes, one, n: (n - yes - one + 2 * right, n),
    "precision": lambda right, yes, one, n: (right, yes),
    "recall": lambda right, yes, one, n: (right, one),
}


def additive_interval(name: str, moments: Moments) -> Interval | None:
    """The 95 % interval of a metric: Wilson's of a share, else by the delta method; None below 2 rows."""
    if name == "accuracy of classes":
        return wilson(round(float(moments.sums[0])), moments.n)
    if name in _WILSON:
        right, yes, one = (round(float(each)) for each in moments.sums)
        successes, trials = _WILSON[name](right, yes, one, moments.n)
        return wilson(successes, trials) if trials else None
    if moments.n < 2:
        return None
    metric, means = ADDITIVE[name], moments.means
    variance = max(0.0, moments.variance(metric.gradient(means))) / moments.n
    return around(metric.value(means, moments.n), variance, metric.low, metric.high)


def additive_difference(name: str, moments: Moments) -> Interval | None:
    """The 95 % interval of candidate minus live version on the same rows, by the delta method.

    Args:
        name: The metric.
        moments: Of its terms, and of each once more as live minus candidate.
    """
    metric, number = ADDITIVE[name], len(moments.sums) // 2
    if moments.n < 2:
        return None
    own = moments.means[:number]
    live = own + moments.means[number:]
    found = metric.value(own, moments.n) - metric.value(live, moments.n)
    weights = np.concatenate([metric.gradient(own) - metric.gradient(live), -metric.gradient(live)])
    return around(found, max(0.0, moments.variance(weights)) / moments.n, -np.inf, np.inf)


def histogram_auc(negatives: Counts, positives: Counts) -> tuple[Numbers, Numbers]:
    """The area under the ROC curve from score histograms, and how far the exact one can be from it.

    Pairs in different bins are in a known order; those within a bin are counted half, as ties are, and could all be
    in order or all out of it. So |exact - found| <= half the share of pairs within one bin.

    Args:
        negatives, positives: Rows of each bin, ascending in the score, shape (j, bins).

    Returns:
        Area and bound, each of shape (j,); NaN where a class has no rows.
    """
    below = np.cumsum(negatives, axis=1) - negatives
    pairs = negatives.sum(axis=1).astype(np.float64) * positives.sum(axis=1)
    within = 0.5 * (negatives.astype(np.float64) * positives).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ((below.astype(np.float64) * positives).sum(axis=1) + within) / pairs, within / pairs


def histogram_auc_interval(negatives: Counts, positives: Counts) -> Interval | None:
    """DeLong's interval with the scores of a bin taken as tied; shapes (bins,)."""
    zeros, ones = int(negatives.sum()), int(positives.sum())
    if min(zeros, ones) < 2:
        return None
    below = (np.cumsum(negatives) - 0.5 * negatives) / zeros
    above = 1.0 - (np.cumsum(positives) - 0.5 * positives) / ones
    variance = _variance(below, positives) / ones + _variance(above, negatives) / zeros
    return around(float((below * positives).sum() / ones), variance, 0.0, 1.0)


def _variance(values: Numbers, weights: Counts) -> float:
    n = int(weights.sum())
    mean = float((values * weights).sum()) / n
    return float((np.square(values - mean) * weights).sum()) / (n - 1)


def histogram_precision(negatives: Counts, positives: Counts) -> tuple[float, float]:
    """Average precision from score histograms, and how far the exact one can be from it.

    The scores of a bin are taken as tied. At best all ones of a bin stand before its zeros with one score, at worst
    behind them, each with a score of its own.

    Args:
        negatives, positives: Rows of each bin, ascending in the score, shape (bins,).
    """
    ones, zeros = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    hits, seen = np.cumsum(ones), np.cumsum(ones + zeros)
    before, total = hits - ones, hits[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nansum(ones * hits / seen) / total
        best = np.nansum(ones * hits / (seen - zeros)) / total
        worst = np.nansum(np.where(ones > 0, ones * (before + 1.0) / (seen - ones + 1.0), 0.0)) / total
    return float(found), float(max(best - found, found - worst))


def calibration_from(bins: NDArray[np.float64]) -> float:
    """The calibration error from rows, sum of labels and sum of scores of each bin, shape (bins, 3)."""
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())
