"""A model of plain arithmetic to measure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from vendorkit.adapters.tables import freeze, frozen_batches
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import Subject
from vendorkit.tracking.subject import Measuring

Make = Callable[..., Measuring]

ROWS = pd.DataFrame(
    {
        "key": range(1, 9),
        "age": [20, 30, 40, 50, 60, 70, 80, 90],
        "income": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "home": ["own", "rent"] * 4,
        "on": pd.to_datetime([f"2026-01-0{day}" for day in range(1, 9)]),
        "bad": [0, 1, 0, 1, 0, 1, 0, 1],
    }
)
PREDICT = "return (frame['age'] / 100).to_numpy()"


def in_threes(snapshot: Snapshot, base: Path) -> Iterator[pa.RecordBatch]:
    """Frozen rows in batches of three, in place of `frozen_batches`."""
    for batch in frozen_batches(snapshot, base):
        yield from (batch.slice(at, 3) for at in range(0, len(batch), 3))


@pytest.fixture
def rows() -> pd.DataFrame:
    return ROWS.copy()


@pytest.fixture
def measuring(tmp_path: Path) -> Make:
    """Makes a model whose `predict` has the given body; its table has eight rows, its benchmark what is given."""

    def make(predict: str = PREDICT, more: str = "", held: pd.DataFrame | None = None) -> Measuring:
        code = tmp_path / "model/code"
        code.mkdir(parents=True)
        body = textwrap.indent(textwrap.dedent(predict), "    ")
        text = (
            "import os\nimport numpy as np\nimport pandas as pd\n\ndef prepare(frames):\n    return frames['loans']\n\n"
        )
        (code / "pipeline.py").write_text(f"{text}def predict(model, frame):\n{body}\n\n{more}\n")
        snapshots = {}
        for name, frame in (("loans", ROWS), ("held", ROWS if held is None else held)):
            frame.to_parquet(tmp_path / f"{name}.parquet")
            snapshots[name] = freeze(name, f"{name}.parquet", tmp_path).snapshot.to_bytes().decode()
        subject = Subject(
            model_folder=str(tmp_path / "model"),
            module="pipeline",
            shown="models/credit",
            format_name="skops",
            format_types=[],
            base=str(tmp_path),
            datasets={"loans": snapshots["loans"]},
            label="bad",
            features=["age", "income", "home"],
        )
        measured = Measuring(subject, tmp_path, fitted=1)
        measured.__dict__["held"] = {"loans": snapshots["held"]}
        return measured

    return make
