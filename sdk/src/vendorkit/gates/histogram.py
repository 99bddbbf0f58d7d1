"""Counts of scores by class, from which a report draws its curves."""

from __future__ import annotations

import numpy as np

from vendorkit.gates.base import Counted
from vendorkit.gates.scored import Scored
from vendorkit.records.gate_report import ScoreHistogram
from vendorkit.records.tallies import Tallies

BINS = 50


def binned(rows: Scored | Counted | str | None, task: str, which: str, base: Tallies | None) -> ScoreHistogram | None:
    """The scores of a binary task in 50 equal bins from 0 to 1; None where there are none.

    Args:
        rows: One model on one benchmark.
        task: Task of the model.
        which: Whose scores of what was counted: `score` the candidate's, `live` the live version's.
        base: What was counted of all rows, for rows that were.
    """
    if task != "binary" or rows is None or isinstance(rows, str):
        return None
    if isinstance(rows, Counted):
        counts = base.scores[which][0] if base is not None else np.zeros((2, BINS), dtype=np.int64)
    else:
        own = [np.histogram(rows.score[rows.label == label], bins=BINS, range=(0.0, 1.0))[0] for label in (0.0, 1.0)]
        counts = np.stack(own)
    edges = tuple(place / BINS for place in range(BINS + 1))
    return ScoreHistogram(edges=edges, negatives=tuple(counts[0].tolist()), positives=tuple(counts[1].tolist()))
