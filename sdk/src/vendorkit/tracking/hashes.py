"""Hashes of rows, so that equal rows are found in 8 bytes each, across batches and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

WHOLE = 2.0**53
"""Below it every whole number is a fraction, too, and the other way round."""


Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def row_hashes(rows: pd.DataFrame) -> Hashes:
    """A hash of each row, uint64, shape (n,); whole numbers and fractions of the same value are the same."""
    plain = {str(name): _bits(rows[name]) for name in rows if pd.api.types.is_numeric_dtype(rows[name])}
    return np.asarray(pd.util.hash_pandas_object(rows.assign(**plain), index=False), dtype=np.uint64)


def sorted_hashes(parts: Iterable[Hashes]) -> Hashes:
    """All hashes together, ascending; sorting is several times faster than a set of them."""
    together = np.concatenate([np.empty(0, dtype=np.uint64), *parts])
    together.sort()
    return together


def among(hashes: Hashes, known: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of some hashes stand among sorted ones; asked in order, so that memory is read in order."""
    order = np.argsort(hashes)
    found = np.zeros(len(hashes), dtype=bool)
    if len(known):
        asked = hashes[order]
        found[order] = known[np.searchsorted(known, asked).clip(max=len(known) - 1)] == asked
    return found


def _bits(values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers as int64: whole ones as they are, fractions by their bits, all missing ones alike."""
    if pd.api.types.is_integer_dtype(values.dtype) and not values.hasnans:
        return values.to_numpy(dtype=np.int64)
    given = values.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = (np.abs(given) < WHOLE) & (given == np.floor(given))
    bits = np.where(np.isnan(given), np.nan, given).view(np.int64)
    return np.where(whole, np.where(whole, given, 0.0).astype(np.int64), bits)
