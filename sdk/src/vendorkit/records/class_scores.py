"""Scores of a task of several classes: what makes them unfit, and what the columns of a scored table are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-6
"""How far the probabilities of a row may be from 1 together."""

OWN = "vendorkit "
"""How columns begin that stand beside those of a benchmark and must not be taken for them."""
SAID = f"{OWN}said"
"""The number of the most probable class, the first of equal ones."""


def class_column(place: int) -> str:
    """The column of a class's probabilities."""
    return f"{OWN}p{place}"


def unfit(label: NDArray[np.float64], score: NDArray[np.float64], classes: Sequence[str], first: int = 0) -> str:
    """Why labels and probabilities cannot be judged; empty where they can.

    Args:
        label: Number of each row's class, -1 where it is none, shape (n,).
        score: Probabilities, shape (n, k).
        classes: Their names.
        first: Rows that stand before these, so that the right one is named.
    """
    if (label < 0).any():
        row = first + int(np.flatnonzero(label < 0)[0]) + 1
        return f"the label of row {row} is none of the classes that `predict` gives: {', '.join(classes)}"
    fit = np.isfinite(score).all(axis=1) & (score >= 0.0).all(axis=1) & (abs(score.sum(axis=1) - 1.0) <= ROUNDING)
    if not fit.all():
        row = first + int(np.flatnonzero(~fit)[0]) + 1
        return f"the probabilities of row {row} are not from 0 to 1 and 1 together ({int((~fit).sum())} such rows)"
    return ""
