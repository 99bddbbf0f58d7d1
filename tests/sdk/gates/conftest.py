"""The manifest's gate entry, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from vendorkit.gates.columns import Column
from vendorkit.records.manifest.judging import Gate
from vendorkit.tracking.rows import coded


@pytest.fixture
def spec() -> Callable[..., Gate]:
    """Makes a gate entry of the manifest: a performance gate on `holdout` unless told otherwise."""

    def make(**given: Any) -> Gate:
        said = {
            "id": "g-auc",
            "kind": "performance",
            "benchmark": "holdout",
            "metric": "roc_auc",
            "says": "Ranks good and bad payers at least as well as today",
        }
        return Gate.model_construct(**{**said, **given})

    return make


def column(values: Any) -> Column:
    """A column as the measurement of a benchmark gives it."""
    return Column(*coded(pd.Series(values)))
