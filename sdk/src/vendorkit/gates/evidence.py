"""From plain measurements to what gates are given: scored rows, and what must be counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vendorkit.errors import BadInput
from vendorkit.gates.base import GateSpec
from vendorkit.gates.columns import Column
from vendorkit.gates.metrics.multiclass import confusion
from vendorkit.gates.samples import asked_of
from vendorkit.gates.scored import Scored, scored
from vendorkit.records.class_scores import unfit
from vendorkit.records.gate_report import Confusion
from vendorkit.records.tallies import Asked, Tallies


def scored_from(
    benchmark: str, content_digest: str, found: Mapping[str, Any] | str, *, task: str, one_class_ok: bool
) -> Scored | str:
    """The scored rows of a benchmark, or why they are not fit.

    Args:
        benchmark, content_digest, task, one_class_ok: As of `scored`.
        found: What was measured: `columns` by name (their place, or why not) and `arrays`; or why nothing was.
    """
    if isinstance(found, str):
        return found
    given = found["arrays"]
    columns = {
        column: at if isinstance(at, str) else Column(given[f"levels-{at}"], given[f"codes-{at}"].astype(np.int32))
        for column, at in found["columns"].items()
    }
    if "classes" in found:
        return _of_classes(benchmark, content_digest, found, columns)
    try:
        return scored(
            benchmark,
            content_digest,
            given["label"],
            given["score"],
            task=task,
            one_class_ok=one_class_ok,
            columns=columns,
        )
    except BadInput as error:  # who shows it names the benchmark
        told = (f"{fault.where.removeprefix(f'{benchmark}: ')} {fault.says} {fault.fix}" for fault in error.faults)
        return "; ".join(each.strip() for each in told)


def _of_classes(
    benchmark: str, content_digest: str, found: Mapping[str, Any], columns: Mapping[str, Column | str]
) -> Scored | str:
    """The scored rows of a multiclass task, or why they are not fit."""
    label, score = (np.asarray(found["arrays"][name], dtype=np.float64) for name in ("label", "score"))
    if why := unfit(label, score, found["classes"]):
        return why
    return Scored(benchmark, content_digest, label, score, dict(columns), tuple(found["classes"]))


def confused(rows: object, base: Tallies | None = None, classes: tuple[str, ...] = ()) -> Confusion | None:
    """Which classes were taken for which; None where there are none.

    Args:
        rows: Scored rows in memory, where they are.
        base: What was counted of all rows, where they are not.
        classes: Their classes.
    """
    if isinstance(rows, Scored) and rows.classes:
        counts, classes = confusion(rows.label, rows.score), rows.classes
    elif base is not None and classes:
        counts = base.confusion["score"][0]
    else:
        return None
    return Confusion(classes=classes, rows=tuple(tuple(row) for row in counts.tolist()))


def one_class(base: Tallies) -> str:
    """Why all rows of a binary benchmark do not tell good from bad; empty where they do."""
    ones = int(base.outcomes[0].reshape(-1, 2)[:, 1].sum())
    n = int(base.n[0])
    if 0 < ones < n:
        return ""
    return f"label is {1 if ones else 0} in all {n} rows; both classes are needed to tell good from bad"


def asks(specs: Iterable[GateSpec], task: str, *, live: bool, rows_fit: bool) -> dict[str, Asked]:
    """What a table engine must count for gates, by their ids; those that rows answer, or nothing can, are left out."""
    found = {}
    for spec in specs:
        try:
            asked = asked_of(spec, task, live=live, rows_fit=rows_fit)
        except BadInput:
            continue  # the gate itself says what is wrong with its slice
        if asked is not None:
            found[spec.id] = asked
    return found
