"""Counts of scores by class, from which a report draws its curves."""

from __future__ import annotations

import numpy as np

from vendorkit.gates.base import Scored
from vendorkit.records.gate_report import ScoreHistogram

BINS = 50


def histogram(rows: Scored | str | None, task: str) -> ScoreHistogram | None:
    """The scores of a binary task in 50 equal bins from 0 to 1; None where there are none."""
    if task != "binary" or rows is None or isinstance(rows, str):
        return None
    counts = [np.histogram(rows.score[rows.label == label], bins=BINS, range=(0.0, 1.0))[0] for label in (0.0, 1.0)]
    edges = tuple(place / BINS for place in range(BINS + 1))
    return ScoreHistogram(edges=edges, negatives=tuple(counts[0].tolist()), positives=tuple(counts[1].tolist()))
