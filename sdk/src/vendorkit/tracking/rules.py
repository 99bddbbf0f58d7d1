"""Rules over what a model says: of known cases, and of rows that are changed to try it.

Each rule changes prepared rows and looks at the scores; what its value means is said in `gates.business`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, VendorkitError
from vendorkit.tracking.subject import Measuring, Scores

STEPS = 9
MOST_SWAPS = 20
SHAKE = 0.01
FAR_RANGES = 10
MOST_EXAMPLES = 3
MOST_ALONE = 100
UNKNOWN = "a value that was never seen"


@dataclass(frozen=True)
class Asked:
    """A rule asked of prepared rows.

    Args:
        measuring: The model.
        rows: Prepared rows.
        columns: Features that the rule is about; empty where the gate names none.
        threshold: A score at or above it is a 1.
        favourable: The class that approves.
    """

    measuring: Measuring
    rows: pd.DataFrame
    columns: list[str]
    threshold: float = 0.5
    favourable: int = 0

    def changed(self, column: str, value: Any) -> Scores:
        """The scores when a column has another value, or one for each row."""
        return self.measuring.score(self.rows.assign(**{column: value}))

    def numbers(self) -> list[str]:
        """The named features, or all that are numbers.

        Raises:
            BadInput: A named feature is no number, or there is none.
        """
        features = self.columns or [name for name in self.measuring.subject.features if _is_number(self.rows[name])]
        words = [name for name in features if not _is_number(self.rows[name])]
        if words or not features:
            raise BadInput(f"{', '.join(words) or 'no feature'} holds numbers; the rule needs one that does.")
        return features


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def approved(asked: Asked) -> dict[str, Any]:
    """How many rows the model would approve."""
    yes = asked.measuring.score(asked.rows) >= asked.threshold
    hits = yes if asked.favourable == 1 else ~yes
    return _found(float(hits.sum()), hits, len(asked.rows), "approved")


def breaks_rising(asked: Asked) -> dict[str, Any]:
    """Share of rows whose score falls while a column is raised."""
    return _monotone(asked, 1.0)


def breaks_falling(asked: Asked) -> dict[str, Any]:
    """Share of rows whose score rises while a column is raised."""
    return _monotone(asked, -1.0)


def _monotone(asked: Asked, sign: float) -> dict[str, Any]:
    broken = np.zeros(len(asked.rows), dtype=bool)
    cells = []
    for name in asked.numbers():
        column = asked.rows[name]
        steps = np.unique(np.nanquantile(column.to_numpy(dtype=float), np.linspace(0.1, 0.9, STEPS), method="lower"))
        path = np.stack([asked.changed(name, column.dtype.type(step)) for step in steps])
        fell = np.asarray((np.diff(sign * path, axis=0) < -1e-12).any(axis=0))  # of one step nothing falls
        cells.append(_cell(name, float(fell.mean()), len(fell)))
        broken |= fell
    return {**_found(float(broken.mean()), broken, len(broken), "break it"), "cells": cells}


def swap_change(asked: Asked) -> dict[str, Any]:
    """The largest change of a score when a column gets each other value that occurs."""
    before = asked.measuring.score(asked.rows)
    largest = np.zeros(len(before))
    cells = []
    for name in asked.columns:
        values = asked.rows[name].dropna().unique()[:MOST_SWAPS]
        change = np.max([np.abs(asked.changed(name, value) - before) for value in values], axis=0)
        cells.append(_cell(name, float(change.max()), len(change)))
        largest = np.maximum(largest, change)
    return {**_largest(largest), "cells": cells}


def shake_change(asked: Asked) -> dict[str, Any]:
    """The largest change of a score when a number moves by 1 % of its range."""
    before = asked.measuring.score(asked.rows)
    largest = np.zeros(len(before))
    cells = []
    for name in asked.numbers():
        column = asked.rows[name].astype(float)
        step = SHAKE * float(column.max() - column.min())
        moved = [np.abs(asked.changed(name, column + by) - before) for by in (step, -step)]
        change = np.nanmax(moved, axis=0)
        cells.append(_cell(name, float(change.max()), len(change)))
        largest = np.maximum(largest, change)
    return {**_largest(largest), "cells": cells}


def fails_when_missing(asked: Asked) -> dict[str, Any]:
    """Share of rows that cannot be scored when a feature is missing; the worst feature counts."""
    return _failing(asked, lambda column: iter([np.nan if _is_number(column) else None]))


def fails_at_extremes(asked: Asked) -> dict[str, Any]:
    """Share of rows that cannot be scored when a feature is far from all that was seen; the worst feature counts."""

    def far(column: pd.Series[Any]) -> Iterator[Any]:
        if not _is_number(column):
            yield UNKNOWN
            return
        low, high = float(column.min()), float(column.max())
        yield low - FAR_RANGES * max(1.0, high - low)
        yield high + FAR_RANGES * max(1.0, high - low)

    return _failing(asked, far)


def _failing(asked: Asked, values: Callable[[pd.Series[Any]], Iterator[Any]]) -> dict[str, Any]:
    n = len(asked.rows)
    cells = []
    for name in asked.columns or asked.measuring.subject.features:
        worst = max(_unfit(asked, name, value) for value in values(asked.rows[name]))
        cells.append(_cell(name, worst, n))
    worst_of_all = max(cells, key=lambda cell: cell["value"])
    says = f"The worst feature is {worst_of_all['name']}." if worst_of_all["value"] else ""
    return {"values": {"value": worst_of_all["value"]}, "n": n, "says": says, "cells": cells}


def _unfit(asked: Asked, name: str, value: Any) -> float:
    """Share of rows without a fit score; where `predict` raises, the first rows are asked one by one."""
    rows = asked.rows.assign(**{name: value})
    if asked.rows[name].dtype == object or value is None:
        rows[name] = pd.Series([value] * len(rows), index=rows.index, dtype=object)
    try:
        return float((~_fit(asked.measuring.score(rows))).mean())
    except VendorkitError:
        few = range(min(len(rows), MOST_ALONE))
        return sum(not _fits_alone(asked, rows.iloc[[at]]) for at in few) / len(few)


def _fits_alone(asked: Asked, row: pd.DataFrame) -> bool:
    try:
        return bool(_fit(asked.measuring.score(row)).all())
    except VendorkitError:
        return False


def _fit(scores: Scores) -> np.ndarray[Any, np.dtype[np.bool_]]:
    fit: np.ndarray[Any, np.dtype[np.bool_]] = np.isfinite(scores)
    return fit


def rank_reversals(before: Scores, after: Scores) -> float:
    """Share of the pairs whose order turns round: discordant pairs among all.

    Args:
        before: Scores, shape `(n,)`, n at least 2.
        after: Scores of the same rows under stress, shape `(n,)`.
    """
    order = np.lexsort((after, before))
    pairs = len(before) * (len(before) - 1) / 2
    # Rows with equal scores before are sorted by the score after, so that they do not count as turned.
    return _inversions(np.unique(after, return_inverse=True)[1][order]) / pairs


def _inversions(ranks: np.ndarray[Any, Any]) -> int:
    """Pairs of places whose values stand the wrong way round, by merging sorted halves, O(n log^2 n)."""
    if len(ranks) < 2:
        return 0
    left, right = np.split(ranks, [len(ranks) // 2])
    count = _inversions(left) + _inversions(right)
    return count + int((len(left) - np.searchsorted(np.sort(left), right, side="right")).sum())


RULES: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "approved_known_bad": approved,
    "approved_known_fraud": approved,
    "breaks_rising": breaks_rising,
    "breaks_falling": breaks_falling,
    "swap_change": swap_change,
    "shake_change": shake_change,
    "fails_when_missing": fails_when_missing,
    "fails_at_extremes": fails_at_extremes,
}


def business(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """A rule of the business, of those above, of a stress, or of the vendor's own."""
    metric = str(given["metric"])
    rows = measuring.rows(given["benchmark"])
    if given.get("code"):
        return {**_own(measuring, given, rows), "n": len(rows)}
    if metric == "rank_reversals":
        return _stressed(measuring, given, rows)
    columns = list(given.get("columns") or [])
    absent = [name for name in columns if name not in measuring.subject.features]
    if absent:
        raise BadInput(f"{', '.join(absent)} is no feature of the model.")
    decides = {key: given[key] for key in ("threshold", "favourable") if given.get(key) is not None}
    found = RULES[metric](Asked(measuring, rows, columns, **decides))
    return {**found, "values": {metric: next(iter(found["values"].values()))}}


def _stressed(measuring: Measuring, given: dict[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    if not given.get("stress"):
        raise BadInput("rank_reversals is asked on a benchmark of kind stress whose `path` is a Python file.")
    after = measuring.stressed(given["benchmark"], given["stress"])
    if len(after) != len(rows) or len(rows) < 2:
        raise BadInput(f"the stress gives {len(after)} rows for {len(rows)}; it must give each row, at least two.")
    share = rank_reversals(measuring.score(rows), measuring.score(after))
    return {"values": {"rank_reversals": share}, "n": len(rows)}


def _own(measuring: Measuring, given: dict[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    """What the vendor's own rule gives: a number, or rows that break it."""
    rule = measuring.pipeline.function(str(given["code"]), ("rows", "scores"))
    scores = measuring.score(rows)
    value = measuring.pipeline.call(rule, rows.copy(), pd.Series(scores, index=rows.index, name="score"))
    array = np.asarray(value)
    if array.shape == (len(rows),) and array.dtype == bool:
        return _found(float(array.mean()), array, len(rows), "break it", str(given["metric"]))
    if array.shape != () or array.dtype.kind not in "biuf":
        raise BadInput(
            f"{given['code']} gave {type(value).__qualname__}; expected a number, or true and false for each row."
        )
    return {"values": {str(given["metric"]): float(array)}}


def _found(value: float, hits: np.ndarray[Any, Any], n: int, what: str, metric: str = "value") -> dict[str, Any]:
    """A value with the first rows that it counts."""
    rows = [str(at + 1) for at in np.flatnonzero(hits)[:MOST_EXAMPLES]]
    count = int(hits.sum())
    first = (
        f" ({'first ' if count > len(rows) else ''}row{'s' if len(rows) > 1 else ''} {', '.join(rows)})" if rows else ""
    )
    return {"values": {metric: value}, "n": n, "says": f"{count} of {n} rows {what}{first}." if count else ""}


def _largest(change: Scores) -> dict[str, Any]:
    at = int(np.argmax(change))
    says = f"The largest is in row {at + 1}." if change[at] > 0 else ""
    return {"values": {"value": float(change[at])}, "n": len(change), "says": says}


def _cell(name: str, value: float, n: int) -> dict[str, Any]:
    return {"name": name, "n": n, "value": value, "verdict": "pass"}
