"""The front matter of a model card, as Hugging Face reads it: YAML with `model-index`.

The form: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from __future__ import annotations

import json
from typing import Any

from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import GateResult

TASKS = {
    "binary": "tabular-classification",
    "multiclass": "tabular-classification",
    "regression": "tabular-regression",
    "forecasting": "time-series-forecasting",
}
"""What the hub calls our tasks."""
LIBRARIES = {"skops": "sklearn"}
"""The library that a format is loaded with, where it is called otherwise than the format."""


def front_matter(dossier: Dossier) -> dict[str, Any]:
    """The front matter as plain values; results are those of the gates that have a number."""
    run = dossier.run
    task = TASKS.get(run.task, run.task)
    measured = [result for result in (dossier.report.results if dossier.report else ()) if _measured(result)]
    value: dict[str, Any] = {
        "library_name": LIBRARIES.get(run.model_format.name, run.model_format.name),
        "model_format": run.model_format.name,
        "pipeline_tag": task,
        "tags": [task, "vendorkit", run.model_format.name],
        "datasets": [source.dataset for source in run.inputs],
        "metrics": list(dict.fromkeys(result.metric for result in measured)),
    }
    if measured:
        value["model-index"] = [{"name": run.model, "results": _results(dossier, task, measured)}]
    return value


def _measured(result: GateResult) -> bool:
    return bool(result.metric and result.benchmark and isinstance(result.value, int | float))


def _results(dossier: Dossier, task: str, measured: list[GateResult]) -> list[dict[str, Any]]:
    """One result for each benchmark, with all its metrics."""
    uses = dossier.report.benchmarks if dossier.report else ()
    found = []
    for use in uses:
        metrics = [
            {"type": result.metric, "name": result.id, "value": result.value}
            for result in measured
            if result.benchmark == use.id
        ]
        dataset = {"type": use.id, "name": use.id, "revision": use.content_digest}
        if metrics:
            found.append({"task": {"type": task}, "dataset": dataset, "metrics": metrics})
    return found


def to_yaml(value: dict[str, Any]) -> str:
    """Plain values as block YAML; text is quoted as JSON, which every reader of YAML takes.

    Not so a number like 1e-05: by YAML 1.1 it is text without a point.
    """
    return "".join(f"{line}\n" for line in _yaml(value))


def _yaml(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        lines = []
        for key, part in value.items():
            below = _yaml(part)
            nested = isinstance(part, dict | list) and part
            lines += [f"{key}:", *(f"  {line}" for line in below)] if nested else [f"{key}: {below[0]}"]
        return lines
    if isinstance(value, list) and value:
        lines = []
        for part in value:
            first, *rest = _yaml(part)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines
    text = json.dumps(value, ensure_ascii=True)
    return [text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text]
