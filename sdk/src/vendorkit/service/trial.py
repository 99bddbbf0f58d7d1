"""The service of a model that is not released yet: `python -m vendorkit.service.trial FOLDER`, for who times it.

It is the real application with the candidate's own contract, on this machine only, until its standard input ends; its
prediction log lies in the folder and goes with it. `vendorkit serve` is what serves, and verifies what it serves.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path

from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import load_pipeline
from vendorkit.adapters.predictions import PredictionLog
from vendorkit.records.base import now
from vendorkit.records.contract import Contract
from vendorkit.records.deployment import Deployment
from vendorkit.records.run import ModelFormat
from vendorkit.service.app import create_app
from vendorkit.service.servable import Servable
from vendorkit.service.server import serve
from vendorkit.tracking.measurement import Subject

HOST = "127.0.0.1"


def main(folder: Path, report: int) -> None:
    """Serve the model of a job's folder on a free port, and write the URL as one line once it is warm.

    Args:
        folder: Has `job.json`, as a measurement has it.
        report: File descriptor that the line goes to.
    """
    subject = Subject(**json.loads((folder / "job.json").read_text("utf-8"))["subject"])
    contract = Contract.parse(subject.contract, "contract")
    place = Path(subject.model_folder)
    pipeline = load_pipeline(place / "code", subject.module, needs=("predict",), shown=subject.shown)
    model = load_model(place, ModelFormat(name=subject.format_name, types=tuple(subject.format_types)))
    unreleased = contract.digest  # there is no release and no environment to name yet
    deployment = Deployment(
        model=contract.model,
        version=0,
        alias=None,
        release=unreleased,
        decisions=(),
        environment=unreleased,
        sdk_version=version("vendorkit"),
        started_at=now(),
    )
    servable = Servable(contract, deployment, lambda frame: pipeline.predict(model, frame))
    threading.Thread(target=_end_with_input, daemon=True).start()
    app = create_app(servable, PredictionLog(folder / "predictions"))
    serve(app, HOST, 0, lambda url: os.write(report, f"{url}\n".encode()))  # type: ignore[arg-type]


def _end_with_input() -> None:
    """Stop when who started it is done, or gone."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    own = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no report
    main(Path(sys.argv[1]), own)
