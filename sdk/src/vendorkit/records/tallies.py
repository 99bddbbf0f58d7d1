"""Additive counts of segments: all that leaves a table engine. Metrics follow from them in `gates.tallied`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]
Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Tallies:
    """Counts and sums of k segments. Those of parts add up to those of the whole, so any engine gives the same.

    Args:
        where: Column and value of each segment: none for all rows, one, or two for a pair.
        tn, fn, fp, tp: Rows by what was said (p: a score of at least the threshold) and whether that was right (t),
            int64, shape (k,).
        log_loss, squared_error: Sums over the rows, float64, shape (k,).
        negatives, positives: Rows of label 0 and 1 by score, int64, shape (j, bins): of the first j segments, which
            are all rows and those of one column. Bin i holds scores from i / bins, the last one 1 as well.
    """

    where: tuple[Where, ...]
    tn: Counts
    fn: Counts
    fp: Counts
    tp: Counts
    log_loss: Sums
    squared_error: Sums
    negatives: Counts
    positives: Counts

    @property
    def n(self) -> Counts:
        """Rows of each segment."""
        total: Counts = self.tn + self.fn + self.fp + self.tp
        return total
