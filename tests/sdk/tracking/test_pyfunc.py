"""A release folder as MLflow's own tools load it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from vendorkit.adapters.store import Store
from vendorkit.errors import BadInput
from vendorkit.tracking.pyfunc import _load_pyfunc

from tests.support.world import World


def release_of(world: World, folder: Path) -> Path:
    candidate = Store(world.repo).candidate(None)
    shutil.copytree(candidate.model_folder, folder)
    shutil.copyfile(candidate.folder / "run.json", folder / "run.json")
    return folder


def test_it_predicts_as_the_pipeline_does(gated: World, tmp_path: Path) -> None:
    loaded = _load_pyfunc(str(release_of(gated, tmp_path / "release")))
    rows = pd.read_csv(gated.repo / "data/applications.csv").head(5)
    scores = loaded.predict(rows)
    assert isinstance(scores, np.ndarray)
    assert scores.shape == (5,)
    assert ((scores > 0) & (scores < 1)).all()


def test_a_folder_without_its_record_is_refused(gated: World, tmp_path: Path) -> None:
    folder = release_of(gated, tmp_path / "release")
    (folder / "run.json").unlink()
    with pytest.raises(BadInput, match=r"run\.json is missing"):
        _load_pyfunc(str(folder))
