"""The numbers that gates hold against limits, and their 95 % confidence intervals. Numpy only.

Every function takes `label` and `score`, both float64 of shape (n,), finite, checked by `base.scored`. Labels
of a binary task are 0 or 1 and its scores are probabilities of 1, from 0 to 1. No data is loaded here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
Better = Literal["higher", "lower"]

Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution: two-sided 95 %."""

THRESHOLD = 0.5
"""A score of 0.5 or more counts as a yes for accuracy, precision, recall and f1."""

CLIP = float(np.finfo(np.float64).eps)
"""log_loss moves scores into [CLIP, 1 - CLIP] (2.2e-16), so that one sure but wrong score is not infinite."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        function: From (label, score) to the value; raises BadInput where the value does not exist.
        better: Whether a higher or a lower value is better.
        tasks: Tasks of the manifest that it makes sense for.
        interval: From (label, score) to the 95 % interval, None where these rows give none; None where no
            textbook variance is used.
        formula: In one line, for people.
        source: Where formula and interval come from.
    """

    function: Callable[[Numbers, Numbers], float]
    better: Better
    tasks: frozenset[str]
    interval: Callable[[Numbers, Numbers], Interval | None] | None
    formula: str
    source: str


def midranks(values: Numbers) -> Numbers:
    """Ranks from 1 to n; tied values share the mean of their ranks. O(n log n).

    Args:
        values: Shape (n,), float64.
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2.0)[inverse]


def _classes(label: Numbers) -> tuple[int, int]:
    """How many rows are 1 and how many 0; BadInput where a class is empty."""
    positives = int(np.count_nonzero(label == 1.0))
    negatives = len(label) - positives
    if not positives or not negatives:
        there = "1" if positives else "0"
        raise BadInput(f"all labels are {there}, so this metric has no value; it needs rows of both classes.")
    return positives, negatives


def roc_auc(label: Numbers, score: Numbers) -> float:
    """Chance that a random 1 scores above a random 0; a tie counts half (Mann-Whitney U)."""
    positives, negatives = _classes(label)
    rank_sum = float(midranks(score)[label == 1.0].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def roc_auc_interval(label: Numbers, score: Numbers) -> Interval | None:
    """DeLong's interval, by the fast algorithm of Sun and Xu; None where the variance cannot be estimated.

    That is: a class with one row, or no variance at all (a perfect or a constant score), where the formula
    would claim certainty.
    """
    positives, negatives = _classes(label)
    if min(positives, negatives) < 2:
        return None
    ones, zeros = score[label == 1.0], score[label != 1.0]
    ranks = midranks(np.concatenate([ones, zeros]))
    share_below = (ranks[:positives] - midranks(ones)) / negatives
    share_above = 1.0 - (ranks[positives:] - midranks(zeros)) / positives
    variance = float(share_below.var(ddof=1) / positives + share_above.var(ddof=1) / negatives)
    return _around(float(share_below.mean()), variance, 0.0, 1.0)


def average_precision(label: Numbers, score: Numbers) -> float:
    """Area under the precision-recall steps, without interpolation; tied scores are one step."""
    positives, _ = _classes(label)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    hits = np.cumsum(label[order])
    steps = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    precision = hits[steps] / (steps + 1.0)
    recall = hits[steps] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _log_losses(label: Numbers, score: Numbers) -> Numbers:
    clipped = np.clip(score, CLIP, 1.0 - CLIP)
    losses: Numbers = -np.log(np.where(label == 1.0, clipped, 1.0 - clipped))
    return losses


def _squared_errors(label: Numbers, score: Numbers) -> Numbers:
    errors: Numbers = np.square(label - score)
    return errors


def _absolute_errors(label: Numbers, score: Numbers) -> Numbers:
    errors: Numbers = np.abs(label - score)
    return errors


def log_loss(label: Numbers, score: Numbers) -> float:
    """Mean of -ln(probability given to what happened), scores clipped to [CLIP, 1 - CLIP]."""
    return float(_log_losses(label, score).mean())


def brier(label: Numbers, score: Numbers) -> float:
    """Mean of (label - score) squared."""
    return float(_squared_errors(label, score).mean())


def mae(label: Numbers, score: Numbers) -> float:
    """Mean of |label - score|, in units of the label."""
    return float(_absolute_errors(label, score).mean())


def rmse(label: Numbers, score: Numbers) -> float:
    """Square root of the mean of (label - score) squared, in units of the label."""
    return float(np.sqrt(_squared_errors(label, score).mean()))


def r2(label: Numbers, score: Numbers) -> float:
    """Share of the label's variance that is explained; below 0 where the mean would do better."""
    total = float(np.square(label - label.mean()).sum())
    if total == 0.0:
        raise BadInput("all labels are the same number, so r2 has no value; it needs labels that differ.")
    return 1.0 - float(_squared_errors(label, score).sum()) / total


def accuracy(label: Numbers, score: Numbers) -> float:
    """Share of rows whose yes or no at 0.5 is right."""
    return float(((score >= THRESHOLD) == (label == 1.0)).mean())


def _yes_counts(label: Numbers, score: Numbers) -> tuple[int, int, int]:
    """(yes and right, all yes, all that are 1) at the threshold."""
    yes, ones = score >= THRESHOLD, label == 1.0
    return int(np.count_nonzero(yes & ones)), int(np.count_nonzero(yes)), int(np.count_nonzero(ones))


def precision(label: Numbers, score: Numbers) -> float:
    """Share of the yes at 0.5 that are 1."""
    right, yes, _ = _yes_counts(label, score)
    if not yes:
        raise BadInput("no row scores 0.5 or more, so precision has no value; look at the scale of the scores.")
    return right / yes


def recall(label: Numbers, score: Numbers) -> float:
    """Share of the 1 that are a yes at 0.5."""
    right, _, ones = _yes_counts(label, score)
    if not ones:
        raise BadInput("no label is 1, so recall has no value; it needs rows of that class.")
    return right / ones


def f1(label: Numbers, score: Numbers) -> float:
    """Harmonic mean of precision and recall at 0.5."""
    right, yes, ones = _yes_counts(label, score)
    if not yes + ones:
        raise BadInput("no label is 1 and no row scores 0.5 or more, so f1 has no value.")
    return 2.0 * right / (yes + ones)


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's 95 % score interval of a share.

    Args:
        successes: From 0 to trials.
        trials: At least 1.
    """
    share, weight = successes / trials, Z95**2 / trials
    centre = (share + weight / 2.0) / (1.0 + weight)
    half = np.sqrt(share * (1.0 - share) * weight + weight**2 / 4.0) / (1.0 + weight)
    return max(0.0, min(share, float(centre - half))), min(1.0, max(share, float(centre + half)))


def _accuracy_interval(label: Numbers, score: Numbers) -> Interval | None:
    return wilson(int(np.count_nonzero((score >= THRESHOLD) == (label == 1.0))), len(label))


def _precision_interval(label: Numbers, score: Numbers) -> Interval | None:
    right, yes, _ = _yes_counts(label, score)
    return wilson(right, yes) if yes else None


def _recall_interval(label: Numbers, score: Numbers) -> Interval | None:
    right, _, ones = _yes_counts(label, score)
    return wilson(right, ones) if ones else None


def _around(value: float, variance: float, low: float, high: float) -> Interval | None:
    """Normal interval around an estimate, kept inside what the metric can be; None without variance."""
    half = Z95 * float(np.sqrt(variance))
    if not 0.0 < half < np.inf:
        return None
    return max(low, value - half), min(high, value + half)


def _mean_interval(
    losses: Callable[[Numbers, Numbers], Numbers], high: float
) -> Callable[[Numbers, Numbers], Interval | None]:
    """The interval of a mean of losses: mean +- 1.96 standard errors, not below 0; None below 2 rows."""

    def interval(label: Numbers, score: Numbers) -> Interval | None:
        each = losses(label, score)
        return _around(float(each.mean()), float(each.var(ddof=1)) / len(each), 0.0, high) if len(each) > 1 else None

    return interval


_BINARY = frozenset({"binary"})
_REAL = frozenset({"regression", "forecasting"})
_MEAN = "interval: mean +- 1.96 standard errors"
_WILSON = "interval: Wilson 1927, JASA 22, 209-212"

METRICS: dict[str, Metric] = {
    "roc_auc": Metric(
        roc_auc,
        "higher",
        _BINARY,
        roc_auc_interval,
        "(sum of the ranks of the 1 - P(P+1)/2) / (P N), P ones, N zeros, ties at their mean rank",
        "Hanley and McNeil 1982, Radiology 143, 29-36; interval: DeLong and others 1988, Biometrics 44, "
        "837-845, computed as in Sun and Xu 2014, IEEE Signal Processing Letters 21, 1389-1393",
    ),
    "average_precision": Metric(
        average_precision,
        "higher",
        _BINARY,
        None,
        "sum over distinct scores, from high to low, of (recall - recall before) * precision",
        "as in scikit-learn's average_precision_score; no interval",
    ),
    "log_loss": Metric(
        log_loss,
        "lower",
        _BINARY,
        _mean_interval(_log_losses, np.inf),
        "mean of -(y ln p + (1-y) ln(1-p)), p clipped to [2.2e-16, 1 - 2.2e-16]",
        f"Good 1952, JRSS B 14, 107-114; clipping as in scikit-learn's log_loss; {_MEAN}",
    ),
    "brier": Metric(
        brier,
        "lower",
        _BINARY,
        _mean_interval(_squared_errors, 1.0),
        "mean of (y - p)^2",
        f"Brier 1950, Monthly Weather Review 78, 1-3; {_MEAN}",
    ),
    "accuracy": Metric(
        accuracy,
        "higher",
        _BINARY,
        _accuracy_interval,
        "rows where (p >= 0.5) = y, divided by all rows",
        _WILSON,
    ),
    "precision": Metric(
        precision,
        "higher",
        _BINARY,
        _precision_interval,
        "rows with p >= 0.5 and y = 1, divided by rows with p >= 0.5",
        f"{_WILSON}, given the number of rows with p >= 0.5",
    ),
    "recall": Metric(
        recall,
        "higher",
        _BINARY,
        _recall_interval,
        "rows with p >= 0.5 and y = 1, divided by rows with y = 1",
        f"{_WILSON}, given the number of rows with y = 1",
    ),
    "f1": Metric(
        f1,
        "higher",
        _BINARY,
        None,
        "2 TP / (rows with p >= 0.5 + rows with y = 1), TP rows with both",
        "van Rijsbergen 1979, Information Retrieval, chapter 7; no interval",
    ),
    "mae": Metric(
        mae,
        "lower",
        _REAL,
        _mean_interval(_absolute_errors, np.inf),
        "mean of |y - prediction|, in units of y",
        f"textbook; {_MEAN}",
    ),
    "rmse": Metric(
        rmse,
        "lower",
        _REAL,
        None,
        "square root of the mean of (y - prediction)^2, in units of y",
        "textbook; no interval",
    ),
    "r2": Metric(
        r2,
        "higher",
        _REAL,
        None,
        "1 - sum of (y - prediction)^2 / sum of (y - mean of y)^2",
        "textbook; no interval",
    ),
}
"""Every metric that a performance gate can name."""


def metrics_for(task: str) -> list[str]:
    """Names of the metrics of a task, sorted."""
    return sorted(name for name, metric in METRICS.items() if task in metric.tasks)
