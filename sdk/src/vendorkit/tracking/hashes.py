"""Hashes of rows, so that equal rows are found in 8 bytes each, across batches and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

WHOLE = 2.0**53
"""Below it every whole number is a fraction, too, and the other way round."""


def row_hashes(rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A hash of each row, uint64, shape (n,); whole numbers and fractions of the same value are the same."""
    plain = {str(name): _bits(rows[name]) for name in rows if pd.api.types.is_numeric_dtype(rows[name])}
    return np.asarray(pd.util.hash_pandas_object(rows.assign(**plain), index=False), dtype=np.uint64)


def _bits(values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers as int64: whole ones as they are, fractions by their bits, all missing ones alike."""
    if pd.api.types.is_integer_dtype(values.dtype) and not values.hasnans:
        return values.to_numpy(dtype=np.int64)
    given = values.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = (np.abs(given) < WHOLE) & (given == np.floor(given))
    bits = np.where(np.isnan(given), np.nan, given).view(np.int64)
    return np.where(whole, np.where(whole, given, 0.0).astype(np.int64), bits)
