"""Curves of a binary model from its score histogram: ROC, precision and recall, calibration, distribution.

Only counts per bin come in, so a curve is exact at the edges of the bins and straight between them. Nothing is
drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vendorkit.records.gate_report import ScoreHistogram

Point = tuple[float, float]
Rows = Literal["all", "negatives", "positives"]

_Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Threshold:
    """What follows when every score from `score` upwards is a yes.

    Args:
        score: The threshold, an edge of the histogram.
        yes: Rows that are said yes to.
        true_positive_rate: Share of label 1 that is said yes to; also called recall.
        false_positive_rate: Share of label 0 that is said yes to.
        precision: Share of the yeses that are label 1; None where nobody is said yes to.
    """

    score: float
    yes: int
    true_positive_rate: float
    false_positive_rate: float
    precision: float | None


@dataclass(frozen=True)
class Reliability:
    """One range of scores: what the model said and what happened.

    Args:
        low, high: The range.
        n: Rows in it.
        said: Mean score, each row taken at the middle of its bin.
        seen: Share of label 1.
        interval: 95 % interval of the share by Wilson (1927).
    """

    low: float
    high: float
    n: int
    said: float
    seen: float
    interval: Point


@dataclass(frozen=True)
class Share:
    """The share of rows whose score lies from `low` to `high`."""

    low: float
    high: float
    share: float


def thresholds(histogram: ScoreHistogram) -> list[Threshold]:
    """Every edge as a threshold, the highest first; empty where a class has no rows."""
    negatives, positives = sum(histogram.negatives), sum(histogram.positives)
    if not negatives or not positives:
        return []
    found = [Threshold(histogram.edges[-1], 0, 0.0, 0.0, None)]
    true = false = 0
    for place in reversed(range(len(histogram.negatives))):
        true += histogram.positives[place]
        false += histogram.negatives[place]
        precision = true / (true + false) if true + false else None
        edge = histogram.edges[place]
        found.append(Threshold(edge, true + false, true / positives, false / negatives, precision))
    return found


def roc(histogram: ScoreHistogram) -> list[Point]:
    """False positive rate and true positive rate, from (0, 0) to (1, 1)."""
    return [(each.false_positive_rate, each.true_positive_rate) for each in thresholds(histogram)]


def precision_recall(histogram: ScoreHistogram) -> list[Point]:
    """Recall and precision, from the highest threshold that says yes to anybody."""
    found = thresholds(histogram)
    return [(each.true_positive_rate, each.precision) for each in found if each.precision is not None]


def area(points: list[Point]) -> float:
    """Area under straight lines between points, by the trapezoidal rule."""
    return sum((right[0] - left[0]) * (right[1] + left[1]) / 2.0 for left, right in pairwise(points))


def reliability(histogram: ScoreHistogram, ranges: int = 10) -> list[Reliability]:
    """What the model said against what happened, in at most `ranges` ranges of scores; empty ranges are left out."""
    found = []
    for low, high, bins in _grouped(histogram, ranges):
        n = sum(histogram.negatives[place] + histogram.positives[place] for place in bins)
        if not n:
            continue
        said = sum(
            (histogram.negatives[place] + histogram.positives[place])
            * (histogram.edges[place] + histogram.edges[place + 1])
            / 2.0
            for place in bins
        )
        positives = sum(histogram.positives[place] for place in bins)
        found.append(Reliability(low, high, n, said / n, positives / n, wilson(positives, n)))
    return found


def shares(histogram: ScoreHistogram, ranges: int = 20, rows: Rows = "all") -> list[Share]:
    """How the scores are spread over at most `ranges` ranges; empty where there are no such rows."""
    counted = {
        "all": [left + right for left, right in zip(histogram.negatives, histogram.positives, strict=True)],
        "negatives": list(histogram.negatives),
        "positives": list(histogram.positives),
    }[rows]
    total = sum(counted)
    if not total:
        return []
    groups = _grouped(histogram, ranges)
    return [Share(low, high, sum(counted[place] for place in bins) / total) for low, high, bins in groups]


def wilson(yes: int, n: int) -> Point:
    """95 % interval of a share by Wilson (1927), Journal of the American Statistical Association 22, 209-212."""
    share, square = yes / n, _Z95 * _Z95
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z95 / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _grouped(histogram: ScoreHistogram, ranges: int) -> Iterator[tuple[float, float, list[int]]]:
    """Neighbouring bins in at most `ranges` ranges of about one width: low edge, high edge, bins."""
    edges = histogram.edges
    low, width = edges[0], (edges[-1] - edges[0]) / ranges or 1.0
    groups: dict[int, list[int]] = {}
    for place in range(len(edges) - 1):
        middle = (edges[place] + edges[place + 1]) / 2.0
        groups.setdefault(min(ranges - 1, int((middle - low) / width)), []).append(place)
    for bins in groups.values():
        yield edges[bins[0]], edges[bins[-1] + 1], bins
