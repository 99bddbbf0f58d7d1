"""Rules that run the vendor's own code: a stress and a rule of their own, in memory and in batches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau
from vendorkit.errors import BadInput
from vendorkit.tracking.own_rules import rank_reversals
from vendorkit.tracking.subject import Measuring

from tests.sdk.tracking.conftest import in_threes
from tests.sdk.tracking.test_rules import LONG, RISING, ask

Make = Callable[..., Measuring]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than five rows do not fit into memory."""
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 5)
    for module in ("batches", "own_rules"):
        monkeypatch.setattr(f"vendorkit.tracking.{module}.frozen_batches", in_threes)


def test_rank_reversals_are_kendalls_discordant_pairs() -> None:
    random = np.random.default_rng(7)
    for n in (2, 3, 10, 57):
        before, after = random.random(n), random.random(n)
        tau = kendalltau(before, after).statistic
        assert rank_reversals(before, after) == pytest.approx((1 - tau) / 2, abs=1e-12)
        ties, other = random.integers(0, 4, n), random.integers(0, 4, n)
        turned = sum((ties[i] - ties[j]) * (other[i] - other[j]) < 0 for i, j in combinations(range(n), 2))
        assert rank_reversals(ties, other) == pytest.approx(turned / (n * (n - 1) / 2))


def test_a_stress_changes_the_rows_before_they_are_prepared(measuring: Make, tmp_path: Path) -> None:
    asked, file = measuring(RISING), tmp_path / "stress.py"
    stress = {"file": str(file), "shown": "bench/stress.py"}
    file.write_text("def stress(rows):\n    return rows.assign(age=rows['age'] + 5)\n")
    assert ask(asked, "rank_reversals", stress=stress)["values"] == {"rank_reversals": 0}
    file.write_text("def stress(rows):\n    return rows.assign(age=100 - rows['age'])\n")
    assert ask(asked, "rank_reversals", stress=stress)["values"] == {"rank_reversals": 1}
    for text, why in (
        ("def stress(rows):\n    return rows.head(3)\n", "must give the table of rows"),
        ("def stress(rows):\n    1 / 0\n", "ZeroDivisionError"),
        ("def stress():\n    pass\n", "must take"),
        ("other = 1\n", "is missing"),
    ):
        file.write_text(text)
        with pytest.raises((BadInput, ValueError), match=why):
            ask(asked, "rank_reversals", stress=stress)


OWN = """
def old_declined(rows, scores):
    return (rows["age"] > 60) & (scores > 0.5)

def mean(rows, scores):
    return scores.mean()

def words(rows, scores):
    return "fine"

def breaks(rows, scores):
    return rows["no"]

def writes(rows, scores):
    rows["age"] = 0
    return 0
"""


def test_a_rule_of_the_vendors_own(measuring: Make) -> None:
    asked = measuring(RISING, OWN)
    share = ask(asked, "old_declined", code="pipeline:old_declined")
    assert (share["values"], share["says"]) == ({"old_declined": 3 / 8}, "3 of 8 rows break it (rows 6, 7, 8).")
    assert ask(asked, "mean", code="pipeline:mean")["values"] == {"mean": pytest.approx(0.55)}
    assert ask(asked, "writes", code="pipeline:writes")["values"] == {"writes": 0}
    for name, why in (("words", "expected a number"), ("breaks", "KeyError: 'no'"), ("gone", "is missing")):
        with pytest.raises(BadInput, match=why):
            ask(asked, name, code=f"pipeline:{name}")
    with pytest.raises(BadInput, match="no such file"):
        ask(asked, "x", code="elsewhere:x")


IN_BATCHES = """
def high(rows, scores):
    return (scores > 0.55) & (rows["income"] > 3)

def over_the_mean(rows, scores):
    return scores > scores.mean()

def mean(rows, scores):
    return scores.mean()
"""


def test_in_batches_a_rule_of_the_vendors_own_gives_what_it_gives_at_once(measuring: Make, large: None) -> None:
    asked = measuring(RISING, IN_BATCHES, held=LONG)
    found = ask(asked, "high", code="pipeline:high")
    broken = (LONG["age"] / 100 > 0.55) & (LONG["income"] > 3)
    assert found["values"] == {"high": pytest.approx(broken.mean())}
    assert (found["n"], found["says"]) == (40, f"{broken.sum()} of 40 rows break it (first rows 6, 7, 8).")
    with pytest.raises(BadInput, match="says another thing of a row when other rows are away"):
        ask(asked, "over_the_mean", code="pipeline:over_the_mean")
    with pytest.raises(BadInput, match="gives one number for all rows"):
        ask(asked, "mean", code="pipeline:mean")


def test_in_batches_a_stress_gives_what_it_gives_at_once(
    measuring: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: None
) -> None:
    asked, file = measuring(RISING, held=LONG), tmp_path / "stress.py"
    stress = {"file": str(file), "shown": "bench/stress.py"}
    file.write_text("def stress(rows):\n    return rows.assign(age=rows['age'].where(rows['income'] > 9, 90))\n")
    found = ask(asked, "rank_reversals", stress=stress)
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 100)
    assert found == ask(asked, "rank_reversals", stress=stress)
    assert found["n"] == 40
    monkeypatch.setattr("vendorkit.tracking.plan.MOST_ROWS", 5)
    file.write_text("def stress(rows):\n    return rows.assign(age=rows['age'].max())\n")
    with pytest.raises(BadInput, match="changes a row otherwise when other rows are away"):
        ask(asked, "rank_reversals", stress=stress)
