"""A process that only loads a model and predicts: `python -m vendorkit.tracking.memory FOLDER`.

It imports nothing that serving a model would not need, so that its peak of memory is the model's.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import pandas as pd

from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import load_pipeline
from vendorkit.records.run import ModelFormat
from vendorkit.tracking.measurement import Subject

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """The most resident memory that this process ever had, in MB of 1,000,000 bytes.

    On Linux from the kernel's own count for this program; `getrusage` there counts what it was forked from, too.
    """
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1_024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


def main(folder: Path) -> None:
    """Load the model of a job's folder, predict its rows, and write the peak to standard output."""
    subject = Subject(**json.loads((folder / "job.json").read_text("utf-8"))["subject"])
    place = Path(subject.model_folder)
    pipeline = load_pipeline(place / "code", subject.module, needs=("predict",), shown=subject.shown)
    model = load_model(place, ModelFormat(name=subject.format_name, types=tuple(subject.format_types)))
    pipeline.predict(model, pd.read_parquet(folder / "rows.parquet"))
    sys.stdout.write(json.dumps({"rss_mb": peak_mb()}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
