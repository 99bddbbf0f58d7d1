"""What a rule is asked of: prepared rows in batches, what is known of a column over all of them, and what was counted.

Where the rows fit into memory there is one batch. The rules themselves are in `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vendorkit.errors import BadInput
from vendorkit.tracking import plan
from vendorkit.tracking.batches import InBatches, prepared_batches
from vendorkit.tracking.subject import Measuring, Scores

MOST_SWAPS = 20
MOST_EXAMPLES = 3


@dataclass(frozen=True)
class Asked:
    """A rule asked of the prepared rows of a benchmark.

    Args:
        measuring: The model.
        benchmark: The dataset that it stands in for, and its snapshot.
        columns: Features that the rule is about; empty where the gate names none.
        threshold: A score at or above it is a 1.
        favourable: The class that approves.
    """

    measuring: Measuring
    benchmark: Mapping[str, str]
    columns: list[str]
    threshold: float = 0.5
    favourable: int = 0

    @property
    def in_batches(self) -> bool:
        """Whether the rows do not fit into memory."""
        return InBatches(self.measuring, self.benchmark, {}).snapshot.rows > plan.MOST_ROWS

    def batches(self) -> Iterator[Batch]:
        """The prepared rows: one batch where they fit into memory."""
        first = 0
        for rows in prepared_batches(self.measuring, self.benchmark):
            yield Batch(self.measuring, rows, first)
            first += len(rows)

    def numbers(self, facts: Mapping[str, Fact]) -> list[str]:
        """The named features, or all that are numbers.

        Raises:
            BadInput: A named feature is no number, or there is none.
        """
        features = self.columns or [name for name, fact in facts.items() if fact.number]
        words = [name for name in features if not facts[name].number]
        if words or not features:
            raise BadInput(f"{', '.join(words) or 'no feature'} holds numbers; the rule needs one that does.")
        return features

    def facts(self, *, values: bool = False) -> dict[str, Fact]:
        """What is known of each named feature, or of all, over all rows; with all values where they are asked for."""
        found: dict[str, Fact] = {}
        for batch in self.batches():
            for name in self.columns or self.measuring.subject.features:
                column = batch.rows[name]
                found.setdefault(name, Fact(is_number(column), column.dtype.type)).add(column, values=values)
        return found


@dataclass(frozen=True)
class Batch:
    """Some prepared rows, and how many stand before them."""

    measuring: Measuring
    rows: pd.DataFrame
    first: int

    def scores(self) -> Scores:
        """The scores of the rows as they are."""
        return self.measuring.judged(self.rows, first=self.first)

    def changed(self, column: str, value: Any) -> Scores:
        """The scores when a column has another value, or one for each row."""
        try:
            return self.measuring.judged(self.rows.assign(**{column: value}), first=self.first)
        except BadInput as error:
            raise BadInput(f"With `{column}` changed: {error.says}", error.faults, fix=error.fix) from error


@dataclass
class Fact:
    """What is known of a feature over all rows.

    Args:
        number: Whether it holds numbers.
        made: Makes a value of its type.
        low, high: Its range, of numbers.
        seen: The first different values that occur, at most `MOST_SWAPS`.
        values: All of its values, where they were asked for.
    """

    number: bool
    made: Callable[[Any], Any]
    low: float = np.inf
    high: float = -np.inf
    seen: list[Any] = field(default_factory=list)
    values: list[Scores] = field(default_factory=list)

    def add(self, column: pd.Series[Any], *, values: bool) -> None:
        """Some values."""
        if self.number:
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            self.low, self.high = (float(edge) for edge in (np.fmin.reduce(numbers, initial=self.low),
                                                             np.fmax.reduce(numbers, initial=self.high)))  # fmt: skip
            self.values += [numbers] if values else []
        if len(self.seen) < MOST_SWAPS:
            together = dict.fromkeys([*self.seen, *column.dropna().unique().tolist()])
            self.seen = list(together)[:MOST_SWAPS]


@dataclass
class Hits:
    """Rows that a rule counts: how many, of how many, and the first."""

    count: int = 0
    n: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, hits: np.ndarray[Any, Any]) -> None:
        """Some rows, true where they count."""
        self.named += [str(self.n + int(at) + 1) for at in np.flatnonzero(hits)[: MOST_EXAMPLES - len(self.named)]]
        self.count += int(hits.sum())
        self.n += len(hits)

    def found(self, value: float, what: str, metric: str = "value") -> dict[str, Any]:
        """A value with the first rows that it counts."""
        more = "first " if self.count > len(self.named) else ""
        rows = f"row{'s' if len(self.named) > 1 else ''} {', '.join(self.named)}"
        says = f"{self.count:,} of {self.n:,} rows {what} ({more}{rows})." if self.count else ""
        return {"values": {metric: value}, "n": self.n, "says": says}


@dataclass
class Largest:
    """The largest change of a score, and its row."""

    value: float = 0.0
    row: int = 0
    n: int = 0

    def add(self, change: Scores) -> None:
        """The changes of some rows."""
        if (top := float(np.fmax.reduce(change, initial=0.0))) > self.value:
            self.value, self.row = top, self.n + int(np.nanargmax(change)) + 1
        self.n += len(change)


def is_number(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers; true and false are none."""
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
