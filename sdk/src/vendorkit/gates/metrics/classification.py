"""Metrics of a binary task: labels are 0 or 1, scores the probability of 1, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput
from vendorkit.gates.metrics.base import (
    DEFAULT,
    Z95,
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
    _classes(label)
    below, _ = _placements(label, score, options)
    return float(np.average(below, weights=None if options.weight is None else options.weight[label == 1.0]))


def _placements(label: Numbers, score: Numbers, options: Options) -> tuple[Numbers, Numbers]:
    """For each 1 the share of zeros below it, for each 0 the share of ones above it; a tie counts half."""
    _, place = np.unique(score, return_inverse=True)
    weight = np.ones(len(label)) if options.weight is None else options.weight
    ones = np.bincount(place, weights=weight * label)
    zeros = np.bincount(place, weights=weight * (1.0 - label))
    below = (np.cumsum(zeros) - zeros / 2.0) / zeros.sum()
    above = 1.0 - (np.cumsum(ones) - ones / 2.0) / ones.sum()
    return below[place[label == 1.0]], above[place[label != 1.0]]


def roc_auc_interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
    """DeLong's interval; None where the variance cannot be estimated.

    That is: a class with one row, or no variance at all (a perfect or a constant score), where the formula
    would claim certainty.
    """
    positives, negatives = _classes(label)
    if min(positives, negatives) < 2:
        return None
    if options.weight is not None:
        return of_influence(roc_auc, roc_auc_influence, 0.0, 1.0)(label, score, options)
    below, above = _placements(label, score, options)
    variance = float(below.var(ddof=1) / positives + above.var(ddof=1) / negatives)
    return around(float(below.mean()), variance, 0.0, 1.0)


def roc_auc_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    area, ones = roc_auc(label, score, options), label == 1.0
    share = options.mean(label)
    moved = np.empty(len(label))
    below, above = _placements(label, score, options)
    moved[ones], moved[~ones] = (below - area) / share, (above - area) / (1.0 - share)
    return moved


def average_precision(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Area under the precision-recall steps, without interpolation; tied scores are one step."""
    _classes(label)
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    weight = np.ones(len(label)) if options.weight is None else options.weight[order]
    hits, said = np.cumsum(weight * label[order]), np.cumsum(weight)
    steps = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    precision = hits[steps] / said[steps]
    recall = hits[steps] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_interval(value: float, positives: int) -> Interval | None:
    """The logit interval of an average precision (Boyd and others 2013); None at 0 and 1, where it has no width.

    Args:
        value: The average precision.
        positives: Rows that are 1, at least 1.
    """
    if not 0.0 < value < 1.0:
        return None
    centre, half = np.log(value / (1.0 - value)), Z95 / np.sqrt(positives * value * (1.0 - value))
    low, high = ((1.0 + np.tanh(end / 2)) / 2 for end in (centre - half, centre + half))  # the logistic, no overflow
    return float(low), float(high)


def _average_precision_interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
    if options.weight is not None:
        return None  # the zeros' weights move it too, of which the logit interval knows nothing
    return precision_interval(average_precision(label, score), int(np.count_nonzero(label == 1.0)))


def log_losses(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    """-ln(probability given to what happened), of each row."""
    clipped = np.clip(score, CLIP, 1.0 - CLIP)
    losses: Numbers = -np.log(np.where(label == 1.0, clipped, 1.0 - clipped))
    return losses


def log_loss(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of -ln(probability given to what happened), scores clipped to [CLIP, 1 - CLIP]."""
    return options.mean(log_losses(label, score))


def brier(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of (label - score) squared."""
    return options.mean(squared_errors(label, score))


def calibration_error(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean over rows of |share of 1 - mean score| of the bin that the row's score lies in."""
    place = np.searchsorted(options.edges, score, side="left")
    weight = np.ones(len(label)) if options.weight is None else options.weight
    ones = np.bincount(place, weights=weight * label, minlength=options.bins)
    scores = np.bincount(place, weights=weight * score, minlength=options.bins)
    return float(np.abs(ones - scores).sum()) / float(weight.sum())


def _outcomes(label: Numbers, score: Numbers, options: Options) -> tuple[Numbers, Numbers, Numbers]:
    """For each row, as 0 or 1: a yes that is right, a yes, and a 1."""
    yes, ones = score >= options.threshold, label == 1.0
    return (yes & ones).astype(float), yes.astype(float), ones.astype(float)


def _counts(label: Numbers, score: Numbers, options: Options) -> tuple[float, float, float, float]:
    """(yes and right, all yes, all that are 1, all) at the threshold, each row as often as it counts."""
    yes, ones = score >= options.threshold, label == 1.0
    return options.total(yes & ones), options.total(yes), options.total(ones), options.total(np.ones(len(label)))


def _agrees(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    agrees: Numbers = ((score >= options.threshold) == (label == 1.0)).astype(float)
    return agrees


def accuracy(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of rows whose yes or no is right."""
    return options.mean(_agrees(label, score, options))


def precision(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of the yes that are 1."""
    return precision_of(*_counts(label, score, options))


def recall(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of the 1 that are a yes."""
    return recall_of(*_counts(label, score, options))


def f1(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Harmonic mean of precision and recall."""
    return f1_of(*_counts(label, score, options))


def lift(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Precision divided by the share of 1: how many times more of them are found than by chance."""
    return lift_of(*_counts(label, score, options))


def accuracy_of(right: float, yes: float, ones: float, n: float) -> float:
    """From counts of yes that are 1, of yes, of 1, and of all; so the next three."""
    return (n - yes - ones + 2 * right) / n


def precision_of(right: float, yes: float, ones: float, n: float) -> float:
    """BadInput where no row is a yes."""
    if not yes:
        raise BadInput("no row scores `threshold` or more, so precision has no value; look at the scale of the scores.")
    return right / yes


def recall_of(right: float, yes: float, ones: float, n: float) -> float:
    """BadInput where no row is 1."""
    if not ones:
        raise BadInput("no label is 1, so recall has no value; it needs rows of that class.")
    return right / ones


def f1_of(right: float, yes: float, ones: float, n: float) -> float:
    """BadInput where no row is 1 or a yes."""
    if not yes + ones:
        raise BadInput("no label is 1 and no row scores `threshold` or more, so f1 has no value.")
    return 2.0 * right / (yes + ones)


def lift_of(right: float, yes: float, ones: float, n: float) -> float:
    """BadInput where no row is 1 or none a yes."""
    if not yes or not ones:
        raise BadInput("no label is 1 or no row scores `threshold` or more, so lift has no value.")
    return (right / yes) / (ones / n)


RATES: dict[str, Callable[[float, float, float, float], float]] = {
    "accuracy": accuracy_of,
    "precision": precision_of,
    "recall": recall_of,
    "f1": f1_of,
    "lift": lift_of,
}
"""Metrics that follow from counts at a threshold."""


def _precision_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, _ = _outcomes(label, score, options)
    moved: Numbers = (right - precision(label, score, options) * yes) / options.mean(yes)
    return moved


def _recall_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, _, ones = _outcomes(label, score, options)
    moved: Numbers = (right - recall(label, score, options) * ones) / options.mean(ones)
    return moved


def _f1_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, ones = _outcomes(label, score, options)
    both = yes + ones
    moved: Numbers = (2.0 * right - f1(label, score, options) * both) / options.mean(both)
    return moved


def _lift_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    right, yes, ones = _outcomes(label, score, options)
    value = lift(label, score, options)
    said, there = options.mean(yes), options.mean(ones)
    moved: Numbers = right / (said * there) - value * (yes / said + ones / there - 1.0)
    return moved


def _share(trials: Callable[[Numbers, Numbers, Options], NDArray[np.bool_]], right: Influence) -> ToInterval:
    """Wilson's interval of a share: of the rows that are trials those that are right; None where none is.

    Weighed rows count as many as Kish's effective number of them.
    """

    def interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
        tried = trials(label, score, options)
        number = options.effective(tried)
        share = options.total(tried * right(label, score, options)) / options.total(tried) if number else 0.0
        return wilson(share * number, number) if number else None

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
        "Hanley and McNeil 1982, Radiology 143, 29-36; interval: DeLong and others 1988, Biometrics 44, 837-845",
        roc_auc_interval,
        roc_auc_influence,
    ),
    "average_precision": Metric(
        average_precision,
        "higher",
        _BINARY,
        "sum over distinct scores, from high to low, of (recall - recall before) * precision",
        "as in scikit-learn's average_precision_score; interval: logit, Boyd, Eng and Page 2013, ECML PKDD, LNCS 8190, "
        "451-466; none of weighed rows",
        _average_precision_interval,
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
        _share(lambda label, score, options: np.ones(len(label), dtype=bool), _agrees),
        centred(_agrees),
        _AT,
    ),
    "precision": Metric(
        precision,
        "higher",
        _BINARY,
        "rows with p >= t and y = 1, divided by rows with p >= t",
        f"{_WILSON}, given the number of rows with p >= t",
        _share(lambda label, score, options: score >= options.threshold, _agrees),
        _precision_influence,
        _AT,
    ),
    "recall": Metric(
        recall,
        "higher",
        _BINARY,
        "rows with p >= t and y = 1, divided by rows with y = 1",
        f"{_WILSON}, given the number of rows with y = 1",
        _share(lambda label, score, options: label == 1.0, _agrees),
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
