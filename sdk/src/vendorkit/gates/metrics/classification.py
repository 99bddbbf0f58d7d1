"""Metrics of a binary task: labels are 0 or 1, scores the probability of 1, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.metrics.base import (
    DEFAULT,
    Influence,
    Interval,
    Metric,
    Numbers,
    Options,
    ToInterval,
    around,
    centred,
    of_influence,
    of_mean,
    wilson,
)
from vendorkit.gates.metrics.regression import squared_errors

CLIP = float(np.finfo(np.float64).eps)
"""log_loss moves scores into [CLIP, 1 - CLIP] (2.2e-16), so that one sure but wrong score is not infinite."""


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


def roc_auc(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Chance that a random 1 scores above a random 0; a tie counts half (Mann-Whitney U)."""
    positives, negatives = _classes(label)
    rank_sum = float(midranks(score)[label == 1.0].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def _placements(label: Numbers, score: Numbers) -> tuple[Numbers, Numbers]:
    """For each 1 the share of zeros below it, for each 0 the share of ones above it (Sun and Xu's algorithm)."""
    positives, negatives = _classes(label)
    ones, zeros = score[label == 1.0], score[label != 1.0]
    ranks = midranks(np.concatenate([ones, zeros]))
    share_below = (ranks[:positives] - midranks(ones)) / negatives
    share_above = 1.0 - (ranks[positives:] - midranks(zeros)) / positives
    return share_below, share_above


def roc_auc_interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
    """DeLong's interval; None where the variance cannot be estimated.

    That is: a class with one row, or no variance at all (a perfect or a constant score), where the formula
    would claim certainty.
    """
    positives, negatives = _classes(label)
    if min(positives, negatives) < 2:
        return None
    below, above = _placements(label, score)
    variance = float(below.var(ddof=1) / positives + above.var(ddof=1) / negatives)
    return around(float(below.mean()), variance, 0.0, 1.0)


def _roc_auc_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    below, above = _placements(label, score)
    moved = np.empty(len(label))
    moved[label == 1.0] = (below - below.mean()) * len(label) / len(below)
    moved[label != 1.0] = (above - above.mean()) * len(label) / len(above)
    return moved


def average_precision(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Area under the precision-recall steps, without interpolation; tied scores are one step."""
    positives, _ = _classes(label)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    hits = np.cumsum(label[order])
    steps = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    precision = hits[steps] / (steps + 1.0)
    recall = hits[steps] / positives
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def log_losses(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    """-ln(probability given to what happened), of each row."""
    clipped = np.clip(score, CLIP, 1.0 - CLIP)
    losses: Numbers = -np.log(np.where(label == 1.0, clipped, 1.0 - clipped))
    return losses


def log_loss(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of -ln(probability given to what happened), scores clipped to [CLIP, 1 - CLIP]."""
    return float(log_losses(label, score).mean())


def brier(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of (label - score) squared."""
    return float(squared_errors(label, score).mean())


def calibration_error(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean over rows of |share of 1 - mean score| of the bin that the row's score lies in."""
    place = np.searchsorted(options.edges, score, side="left")
    ones = np.bincount(place, weights=label, minlength=options.bins)
    scores = np.bincount(place, weights=score, minlength=options.bins)
    return float(np.abs(ones - scores).sum()) / len(label)


def _outcomes(label: Numbers, score: Numbers, options: Options) -> tuple[Numbers, Numbers, Numbers]:
    """For each row, as 0 or 1: a yes that is right, a yes, and a 1."""
    yes, ones = score >= options.threshold, label == 1.0
    return (yes & ones).astype(float), yes.astype(float), ones.astype(float)


def _counts(label: Numbers, score: Numbers, options: Options) -> tuple[int, int, int]:
    """(yes and right, all yes, all that are 1) at the threshold."""
    yes, ones = score >= options.threshold, label == 1.0
    return int(np.count_nonzero(yes & ones)), int(np.count_nonzero(yes)), int(np.count_nonzero(ones))


def _agrees(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    agrees: Numbers = ((score >= options.threshold) == (label == 1.0)).astype(float)
    return agrees


def accuracy(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of rows whose yes or no is right."""
    return float(_agrees(label, score, options).mean())


def precision(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of the yes that are 1."""
    return precision_of(*_counts(label, score, options), len(label))


def recall(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of the 1 that are a yes."""
    return recall_of(*_counts(label, score, options), len(label))


def f1(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Harmonic mean of precision and recall."""
    return f1_of(*_counts(label, score, options), len(label))


def lift(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Precision divided by the share of 1: how many times more of them are found than by chance."""
    return lift_of(*_counts(label, score, options), len(label))


def accuracy_of(right: int, yes: int, ones: int, n: int) -> float:
    """From counts of yes that are 1, of yes, of 1, and of all; so the next three."""
    return (n - yes - ones + 2 * right) / n


def precision_of(right: int, yes: int, ones: int, n: int) -> float:
    """BadInput where no row is a yes."""
    if not yes:
        raise BadInput("no row scores `threshold` or more, so precision has no value; look at the scale of the scores.")
    return right / yes


def recall_of(right: int, yes: int, ones: int, n: int) -> float:
    """BadInput where no row is 1."""
    if not ones:
        raise BadInput("no label is 1, so recall has no value; it needs rows of that class.")
    return right / ones


def f1_of(right: int, yes: int, ones: int, n: int) -> float:
    """BadInput where no row is 1 or a yes."""
    if not yes + ones:
        raise BadInput("no label is 1 and no row scores `threshold` or more, so f1 has no value.")
    return 2.0 * right / (yes + ones)


def lift_of(right: int, yes: int, ones: int, n: int) -> float:
    """BadInput where no row is 1 or none a yes."""
    if not yes or not ones:
        raise BadInput("no label is 1 or no row scores `threshold` or more, so lift has no value.")
    return (right / yes) / (ones / n)


RATES: dict[str, Callable[[int, int, int, int], float]] = {
    "accuracy": accuracy_of,
    "precision": precision_of,
    "recall": recall_of,
    "f1": f1_of,
    "lift": lift_of,
}
"""Metrics that follow from counts at a threshold."""


def _precision_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, _ = _outcomes(label, score, options)
    moved: Numbers = (right - precision(label, score, options) * yes) / yes.mean()
    return moved


def _recall_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, _, ones = _outcomes(label, score, options)
    moved: Numbers = (right - recall(label, score, options) * ones) / ones.mean()
    return moved


def _f1_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, ones = _outcomes(label, score, options)
    both = yes + ones
    moved: Numbers = (2.0 * right - f1(label, score, options) * both) / both.mean()
    return moved


def _lift_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, ones = _outcomes(label, score, options)
    value = lift(label, score, options)
    product = yes.mean() * ones.mean()
    moved: Numbers = right / product - value * (yes / yes.mean() + ones / ones.mean() - 1.0)
    return moved


def _share(of: Callable[[int, int, int, int, int], tuple[int, int]]) -> ToInterval:
    """Wilson's interval of a share of the counts; None where it is a share of nothing."""

    def interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
        counts = _counts(label, score, options)
        agreeing = len(label) - counts[1] - counts[2] + 2 * counts[0]
        successes, trials = of(*counts, agreeing, len(label))
        return wilson(successes, trials) if trials else None

    return interval


_BINARY = frozenset({"binary"})
_AT = frozenset({"threshold"})
_MEAN = "interval: mean +- 1.96 standard errors"
_WILSON = "interval: Wilson 1927, JASA 22, 209-212"
_DELTA = "interval: delta method"
_LOGS: Influence = centred(log_losses)

CLASSIFICATION: dict[str, Metric] = {
    "roc_auc": Metric(
        roc_auc,
        "higher",
        _BINARY,
        "(sum of the ranks of the 1 - P(P+1)/2) / (P N), P ones, N zeros, ties at their mean rank",
        "Hanley and McNeil 1982, Radiology 143, 29-36; interval: DeLong and others 1988, Biometrics 44, "
        "837-845, computed as in Sun and Xu 2014, IEEE Signal Processing Letters 21, 1389-1393",
        roc_auc_interval,
        _roc_auc_influence,
    ),
    "average_precision": Metric(
        average_precision,
        "higher",
        _BINARY,
        "sum over distinct scores, from high to low, of (recall - recall before) * precision",
        "as in scikit-learn's average_precision_score; no interval",
    ),
    "log_loss": Metric(
        log_loss,
        "lower",
        _BINARY,
        "mean of -(y ln p + (1-y) ln(1-p)), p clipped to [2.2e-16, 1 - 2.2e-16]",
        f"Good 1952, JRSS B 14, 107-114; clipping as in scikit-learn's log_loss; {_MEAN}",
        of_mean(log_losses),
        _LOGS,
    ),
    "brier": Metric(
        brier,
        "lower",
        _BINARY,
        "mean of (y - p)^2",
        f"Brier 1950, Monthly Weather Review 78, 1-3; {_MEAN}",
        of_mean(squared_errors, 1.0),
        centred(squared_errors),
    ),
    "calibration_error": Metric(
        calibration_error,
        "lower",
        _BINARY,
        "sum over bins of |sum of y - sum of p| / n; the declared `bins` (10) have equal width, (0, 0.1] and so on",
        "Naeini and others 2015, AAAI 29, 2901-2907 (expected calibration error); no interval",
        uses=frozenset({"bins"}),
    ),
    "accuracy": Metric(
        accuracy,
        "higher",
        _BINARY,
        "rows where (p >= t) = y, divided by all rows, t the declared `threshold`",
        _WILSON,
        _share(lambda right, yes, ones, agreeing, n: (agreeing, n)),
        centred(_agrees),
        _AT,
    ),
    "precision": Metric(
        precision,
        "higher",
        _BINARY,
        "rows with p >= t and y = 1, divided by rows with p >= t",
        f"{_WILSON}, given the number of rows with p >= t",
        _share(lambda right, yes, ones, agreeing, n: (right, yes)),
        _precision_influence,
        _AT,
    ),
    "recall": Metric(
        recall,
        "higher",
        _BINARY,
        "rows with p >= t and y = 1, divided by rows with y = 1",
        f"{_WILSON}, given the number of rows with y = 1",
        _share(lambda right, yes, ones, agreeing, n: (right, ones)),
        _recall_influence,
        _AT,
    ),
    "f1": Metric(
        f1,
        "higher",
        _BINARY,
        "2 TP / (rows with p >= t + rows with y = 1), TP rows with both",
        f"van Rijsbergen 1979, Information Retrieval, chapter 7; {_DELTA}",
        of_influence(f1, _f1_influence, 0.0, 1.0),
        _f1_influence,
        _AT,
    ),
    "lift": Metric(
        lift,
        "higher",
        _BINARY,
        "precision at the declared `threshold`, divided by the share of y = 1",
        f"Brin and others 1997, SIGMOD Record 26, 255-264; {_DELTA}",
        of_influence(lift, _lift_influence, 0.0, np.inf),
        _lift_influence,
        _AT,
    ),
}
"""Metrics of the task binary."""
