"""Additive counts of segments: all that leaves a table engine. Metrics follow from them in `gates.samples`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vendorkit.records.slices import Condition

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]
Where = tuple[tuple[str, str], ...]

Term = Literal[
    "log_loss",
    "class_log_loss",
    "right",
    "squared_error",
    "absolute_error",
    "relative_error",
    "pinball",
    "zero",
    "size",
    "label",
    "label_squared",
]
"""What can be summed of each row: losses of label y and score p; whether y is 0, |y|, and y and its square from the
mean of all labels on. Of several classes, where p is the probability of the class that happened: its loss, and whether
that class was the most probable."""

MOST_VALUES = 200
"""A column of more distinct values is no category; its groups would be a few rows each."""


@dataclass(frozen=True)
class Asked:
    """What is counted of a table of labels and scores.

    Args:
        columns: Columns of at most 200 different values each: every value and every pair of values is a segment.
        condition: Count only the rows for which it holds; a comparison with a missing value never does.
        label: Column of labels.
        score: Column of scores.
        live: Column of the live version's scores on the same rows; empty where they are not counted.
        threshold: A score of at least this is a yes; None where labels are not 0 and 1.
        terms: What is summed, with all products of two.
        quantile: The quantile that a `pinball` loss is of.
        score_bins: Bins of the score histograms, at most; 0 for none.
        edges: Inner edges of the bins of a calibration error, ascending; a score on an edge lies left of it.
        classes: How many classes there are; 0 for a task without. Their columns are those of `records.class_scores`.
        confusion: Whether rows are counted by label and most probable class.
        class_bins: Bins of the score histograms of each class, at most; 0 for none.
    """

    columns: tuple[str, ...] = ()
    condition: Condition | None = None
    label: str = "label"
    score: str = "score"
    live: str = ""
    threshold: float | None = 0.5
    terms: tuple[Term, ...] = ()
    quantile: float = 0.5
    score_bins: int = 0
    edges: tuple[float, ...] = ()
    classes: int = 0
    confusion: bool = False
    class_bins: int = 0


@dataclass(frozen=True, eq=False)
class Tallies:
    """Counts and sums of k segments. Those of parts add up to those of the whole, so any engine gives the same.

    Args:
        where: Column and value of each segment: none for all rows, one, or two for a pair.
        outcomes: Rows by label (0, 1), by the score's yes (0, 2) and the live score's yes (0, 4), int64, shape
            (k, 4), or (k, 8) with a live score; (k, 1) where labels are not 0 and 1.
        terms: What was summed; with a live score each once more, as the live version's minus the candidate's.
        sums: Sum of each term, float64, shape (k, terms).
        products: Sum of each product of two terms, float64, shape (k, terms, terms).
        scores: By `score` and `live`: rows by label and score, int64, shape (k, 2, bins). Bin i holds scores from
            i / bins, the last one 1 as well.
        calibration: By `score` and `live`: rows, sum of labels and sum of scores in each bin, float64, shape
            (k, bins, 3).
        confusion: By `score` and `live`: rows by label (down) and most probable class (across), int64, shape
            (k, classes, classes).
        class_scores: By `score` and `live`: rows by class, by whether it happened, and by its probability, int64, shape
            (k, classes, 2, bins).
    """

    where: tuple[Where, ...]
    outcomes: Counts
    terms: tuple[str, ...]
    sums: Sums
    products: Sums
    scores: Mapping[str, Counts] = field(default_factory=dict)
    calibration: Mapping[str, Sums] = field(default_factory=dict)
    confusion: Mapping[str, Counts] = field(default_factory=dict)
    class_scores: Mapping[str, Counts] = field(default_factory=dict)

    @property
    def n(self) -> Counts:
        """Rows of each segment."""
        total: Counts = self.outcomes.sum(axis=1)
        return total
