"""ISO 8601 durations of days and longer: what day it is so much later."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

_PART = re.compile(r"([0-9]+)([YMWD])")
_MOST_DIGITS = 9
"""No calendar has so many days; and Python reads no number of some thousands of digits."""


def later(start: date, duration: str) -> date:
    """The day that is a duration after a day; `P1M` after 31 January is the last day of February.

    Args:
        start: The first day.
        duration: For instance `P6M`; hours, minutes and seconds do not count.

    Returns:
        The day; the last one that a calendar knows where it would be beyond.
    """
    days, months = 0, 0
    for number, unit in _PART.findall(duration.partition("T")[0]):
        if len(number.lstrip("0")) > _MOST_DIGITS:
            return date.max
        if unit in "YM":
            months += int(number) * (12 if unit == "Y" else 1)
        else:
            days += int(number) * (7 if unit == "W" else 1)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    last = calendar.monthrange(year, month + 1)[1]
    try:
        return date(year, month + 1, min(start.day, last)) + timedelta(days=days)
    except OverflowError:
        return date.max
