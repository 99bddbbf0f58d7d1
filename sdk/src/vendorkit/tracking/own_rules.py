"""Rules that run code of the vendor's besides the model: a rule of their own, and a stress that changes the rows.

A benchmark that does not fit into memory is given to that code batch by batch. There it must treat a row without
looking at the others, which is tried on the first batch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.adapters.pipeline import load_function
from vendorkit.adapters.tables import batch_frame, frozen_batches, read_frozen
from vendorkit.errors import BadInput
from vendorkit.tracking import plan
from vendorkit.tracking.batches import InBatches, same, tried
from vendorkit.tracking.rule_rows import Asked, Hits
from vendorkit.tracking.subject import Measuring, Scores

IN_BATCHES = "and this benchmark is too large to be given to it at once"


def own_rule(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """What the vendor's own rule gives: rows that break it, or a number where all rows fit into memory."""
    code, metric = str(given["code"]), str(given["metric"])
    rule = measuring.pipeline.function(code, ("rows", "scores"))
    asked, hits = Asked(measuring, given["benchmark"], []), Hits()
    for batch in asked.batches():
        scores = pd.Series(batch.scores(), index=batch.rows.index, name="score")
        given_back = measuring.pipeline.call(rule, batch.rows.copy(), scores.copy())
        value = np.asarray(given_back)
        if value.shape == (len(scores),) and value.dtype == bool:
            if asked.in_batches and not hits.n:
                _try_rule(measuring, rule, code, batch.rows, scores, value)
            hits.add(value)
        elif value.shape != () or value.dtype.kind not in "biuf":
            kind = type(given_back).__qualname__
            raise BadInput(f"{code} gave {kind}; expected a number, or true and false for each row.")
        elif asked.in_batches:
            raise BadInput(f"{code} gives one number for all rows, {IN_BATCHES}; give true or false for each row.")
        else:
            return {"values": {metric: float(value)}, "n": len(scores)}
    return hits.found(hits.count / hits.n, "break it", metric)


def _try_rule(
    measuring: Measuring,
    rule: Callable[..., Any],
    code: str,
    rows: pd.DataFrame,
    scores: pd.Series[Any],
    value: np.ndarray[Any, Any],
) -> None:
    """Refuse a rule that says another thing of a row when others are away."""
    middle = (len(rows) + 1) // 2
    parts = [slice(0, middle), slice(middle, None)] if len(rows) > 1 else [slice(None)]
    again = [measuring.pipeline.call(rule, rows.iloc[part].copy(), scores.iloc[part].copy()) for part in parts]
    if not np.array_equal(np.concatenate([np.asarray(each).reshape(-1) for each in again]), value):
        raise BadInput(f"{code} says another thing of a row when other rows are away, {IN_BATCHES}.")


def stressed(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """How many pairs of rows change their order under the stress of a benchmark."""
    if not given.get("stress"):
        raise BadInput("rank_reversals is asked on a benchmark of kind stress whose `path` is a Python file.")
    shown = given["stress"]["shown"]
    function = load_function(Path(given["stress"]["file"]), "stress", ("rows",), shown)

    def stress(rows: pd.DataFrame) -> pd.DataFrame:
        changed = measuring.pipeline.call(function, rows.copy())
        if not isinstance(changed, pd.DataFrame) or len(changed) != len(rows):
            raise BadInput(f"{shown} stress() must give the table of rows that it takes, changed.")
        return changed

    before, after = _scored_twice(measuring, given["benchmark"], stress)
    if len(before) < 2:
        raise BadInput("there is one row, and a rank needs two.")
    return {"values": {"rank_reversals": rank_reversals(before, after)}, "n": len(before)}


def _scored_twice(
    measuring: Measuring, benchmark: dict[str, str], stress: Callable[[pd.DataFrame], pd.DataFrame]
) -> tuple[Scores, Scores]:
    """The scores of the rows of a benchmark as they are and under stress, 16 bytes a row."""
    scoring, base = InBatches(measuring, benchmark, {}), Path(measuring.subject.base)
    if scoring.snapshot.rows <= plan.MOST_ROWS:
        raws = iter([read_frozen(scoring.snapshot, base)])
    else:
        tried(measuring, benchmark, [])
        raws = (batch_frame(batch, scoring.snapshot) for batch in frozen_batches(scoring.snapshot, base))
    found: list[list[Scores]] = [[], []]
    for raw in raws:
        changed = stress(raw)
        if len(raw) < scoring.snapshot.rows and not found[0]:
            _try_stress(stress, raw, changed)
        tables = [scoring.prepared(each)[0] for each in (raw, changed)]
        if len(tables[0]) != len(tables[1]):
            left = f"of {len(tables[0])} prepared rows {len(tables[1])} are left"
            raise BadInput(f"{left} under stress; it must keep each.")
        for scores, rows in zip(found, tables, strict=True):
            measuring.complete(rows)
            scores.append(measuring.judged(rows, first=sum(map(len, scores))))
    return np.concatenate(found[0]), np.concatenate(found[1])


def _try_stress(stress: Callable[[pd.DataFrame], pd.DataFrame], raw: pd.DataFrame, changed: pd.DataFrame) -> None:
    """Refuse a stress that changes a row otherwise when others are away."""
    middle = (len(raw) + 1) // 2
    parts = [stress(part) for part in (raw.iloc[:middle], raw.iloc[middle:]) if len(part)]
    if not same(pd.concat(parts, ignore_index=True), changed.reset_index(drop=True)):
        raise BadInput(f"the stress changes a row otherwise when other rows are away, {IN_BATCHES}.")


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
