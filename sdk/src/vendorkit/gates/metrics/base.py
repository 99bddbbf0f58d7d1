"""What all metrics share: the shape of a metric, what may be declared for it, and intervals. Numpy only.

Every metric takes `label` and `score`, both float64 of shape (n,), finite, checked by `gates.base.scored`, and
`Options`. The influence of a row is how much it moves the value, times n: one array from which both the variance of a
metric and that of a difference of two models on the same rows follow (the delta method).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
Better = Literal["higher", "lower"]

Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution: two-sided 95 %."""

THRESHOLD = 0.5
"""Where nothing is declared, a score of 0.5 or more counts as a yes."""

RESAMPLES = 400
RESAMPLED_ROWS = 20_000_000
"""Rows that all resamples of a bootstrap may have together: fewer resamples of large benchmarks, at least 100."""


@dataclass(frozen=True, eq=False)
class Options:
    """What a gate may declare for a metric.

    Args:
        threshold: A score of at least this counts as a yes, 0 to 1.
        bins: Bins of equal width of a calibration error.
        quantile: The quantile that the score is of, above 0 and below 1.
        season: Rows between a value and its naive forecast, 1 or more.
        series: For each row the number of its time series, int, shape (n,); None: all rows are one series.
        weight: How often each row counts, above 0, shape (n,); None: each once.
    """

    threshold: float = THRESHOLD
    bins: int = 10
    quantile: float = 0.5
    season: int = 1
    series: NDArray[np.int32] | None = None
    weight: Numbers | None = None

    def mean(self, values: Numbers) -> float:
        """The mean of a number of each row, each row as often as it counts."""
        return float(np.average(values, weights=self.weight))

    def total(self, values: Numbers | NDArray[np.bool_]) -> float:
        """The sum of a number, or of true and false, of each row, each row as often as it counts."""
        return float(values.sum() if self.weight is None else (values * self.weight).sum())

    def effective(self, some: NDArray[np.bool_]) -> float:
        """How many of some rows there are; of weighed ones Kish's (1965, Survey Sampling) effective number."""
        if self.weight is None:
            return float(np.count_nonzero(some))
        weight = self.weight[some]
        return float(weight.sum() ** 2 / np.square(weight).sum()) if len(weight) else 0.0

    @property
    def edges(self) -> Numbers:
        """Inner edges of the bins of a calibration error, ascending."""
        edges: Numbers = np.linspace(0.0, 1.0, self.bins + 1)[1:-1]
        return edges


DEFAULT = Options()
Function = Callable[[Numbers, Numbers, Options], float]
Influence = Callable[[Numbers, Numbers, Options], Numbers]
ToInterval = Callable[[Numbers, Numbers, Options], Interval | None]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        function: From (label, score, options) to the value; raises BadInput where the value does not exist.
        better: Whether a higher or a lower value is better.
        tasks: Tasks of the manifest that it makes sense for.
        formula: In one line, for people.
        source: Where formula and interval come from.
        interval: The 95 % interval, None where these rows give none; None where no textbook variance is used.
        influence: How much each row moves the value, times n, shape (n,), with `Options.mean` 0; None where it has no
            such form: then a difference of two models gets its interval from a paired bootstrap.
        uses: Those of a gate's options that it looks at.
        ordered: Whether it depends on the order of the rows, so that no slice of them may be taken and none be weighed.
        of_confusion: The value from the rows by label (down) and by the class that is said (across), of a metric that
            needs no more.
    """

    function: Function
    better: Better
    tasks: frozenset[str]
    formula: str
    source: str
    interval: ToInterval | None = None
    influence: Influence | None = None
    uses: frozenset[str] = frozenset()
    ordered: bool = False
    of_confusion: Callable[[NDArray[np.int64] | Numbers], float] | None = None


def spread(moved: Numbers, options: Options) -> float:
    """The variance of a value from the influences of its rows, shape (n,), each as often as it counts."""
    weighed = moved if options.weight is None else moved * (options.weight / options.weight.mean())
    return float(weighed.var(ddof=1)) / len(weighed)


def around(value: float, variance: float, low: float, high: float) -> Interval | None:
    """Normal interval around an estimate, kept inside what the metric can be; None without variance."""
    half = Z95 * float(np.sqrt(variance))
    if not 0.0 < half < np.inf:
        return None
    return max(low, value - half), min(high, value + half)


def wilson(successes: float, trials: float) -> Interval:
    """Wilson's 95 % score interval of a share.

    Args:
        successes: From 0 to trials.
        trials: Above 0; need not be whole.
    """
    share, weight = successes / trials, Z95**2 / trials
    centre = (share + weight / 2.0) / (1.0 + weight)
    half = np.sqrt(share * (1.0 - share) * weight + weight**2 / 4.0) / (1.0 + weight)
    return max(0.0, min(share, float(centre - half))), min(1.0, max(share, float(centre + half)))


def of_mean(losses: Influence, high: float = np.inf) -> ToInterval:
    """The interval of a mean of losses: mean +- 1.96 standard errors, not below 0; None below 2 rows."""

    def mean(label: Numbers, score: Numbers, options: Options) -> float:
        return options.mean(losses(label, score, options))

    return of_influence(mean, centred(losses), 0.0, high)


def of_influence(function: Function, influence: Influence, low: float, high: float) -> ToInterval:
    """The delta method's interval: value +- 1.96 sqrt(mean of squared influences / n); None below 2 rows."""

    def interval(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Interval | None:
        if len(label) < 2:
            return None
        return around(function(label, score, options), spread(influence(label, score, options), options), low, high)

    return interval


def centred(losses: Influence) -> Influence:
    """The influence of rows on a mean of losses."""

    def influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
        each = losses(label, score, options)
        moved: Numbers = each - options.mean(each)
        return moved

    return influence


def difference(
    metric: Metric, label: Numbers, score: Numbers, other: Numbers, options: Options = DEFAULT
) -> Interval | None:
    """The 95 % interval of `metric(score) - metric(other)` of two models on the same rows.

    Args:
        metric: The metric.
        label: Shape (n,).
        score: Of one model, shape (n,).
        other: Of the other model, shape (n,).
        options: As declared.

    Returns:
        From the difference of the influences (for roc_auc that is DeLong's paired test), or from a paired bootstrap
        of whole rows with a fixed seed, 2.5 and 97.5 percentile. None where there is no variance, or a metric has
        no value in most resamples.
    """
    if len(label) < 2:
        return None
    if metric.influence is None:
        return None if metric.ordered else _bootstrapped(metric.function, label, score, other, options)
    moved = metric.influence(label, score, options) - metric.influence(label, other, options)
    found = metric.function(label, score, options) - metric.function(label, other, options)
    return around(found, spread(moved, options), -np.inf, np.inf)


def _bootstrapped(
    function: Function, label: Numbers, score: Numbers, other: Numbers, options: Options
) -> Interval | None:
    rng = np.random.default_rng(20260901)
    found = []
    for _ in range(max(100, min(RESAMPLES, RESAMPLED_ROWS // len(label)))):
        rows = rng.integers(0, len(label), len(label))
        drawn = options if options.weight is None else replace(options, weight=options.weight[rows])
        try:
            found.append(function(label[rows], score[rows], drawn) - function(label[rows], other[rows], drawn))
        except BadInput:
            continue
    if len(found) < 50:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
