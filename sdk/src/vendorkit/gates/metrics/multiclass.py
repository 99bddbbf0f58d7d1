"""Metrics of a multiclass task: labels are numbers of classes, scores a probability for each class and row.

`label` has shape (n,) and holds 0 to k - 1; `score` has shape (n, k), rows that sum to 1. What is said of a row is
its most probable class, the first of equal ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.metrics.base import (
    DEFAULT,
    Interval,
    Metric,
    Numbers,
    Options,
    around,
    centred,
    of_influence,
    of_mean,
    wilson,
)
from vendorkit.gates.metrics.classification import CLIP, roc_auc, roc_auc_influence
from vendorkit.records.tallies import Counts

Confusion = Counts | Numbers
OF_ONE_CLASS = "a class has all rows or none, so roc_auc_ovr has no value; it needs rows of each class."


def said(score: Numbers) -> Numbers:
    """The most probable class of each row, shape (n,)."""
    classes: Numbers = np.argmax(score, axis=1).astype(np.float64)
    return classes


def confusion(label: Numbers, score: Numbers) -> Counts:
    """Rows by label (down) and by what was said (across), int64, shape (k, k)."""
    return _weighed(label, score, DEFAULT).astype(np.int64)


def _weighed(label: Numbers, score: Numbers, options: Options) -> Numbers:
    """The confusion, each row as often as it counts, float64, shape (k, k)."""
    k = score.shape[1]
    places = label.astype(np.int64) * k + said(score).astype(np.int64)
    return np.bincount(places, weights=options.weight, minlength=k * k).reshape(k, k).astype(np.float64)


def _agrees(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    agrees: Numbers = (said(score) == label).astype(np.float64)
    return agrees


def accuracy(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of rows whose most probable class is right."""
    return options.mean(_agrees(label, score))


def _accuracy_interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
    number = options.effective(np.ones(len(label), dtype=bool))
    return wilson(accuracy(label, score, options) * number, number)


def _log_losses(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    given = score[np.arange(len(label)), label.astype(np.int64)]
    losses: Numbers = -np.log(np.clip(given, CLIP, 1.0 - CLIP))
    return losses


def log_loss(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of -ln(probability given to the class that happened), clipped as for two classes."""
    return options.mean(_log_losses(label, score))


def roc_auc_ovr(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean over the classes of the area under the ROC curve of one class against the rest."""
    areas = []
    for place in range(score.shape[1]):
        own = (label == place).astype(np.float64)
        if own.all() or not own.any():
            raise BadInput(OF_ONE_CLASS)
        areas.append(roc_auc(own, score[:, place], options))
    return float(np.mean(areas))


def _roc_auc_ovr_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    each = [
        roc_auc_influence((label == place).astype(np.float64), score[:, place], options)
        for place in range(score.shape[1])
    ]
    moved: Numbers = np.mean(each, axis=0)
    return moved


def _of_confusion(rate: str, average: str) -> Callable[[Confusion], float]:
    """Precision, recall or F1, averaged over classes (macro, weighted by their rows) or over rows (micro).

    Classes that neither a label nor a prediction has do not count; a rate of nothing is 0.
    """

    def function(counts: Confusion) -> float:
        each = (counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1))
        right, yes, ones = (count.astype(np.float64) for count in each)
        if average == "micro":
            right, yes, ones = (np.array([count.sum()]) for count in (right, yes, ones))
        there = yes + ones > 0
        below = {"precision": yes, "recall": ones, "f1": (yes + ones) / 2.0}[rate]
        rates = np.divide(right, below, out=np.zeros(len(right)), where=below > 0)[there]
        weights = ones[there] if average == "weighted" else np.ones(len(rates))
        return float((rates * weights).sum() / weights.sum())

    return function


def confusion_interval(of_confusion: Callable[[Confusion], float], counts: Counts) -> Interval | None:
    """The jackknife's interval of a value that follows from a confusion; None without variance.

    Leaving out one row of a cell moves the value alike for all rows of the cell, so each cell is left out once.

    Args:
        of_confusion: From rows by label and by what was said to the value, from 0 to 1.
        counts: Those rows, shape (k, k).
    """
    n, cells = int(counts.sum()), np.argwhere(counts)
    if n < 2:
        return None
    left = np.empty(len(cells))
    for at, (row, column) in enumerate(cells):
        counts_left = counts.copy()
        counts_left[row, column] -= 1
        left[at] = of_confusion(counts_left)
    rows = counts[tuple(cells.T)]
    mean = float((rows * left).sum()) / n
    return around(of_confusion(counts), (n - 1) / n * float((rows * np.square(left - mean)).sum()), 0.0, 1.0)


def _metric(rate: str, average: str) -> Metric:
    from_counts = _of_confusion(rate, average)

    def function(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
        """Precision, recall or F1 of each class against the rest, averaged as the name says."""
        return from_counts(_weighed(label, score, options))

    def interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
        return None if options.weight is not None else confusion_interval(from_counts, confusion(label, score))

    return Metric(
        function,
        "higher",
        _TASK,
        f"{_RATES[rate]}, {_MEANT[average]}; what is said is the most probable class",
        f"as in scikit-learn's {rate}_score(average='{average}'); interval: jackknife, Efron and Stein 1981, Annals of "
        "Statistics 9, 586-596; none of weighed rows",
        interval,
        of_confusion=from_counts,
    )


_TASK = frozenset({"multiclass"})
_MEANT = {
    "macro": "mean over the classes",
    "weighted": "mean over the classes, weighted by the rows of each",
    "micro": "from the counts of all classes together",
}
_RATES = {
    "precision": "rows of a class among those said to be of it",
    "recall": "rows said to be of a class among those of it",
    "f1": "2 TP / (rows of a class + rows said to be of it)",
}

MULTICLASS: dict[str, Metric] = {
    f"{rate}_{average}": _metric(rate, average) for rate in _RATES for average in _MEANT
} | {
    "roc_auc_ovr": Metric(
        roc_auc_ovr,
        "higher",
        _TASK,
        "mean over the classes of the area under the ROC curve of one class against the rest",
        "Hand and Till 2001, Machine Learning 45, 171-186; as in scikit-learn's "
        "roc_auc_score(multi_class='ovr', average='macro'); interval: DeLong's, of the mean",
        of_influence(roc_auc_ovr, _roc_auc_ovr_influence, 0.0, 1.0),
        _roc_auc_ovr_influence,
    ),
}
"""Metrics that only a multiclass task has."""

ALSO: dict[str, Metric] = {
    "accuracy": Metric(
        accuracy,
        "higher",
        _TASK,
        "rows whose most probable class is right, divided by all rows",
        "interval: Wilson 1927, JASA 22, 209-212",
        _accuracy_interval,
        centred(_agrees),
    ),
    "log_loss": Metric(
        log_loss,
        "lower",
        _TASK,
        "mean of -ln(probability given to the class that happened)",
        "as in scikit-learn's log_loss; interval: mean +- 1.96 standard errors",
        of_mean(_log_losses),
        centred(_log_losses),
    ),
}
"""Metrics that a task of two classes has by the same name."""
