"""Rules over what a model says: of known cases, and of rows that are changed to try it.

Each rule changes prepared rows and looks at the scores; what its value means is said in `gates.business`. A stress and
a rule of the vendor's own, which run code of the vendor's, are in `own_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput, VendorkitError
from vendorkit.tracking.own_rules import own_rule, stressed
from vendorkit.tracking.rule_rows import Asked, Batch, Fact, Hits, Largest
from vendorkit.tracking.subject import Measuring, Scores

STEPS = 9
SHAKE = 0.01
FAR_RANGES = 10
MOST_ALONE = 100
UNKNOWN = "a value that was never seen"


def approved(asked: Asked) -> dict[str, Any]:
    """How many rows the model would approve."""
    hits = Hits()
    for batch in asked.batches():
        yes = batch.scores() >= asked.threshold
        hits.add(yes if asked.favourable == 1 else ~yes)
    return hits.found(float(hits.count), "approved")


def breaks_rising(asked: Asked) -> dict[str, Any]:
    """Share of rows whose score falls while a column is raised."""
    return _monotone(asked, 1.0)


def breaks_falling(asked: Asked) -> dict[str, Any]:
    """Share of rows whose score rises while a column is raised."""
    return _monotone(asked, -1.0)


def _monotone(asked: Asked, sign: float) -> dict[str, Any]:
    facts = asked.facts(values=True)
    steps = {name: _deciles(np.concatenate(facts[name].values)) for name in asked.numbers(facts)}
    broken, each = Hits(), {name: Hits() for name in steps}
    for batch in asked.batches():
        any_fell = np.zeros(len(batch.rows), dtype=bool)
        for name, places in steps.items():
            path = np.stack([batch.changed(name, facts[name].made(step)) for step in places])
            fell = np.asarray((np.diff(sign * path, axis=0) < -1e-12).any(axis=0))  # of one step nothing falls
            each[name].add(fell)
            any_fell |= fell
        broken.add(any_fell)
    cells = [_cell(name, hits.count / hits.n, hits.n) for name, hits in each.items()]
    return {**broken.found(broken.count / broken.n, "break it"), "cells": cells}


def _deciles(values: Scores) -> Scores:
    steps: Scores = np.unique(np.nanquantile(values, np.linspace(0.1, 0.9, STEPS), method="lower"))
    return steps


def swap_change(asked: Asked) -> dict[str, Any]:
    """The largest change of a score when a column gets each other value that occurs."""
    facts = asked.facts()

    def changes(batch: Batch, name: str, before: Scores) -> Iterator[Scores]:
        for value in facts[name].seen:
            yield np.abs(batch.changed(name, value) - before)

    return _changed(asked, asked.columns, changes)


def shake_change(asked: Asked) -> dict[str, Any]:
    """The largest change of a score when a number moves by 1 % of its range."""
    facts = asked.facts()

    def changes(batch: Batch, name: str, before: Scores) -> Iterator[Scores]:
        step = SHAKE * (facts[name].high - facts[name].low)
        for by in (step, -step):
            yield np.abs(batch.changed(name, batch.rows[name].astype(float) + by) - before)

    return _changed(asked, asked.numbers(facts), changes)


def _changed(
    asked: Asked, names: Sequence[str], changes: Callable[[Batch, str, Scores], Iterator[Scores]]
) -> dict[str, Any]:
    """The largest of the changes of a score, over all columns and of each."""
    largest, each = Largest(), {name: Largest() for name in names}
    for batch in asked.batches():
        before = batch.scores()
        most = np.zeros(len(before))
        for name in names:
            change = np.fmax.reduce([np.zeros(len(before)), *changes(batch, name, before)])
            each[name].add(change)
            most = np.maximum(most, change)
        largest.add(most)
    says = f"The largest is in row {largest.row}." if largest.value > 0 else ""
    cells = [_cell(name, found.value, found.n) for name, found in each.items()]
    return {"values": {"value": largest.value}, "n": largest.n, "says": says, "cells": cells}


def fails_when_missing(asked: Asked) -> dict[str, Any]:
    """Share of rows that cannot be scored when a feature is missing; the worst feature counts."""
    return _failing(asked, lambda fact: [np.nan if fact.number else None])


def fails_at_extremes(asked: Asked) -> dict[str, Any]:
    """Share of rows that cannot be scored when a feature is far from all that was seen; the worst feature counts."""

    def far(fact: Fact) -> list[Any]:
        if not fact.number:
            return [UNKNOWN]
        away = FAR_RANGES * max(1.0, fact.high - fact.low)
        return [fact.low - away, fact.high + away]

    return _failing(asked, far)


def _failing(asked: Asked, values: Callable[[Fact], list[Any]]) -> dict[str, Any]:
    tried = {name: [(value, Hits()) for value in values(fact)] for name, fact in asked.facts().items()}
    for batch in asked.batches():
        for name, each in tried.items():
            for value, hits in each:
                hits.add(_unfit(batch, name, value))
    shares = {name: max(hits.count / hits.n for _, hits in each) for name, each in tried.items()}
    n = max(hits.n for each in tried.values() for _, hits in each)
    cells = [_cell(name, share, n) for name, share in shares.items()]
    worst = max(cells, key=lambda cell: cell["value"])
    says = f"The worst feature is {worst['name']}." if worst["value"] else ""
    return {"values": {"value": worst["value"]}, "n": n, "says": says, "cells": cells}


def _unfit(batch: Batch, name: str, value: Any) -> np.ndarray[Any, Any]:
    """Which rows have no fit score; where `predict` raises, the first rows are asked one by one and stand for all."""
    rows = batch.rows.assign(**{name: value})
    if batch.rows[name].dtype == object or value is None:
        rows[name] = pd.Series([value] * len(rows), index=rows.index, dtype=object)
    try:
        return ~batch.measuring.fit(batch.measuring.score(rows))
    except VendorkitError:
        few = [not _fits_alone(batch.measuring, rows.iloc[[at]]) for at in range(min(len(rows), MOST_ALONE))]
        return np.resize(few, len(rows))


def _fits_alone(measuring: Measuring, row: pd.DataFrame) -> bool:
    try:
        return bool(measuring.fit(measuring.score(row)).all())
    except VendorkitError:
        return False


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
    if given.get("code"):
        return own_rule(measuring, given)
    if metric == "rank_reversals":
        return stressed(measuring, given)
    columns = list(given.get("columns") or [])
    absent = [name for name in columns if name not in measuring.subject.features]
    if absent:
        raise BadInput(f"{', '.join(absent)} is no feature of the model.")
    decides = {key: given[key] for key in ("threshold", "favourable") if given.get(key) is not None}
    found = RULES[metric](Asked(measuring, given["benchmark"], columns, **decides))
    return {**found, "values": {metric: next(iter(found["values"].values()))}}


def _cell(name: str, value: float, n: int) -> dict[str, Any]:
    return {"name": name, "n": n, "value": value, "verdict": "pass"}
