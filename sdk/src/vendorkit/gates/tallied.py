"""Metrics of many segments at once, from additive counts. Numpy only; no row is looked at."""

from __future__ import annotations

import numpy as np

from vendorkit.gates.metrics import Numbers
from vendorkit.records.tallies import Counts, Tallies


def tallied(tallies: Tallies) -> dict[str, Numbers]:
    """Metrics by name, each of shape (k,); NaN where a metric has no value.

    Args:
        tallies: Counts of k segments.
    """
    yes, ones = tallies.tp + tallies.fp, tallies.tp + tallies.fn
    n = tallies.n
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "accuracy": (tallies.tp + tallies.tn) / n,
            "precision": tallies.tp / yes,
            "recall": tallies.tp / ones,
            "f1": 2.0 * tallies.tp / (yes + ones),
            "lift": tallies.tp * n / (yes * ones.astype(np.float64)),
            "log_loss": tallies.log_loss / n,
            "brier": tallies.squared_error / n,
        }


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
