"""Curves from a score histogram against scikit-learn and SciPy on the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from vendorkit.documents.score_curves import area, precision_recall, reliability, roc, shares, thresholds, wilson
from vendorkit.records.gate_report import ScoreHistogram

from tests.support.reports import scores


def test_area_is_that_of_the_binned_scores() -> None:
    histogram, label, score = scores(3, 1.3, rows=4_000, bins=50)
    binned = np.floor(score * 50)
    assert area(roc(histogram)) == pytest.approx(roc_auc_score(label, binned), abs=1e-12)
    assert area(roc(histogram)) == pytest.approx(roc_auc_score(label, score), abs=5e-3)


def test_thresholds_are_those_of_scikit_learn() -> None:
    histogram, label, score = scores(4, 1.0, rows=3_000, bins=20)
    for found in thresholds(histogram)[1:]:
        yes = (score >= found.score).astype(int)
        assert found.yes == yes.sum()
        assert found.true_positive_rate == pytest.approx(recall_score(label, yes), abs=1e-12)
        assert found.false_positive_rate == pytest.approx(recall_score(1 - label, yes), abs=1e-12)
        if found.precision is not None:
            assert found.precision == pytest.approx(precision_score(label, yes), abs=1e-12)


def test_curves_begin_and_end_where_they_must() -> None:
    histogram, *_ = scores(5, 1.0, rows=500, bins=10)
    assert (roc(histogram)[0], roc(histogram)[-1]) == ((0.0, 0.0), (1.0, 1.0))
    share = sum(histogram.positives) / 500
    assert precision_recall(histogram)[-1] == pytest.approx((1.0, share))


def test_reliability_counts_every_row_once() -> None:
    histogram, label, score = scores(6, 1.0, rows=2_000, bins=100)
    found = reliability(histogram)
    assert sum(each.n for each in found) == 2_000
    for each in found:
        inside = (score >= each.low) & (score < each.high)
        assert each.seen == pytest.approx(label[inside].mean(), abs=1e-12)
        assert each.said == pytest.approx(score[inside].mean(), abs=0.005)
        assert each.interval[0] <= each.seen <= each.interval[1]


@pytest.mark.parametrize(("yes", "n"), [(81, 263), (15, 148), (0, 20), (1, 29), (10, 10)])
def test_wilson_is_that_of_scipy(yes: int, n: int) -> None:
    theirs = binomtest(yes, n).proportion_ci(0.95, method="wilson")
    assert wilson(yes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_shares_add_up() -> None:
    histogram, *_ = scores(7, 1.0, rows=900, bins=64)
    for rows in ("all", "negatives", "positives"):
        found = shares(histogram, rows=rows)  # type: ignore[arg-type]
        assert sum(each.share for each in found) == pytest.approx(1.0)
        assert len(found) <= 20


def test_one_class_or_no_rows_give_no_curve() -> None:
    one = ScoreHistogram(edges=(0.0, 0.5, 1.0), negatives=(2, 3), positives=(0, 0))
    assert thresholds(one) == []
    assert roc(one) == []
    assert shares(one, rows="positives") == []
    assert [each.n for each in reliability(one)] == [2, 3]
    none = ScoreHistogram(edges=(0.0, 1.0), negatives=(0,), positives=(0,))
    assert reliability(none) == []
    assert shares(none) == []
