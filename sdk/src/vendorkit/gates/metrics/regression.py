"""Metrics of predicted numbers, and of forecasts against the naive one."""

from __future__ import annotations

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.metrics.base import DEFAULT, Metric, Numbers, Options, centred, of_influence, of_mean

EPSILON = float(np.finfo(np.float64).eps)


def squared_errors(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    """(label - score) squared, of each row."""
    errors: Numbers = np.square(label - score)
    return errors


def absolute_errors(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    """|label - score| of each row."""
    errors: Numbers = np.abs(label - score)
    return errors


def _relative_errors(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    errors: Numbers = np.abs(label - score) / np.maximum(np.abs(label), EPSILON)
    return errors


def _pinball_losses(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    short = label - score
    losses: Numbers = np.maximum(options.quantile * short, (options.quantile - 1.0) * short)
    return losses


def mae(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of |label - score|, in units of the label."""
    return options.mean(absolute_errors(label, score))


def rmse(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Square root of the mean of (label - score) squared, in units of the label."""
    return float(np.sqrt(options.mean(squared_errors(label, score))))


def mape(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean of |label - score| / |label|; 0.1 is ten percent."""
    if not label.all():
        raise BadInput("a label is 0, so mape has no value; use wape, which divides by the sum of the labels.")
    return options.mean(_relative_errors(label, score))


def r2(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Share of the label's variance that is explained; below 0 where the mean would do better."""
    spread = options.mean(np.square(label - options.mean(label)))
    if (label == label[0]).all() or not spread:  # the mean of equal numbers may be off; squares of tiny ones vanish
        raise BadInput("all labels are the same number, so r2 has no value; it needs labels that differ.")
    return 1.0 - options.mean(squared_errors(label, score)) / spread


def pinball(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean pinball loss of a predicted quantile, in units of the label."""
    return options.mean(_pinball_losses(label, score, options))


def wape(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Sum of |label - score| divided by the sum of |label|."""
    size = options.mean(np.abs(label))
    if size == 0.0:
        raise BadInput("all labels are 0, so wape has no value.")
    return options.mean(absolute_errors(label, score)) / size


def mase(label: Numbers, score: Numbers, options: Options = DEFAULT) -> float:
    """Mean absolute error divided by that of the seasonal naive forecast on the same benchmark.

    Rows of one series stand in order of time. The naive forecast of a row is the label `season` rows before it in the
    same series.
    """
    if options.series is None:
        naive = np.abs(label[options.season :] - label[: -options.season])
    else:
        order = np.argsort(options.series, kind="stable")
        series, ordered = options.series[order], label[order]
        same = series[options.season :] == series[: -options.season]
        naive = np.abs(ordered[options.season :] - ordered[: -options.season])[same]
    scale = float(naive.mean()) if len(naive) else 0.0
    if scale == 0.0:
        raise BadInput(
            f"the naive forecast of {options.season} rows before has no error or no rows, so mase has no value; "
            "look at `season` and `series`."
        )
    return mae(label, score) / scale


def _rmse_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    errors = squared_errors(label, score)
    mean = options.mean(errors)
    moved: Numbers = (errors - mean) / (2.0 * np.sqrt(mean)) if mean else np.zeros(len(errors))
    return moved


def _r2_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    spread = np.square(label - options.mean(label))
    moved: Numbers = ((1.0 - r2(label, score, options)) * spread - squared_errors(label, score)) / options.mean(spread)
    return moved


def _wape_influence(label: Numbers, score: Numbers, options: Options = DEFAULT) -> Numbers:
    size = np.abs(label)
    moved: Numbers = (absolute_errors(label, score) - wape(label, score, options) * size) / options.mean(size)
    return moved


_REAL = frozenset({"regression", "forecasting"})
_FORECAST = frozenset({"forecasting"})
_MEAN = "interval: mean +- 1.96 standard errors"
_DELTA = "interval: delta method"

REGRESSION: dict[str, Metric] = {
    "mae": Metric(
        mae,
        "lower",
        _REAL,
        "mean of |y - prediction|, in units of y",
        f"as in scikit-learn's mean_absolute_error; {_MEAN}",
        of_mean(absolute_errors),
        centred(absolute_errors),
    ),
    "rmse": Metric(
        rmse,
        "lower",
        _REAL,
        "square root of the mean of (y - prediction)^2, in units of y",
        f"as in scikit-learn's root_mean_squared_error; {_DELTA}",
        of_influence(rmse, _rmse_influence, 0.0, np.inf),
        _rmse_influence,
    ),
    "mape": Metric(
        mape,
        "lower",
        _REAL,
        "mean of |y - prediction| / |y|; 0.1 is ten percent; no value where a y is 0",
        f"as in scikit-learn's mean_absolute_percentage_error; {_MEAN}",
        of_mean(_relative_errors),
        centred(_relative_errors),
    ),
    "r2": Metric(
        r2,
        "higher",
        _REAL,
        "1 - sum of (y - prediction)^2 / sum of (y - mean of y)^2",
        f"as in scikit-learn's r2_score; {_DELTA}",
        of_influence(r2, _r2_influence, -np.inf, 1.0),
        _r2_influence,
    ),
    "pinball": Metric(
        pinball,
        "lower",
        _REAL,
        "mean of max(q (y - prediction), (q - 1) (y - prediction)), q the declared `quantile`, in units of y",
        f"Koenker and Bassett 1978, Econometrica 46, 33-50; as in scikit-learn's mean_pinball_loss; {_MEAN}",
        of_mean(_pinball_losses),
        centred(_pinball_losses),
        frozenset({"quantile"}),
    ),
    "wape": Metric(
        wape,
        "lower",
        _FORECAST,
        "sum of |y - prediction| / sum of |y|",
        f"Kolassa and Schuetz 2007, Foresight 6, 40-43 (MAD/mean ratio); {_DELTA}",
        of_influence(wape, _wape_influence, 0.0, np.inf),
        _wape_influence,
    ),
    "mase": Metric(
        mase,
        "lower",
        _FORECAST,
        "mae / mean of |y - y of `season` rows before in the same `series`|, both on the benchmark, rows in order "
        "of time",
        "Hyndman and Koehler 2006, International Journal of Forecasting 22, 679-688; there the scale is that of the "
        "training rows; no interval",
        uses=frozenset({"season", "series"}),
        ordered=True,
    ),
}
"""Metrics of the tasks regression and forecasting."""
