"""How far groups are apart: rates of each group, and the ratio or difference of the two furthest apart. Numpy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput
from vendorkit.gates.metrics import Interval, Numbers
from vendorkit.gates.metrics.base import Z95, wilson

FOUR_FIFTHS = 0.8

Table = NDArray[np.float64]
"""By whether the favourable was right for people, and whether they were given it, shape (3, 2, 2): the rows, the sum of
their weights, the sum of these squared."""

Rating = Callable[[Table], tuple[Numbers, Numbers]]
"""From such a table the successes and trials of a rate, each of shape (3,)."""


@dataclass(frozen=True)
class Disparity:
    """One measure of fairness.

    Args:
        kind: Whether rates are compared by ratio or by difference; `level` holds each group's own error.
        rates: Names and counts of the rates of a group; empty for a level.
        favourable: The favourable label where none is declared.
        formula: In one line.
        source: Where it comes from.
    """

    kind: Literal["ratio", "difference", "level"]
    rates: dict[str, Rating]
    favourable: int
    formula: str
    source: str


@dataclass(frozen=True)
class Rate:
    """A rate of one group: successes of trials, or a level.

    Args:
        group: Its name.
        rows: Rows that it rests on.
        successes, trials: Of weighed rows Kish's (1965, Survey Sampling) effective numbers, which need not be whole.
        level: 0 to 1, where it is none of successes.
    """

    group: str
    rows: int
    successes: float = 0.0
    trials: float = 0.0
    level: float | None = None

    @property
    def value(self) -> float:
        """The rate, 0 to 1."""
        return self.successes / self.trials if self.level is None else self.level

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval; None of a level."""
        return None if self.level is not None else wilson(self.successes, self.trials)


def table_of(label: Numbers, yes: NDArray[np.bool_], weight: Numbers | None = None) -> Table:
    """Rows by label and yes; all of shape (n,), the weights above 0."""
    place = 2 * (label == 1.0) + yes
    counts = np.bincount(place, minlength=4)
    sums = [counts] * 2 if weight is None else [np.bincount(place, weight**power, minlength=4) for power in (1, 2)]
    return np.array([counts, *sums], dtype=np.float64).reshape(3, 2, 2)


def selected(table: Table) -> tuple[Numbers, Numbers]:
    """Rows that were given what is favourable, of all rows."""
    return table[:, 0, 1] + table[:, 1, 1], table.sum(axis=(1, 2))


def true_yes(table: Table) -> tuple[Numbers, Numbers]:
    """Of those for whom the favourable was right, those who were given it."""
    return table[:, 1, 1], table[:, 1].sum(axis=1)


def false_yes(table: Table) -> tuple[Numbers, Numbers]:
    """Of those for whom it was not right, those who were given it."""
    return table[:, 0, 1], table[:, 0].sum(axis=1)


def predictive(table: Table) -> tuple[Numbers, Numbers]:
    """Of those who were given the favourable, those for whom it was right."""
    return table[:, 1, 1], table[:, 0, 1] + table[:, 1, 1]


def rates_of(disparity: Disparity, group: str, table: Table, favourable: int) -> dict[str, Rate]:
    """All rates of one group.

    Args:
        disparity: What is measured; a ratio or a difference.
        group: Its name.
        table: Its rows by label and yes.
        favourable: The label that is good for the person; where it is 0, so is a no.
    """
    given = table if favourable == 1 else table[:, ::-1, ::-1]
    return {name: _rate(group, *count(given)) for name, count in disparity.rates.items()}


def _rate(group: str, successes: Numbers, trials: Numbers) -> Rate:
    rows, total, squares = (float(each) for each in trials)
    scale = total / squares if rows else 0.0  # from sums of weights to effective numbers
    return Rate(group, int(rows), float(successes[1]) * scale, total * scale)


def gap(kind: str, rates: list[Rate]) -> tuple[float, Rate, Rate]:
    """How far groups are apart, with the lowest and the highest.

    Args:
        kind: As in `Disparity`.
        rates: One rate of at least one group.
    """
    low, high = min(rates, key=lambda each: each.value), max(rates, key=lambda each: each.value)
    if kind == "ratio" and not high.value:
        raise BadInput("no group was given what is compared, so the ratio 0 to 0 has no value.")
    if kind == "level":
        return high.value, low, high
    if kind == "difference":
        return high.value - low.value, low, high
    return low.value / high.value, low, high


def gap_interval(kind: str, low: Rate, high: Rate) -> Interval | None:
    """The 95 % interval of a gap of two groups: Katz's of a ratio, Newcombe's of a difference."""
    if kind == "level" or low.group == high.group:
        return None
    if kind == "ratio":
        if not low.successes:
            return None
        variance = (1.0 - low.value) / low.successes + (1.0 - high.value) / high.successes
        spread = np.exp(Z95 * np.sqrt(variance))
        return float(low.value / high.value / spread), float(low.value / high.value * spread)
    below, above = wilson(low.successes, low.trials), wilson(high.successes, high.trials)
    apart = high.value - low.value
    down = np.hypot(high.value - above[0], below[1] - low.value)
    up = np.hypot(above[1] - high.value, low.value - below[0])
    return max(-1.0, float(apart - down)), min(1.0, float(apart + up))


_FELDMAN = "Feldman and others 2015, KDD, 259-268 (disparate impact); Fairlearn's demographic_parity_ratio"
_DWORK = "Dwork and others 2012, ITCS, 214-226 (statistical parity); Fairlearn's demographic_parity_difference"
_HARDT = "Hardt, Price and Srebro 2016, NIPS 29, 3315-3323"
_LOWEST = "lowest share of a group that is given the favourable, divided by the highest"
_APART = "highest share of a group that is given the favourable, minus the lowest"

DISPARITIES: dict[str, Disparity] = {
    "selection_rate_ratio": Disparity("ratio", {"selection rate": selected}, 1, _LOWEST, _FELDMAN),
    "selection_rate_difference": Disparity("difference", {"selection rate": selected}, 1, _APART, _DWORK),
    "approval_rate_ratio": Disparity("ratio", {"approval rate": selected}, 0, _LOWEST, _FELDMAN),
    "approval_rate_difference": Disparity("difference", {"approval rate": selected}, 0, _APART, _DWORK),
    "four_fifths": Disparity(
        "ratio",
        {"selection rate": selected},
        1,
        f"{_LOWEST}; `min` is 0.8",
        "Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D)",
    ),
    "equal_opportunity_difference": Disparity(
        "difference",
        {"true positive rate": true_yes},
        1,
        "highest minus lowest share of those for whom the favourable is right who are given it",
        f"{_HARDT}; Fairlearn's equal_opportunity_difference",
    ),
    "equalized_odds_difference": Disparity(
        "difference",
        {"true positive rate": true_yes, "false positive rate": false_yes},
        1,
        "the larger of the differences of true and of false positive rates",
        f"{_HARDT}; Fairlearn's equalized_odds_difference",
    ),
    "predictive_parity_difference": Disparity(
        "difference",
        {"precision": predictive},
        1,
        "highest minus lowest share of those given the favourable for whom it is right",
        "Chouldechova 2017, Big Data 5, 153-163",
    ),
    "calibration_within_groups": Disparity(
        "level",
        {},
        1,
        "largest calibration error of a group, `bins` (10) of equal width",
        "Kleinberg, Mullainathan and Raghavan 2017, ITCS, 43:1-43:23",
    ),
}
"""Every metric that a fairness gate can name."""
