"""Durations as declared, counted on a calendar."""

from __future__ import annotations

from datetime import date

import pytest
from vendorkit.records.duration import later

START = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("duration", "wanted"),
    [
        ("P1M", date(2026, 2, 28)),
        ("P1Y2M3W4D", date(2027, 4, 25)),
        ("P1DT99H", date(2026, 2, 1)),
        ("P007D", date(2026, 2, 7)),
        ("P9000Y", date.max),
        ("P9999999D", date.max),
        (f"P{'9' * 5000}D", date.max),
        (f"P{'9' * 5000}M", date.max),
    ],
)
def test_a_day_so_much_later(duration: str, wanted: date) -> None:
    assert later(START, duration) == wanted
