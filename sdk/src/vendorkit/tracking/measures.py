"""What a measuring process can be asked: one small function for each measure, and the dict of them.

Each is given the model and a folder of its own, and gives plain JSON values, with arrays beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vendorkit.adapters.tables import digest_frame
from vendorkit.errors import VendorkitError
from vendorkit.tracking.batches import column_kinds, prepared_batches, score_in_batches
from vendorkit.tracking.counting import data
from vendorkit.tracking.golden import frame_of, scores_of
from vendorkit.tracking.measurement import Subject
from vendorkit.tracking.rule_rows import Largest
from vendorkit.tracking.rules import business
from vendorkit.tracking.subject import Measuring
from vendorkit.tracking.timing import latency, memory

Measure = Callable[[Measuring, dict[str, Any]], dict[str, Any]]


def prepare(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """The digest of `prepare`'s table of the training data."""
    return {"digest": digest_frame(measuring.prepared())}


def score(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """Labels, scores and wanted columns of a benchmark.

    Columns come as the arrays `levels-0` and `codes-0`, the number by name in `columns`; or as the reason why not.
    """
    rows, columns = measuring.rows_and_columns(given["benchmark"], given.get("columns", []))
    coded: dict[str, np.ndarray[Any, Any]] = {}
    for place, found in enumerate(columns.values()):
        if not isinstance(found, str):
            coded[f"levels-{place}"], coded[f"codes-{place}"] = found
    said = {name: found if isinstance(found, str) else at for at, (name, found) in enumerate(columns.items())}
    answer: dict[str, Any] = {"rows": len(rows), "columns": said}
    if measuring.subject.task == "multiclass":
        score, answer["classes"] = measuring.probabilities(rows)
        label = measuring.classes(rows, answer["classes"])
    else:
        score, label = measuring.score(rows), measuring.label(rows)
    np.savez(measuring.folder / "arrays.npz", label=label, score=score, **coded)  # type: ignore[arg-type]
    return answer


def retrain(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """The largest difference of the scores of a benchmark when the model is trained again with its seed."""
    again = measuring.pipeline.train(measuring.prepared(), measuring.subject.seed)
    other, largest = Measuring(measuring.subject, measuring.folder, again), Largest()
    for rows in prepared_batches(measuring, given["benchmark"]):
        change = np.abs(other.judged_answers(rows) - measuring.judged_answers(rows))
        largest.add(change.reshape(len(rows), -1).max(axis=1))
    says = f"The largest difference is in row {largest.row}." if largest.value > 0 else ""
    return {"values": {"score_difference": largest.value}, "n": largest.n, "says": says}


def golden(measuring: Measuring, given: dict[str, Any]) -> dict[str, Any]:
    """The answers to golden rows; the model is loaded where there are none too."""
    pipeline, model = measuring.pipeline, measuring.model
    if not given["rows"]:
        return {"scores": []}
    return {"scores": scores_of(pipeline.predict(model, frame_of(given["rows"], given["types"]))).tolist()}


MEASURES: dict[str, Measure] = {
    "prepare": prepare,
    "score": score,
    "score_in_batches": score_in_batches,
    "column_kinds": column_kinds,
    "retrain": retrain,
    "latency": latency,
    "memory": memory,
    "business": business,
    "data": data,
    "golden": golden,
}


def answer_job(folder: Path) -> None:
    """Do the job of a folder and leave the answer there, whole or not at all."""
    job = json.loads((folder / "job.json").read_text("utf-8"))
    measuring = Measuring(Subject(**job["subject"]), folder)
    found, fault = {}, ""
    try:
        found = MEASURES[job["measure"]](measuring, job["given"])
    except VendorkitError as error:
        fault = " ".join(str(error).split())
    except (ValueError, TypeError, KeyError, ArithmeticError, MemoryError) as error:
        fault = f"{type(error).__name__}: {error}"
    making = folder / "answer.making"
    making.write_text(json.dumps({"found": found, "fault": fault}), encoding="utf-8")
    making.replace(folder / "answer.json")
