"""The rows of a benchmark with what one model said of them, checked before any gate judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vendorkit.errors import BadInput, Fault
from vendorkit.gates.columns import Column

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scored:
    """One benchmark, scored by one model, row for row. Made by `scored`, which refuses what is not fit.

    Args:
        benchmark: Id of the benchmark in the manifest.
        content_digest: Digest of the benchmark's whole content.
        label: What happened, float64, shape (n,), read-only; 0 or 1 for a binary task.
        score: What the model said, float64, shape (n,), read-only; from 0 to 1 for a binary task; for a multiclass
            task a probability for each class, shape (n, k), and `label` the number of the class.
        columns: Columns of the benchmark that gates name, each of n rows, whether or not the model sees them; a
            text in place of a column says why it cannot be used.
        classes: Names of the classes of a multiclass task, in the order of their numbers.
    """

    benchmark: str
    content_digest: str
    label: Numbers
    score: Numbers
    columns: Mapping[str, Column | str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.label)


def scored(
    benchmark: str,
    content_digest: str,
    label: Any,
    score: Any,
    *,
    task: str,
    one_class_ok: bool = False,
    columns: Mapping[str, Column | str] | None = None,
) -> Scored:
    """Check labels and scores of one benchmark and freeze a copy of them.

    Args:
        benchmark: Id of the benchmark.
        content_digest: Digest of its whole content.
        label: Array-like of shape (n,): 0 or 1 for a binary task, else finite numbers.
        score: Array-like of shape (n,): the probability of 1 for a binary task, else finite numbers.
        task: Task of the model.
        one_class_ok: Allow a binary benchmark with one class only, for instance one of known bad cases.
        columns: Columns that gates name, each of n rows, or why there is none.

    Raises:
        BadInput: They are not fit; `faults` has every reason.
    """
    faults: list[Fault] = []
    if task not in ("binary", "regression", "forecasting"):
        faults.append(Fault("task", f"is {task!r}; rows can be scored for binary, regression and forecasting."))
    labels = _column(f"{benchmark}: label", label, faults)
    scores = _column(f"{benchmark}: score", score, faults)
    if labels is not None and scores is not None and len(labels) != len(scores):
        says = f"has {len(scores)} values for {len(labels)} labels; `predict` must give one for each row."
        faults.append(Fault(f"{benchmark}: score", says))
    if task == "binary":
        _check_binary(benchmark, labels, scores, faults, one_class_ok=one_class_ok)
    for name, column in (columns or {}).items():
        if labels is not None and isinstance(column, Column) and len(column) != len(labels):
            faults.append(Fault(f"{benchmark}: {name}", f"has {len(column)} values for {len(labels)} labels."))
    if faults or labels is None or scores is None:
        raise BadInput(f"Benchmark {benchmark} cannot be measured.", faults)
    return Scored(benchmark, content_digest, labels, scores, dict(columns or {}))


def _column(where: str, given: Any, faults: list[Fault]) -> Numbers | None:
    """A read-only float64 copy of shape (n,); None, with a fault noted, where there is no such thing."""
    try:
        column = _numbers(given)
    except BadInput as error:
        faults.append(Fault(where, error.says, error.fix))
        return None
    column.setflags(write=False)
    return column


def _numbers(given: Any) -> Numbers:
    """A float64 copy of shape (n,), finite, n at least 1; BadInput says what is wrong with it."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise BadInput("has rows of different lengths; expected one number for each row.") from error
    if array.ndim != 1:
        fix = "Of two columns of probabilities, give the one of class 1."
        raise BadInput(f"has shape {array.shape}; expected one number for each row, shape (n,).", fix=fix)
    if array.dtype.kind in "US" or (array.dtype.kind == "O" and any(isinstance(v, str | bytes) for v in array)):
        raise BadInput("holds text; expected numbers.")
    if array.dtype.kind not in "biufO":
        raise BadInput(f"holds {array.dtype}; expected numbers.")
    try:
        column = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput("holds values that are no numbers.") from error
    if not len(column):
        raise BadInput("has no rows.")
    bad = np.flatnonzero(~np.isfinite(column))
    if len(bad):
        raise BadInput(f"is missing or infinite in {len(bad)} of {len(column)} rows, first in row {bad[0] + 1}.")
    return column


def _check_binary(
    benchmark: str, labels: Numbers | None, scores: Numbers | None, faults: list[Fault], *, one_class_ok: bool
) -> None:
    if scores is not None:
        bad = np.flatnonzero((scores < 0.0) | (scores > 1.0))
        if len(bad):
            says = (
                f"is outside 0 to 1 in {len(bad)} of {len(scores)} rows, first {scores[bad[0]]:g} in row "
                f"{bad[0] + 1}; expected the probability of class 1."
            )
            faults.append(Fault(f"{benchmark}: score", says))
    if labels is None:
        return
    values = np.unique(labels)
    strange = [f"{value:g}" for value in values if value not in (0.0, 1.0)]
    if strange:
        more = ", ..." if len(strange) > 5 else ""
        says = f"holds {', '.join(strange[:5])}{more}; a binary label is 0 or 1."
        faults.append(Fault(f"{benchmark}: label", says))
    elif len(values) == 1 and not one_class_ok:
        says = f"is {values[0]:g} in all {len(labels)} rows; both classes are needed to tell good from bad."
        faults.append(Fault(f"{benchmark}: label", says))
