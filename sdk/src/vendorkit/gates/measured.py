"""How a value that was measured for a gate is held against the gate's limits: `min`, `max`, and the live version's.

For gates whose value comes from a measurement of their own (latency, memory, business, data, training twice).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vendorkit.errors import BadInput
from vendorkit.gates.base import Described, Evidence, GateSpec, Measured, answer, refuse_unused
from vendorkit.gates.limits import bounds, check_limits, without_limit
from vendorkit.gates.numbers import shown
from vendorkit.records.gate_report import Cell, GateResult, Timing


@dataclass(frozen=True)
class Figure:
    """What a gate can measure, in its own words.

    Args:
        meaning: What the value is, for the reference and for `explain`.
        better: Whether a lower or a higher value is better.
        unit: Unit behind the value, with its space, for instance ` ms`.
        uses: Keys of a gate that it looks at besides the limits.
        owes: Those of `uses` that must be given.
    """

    meaning: str
    better: Literal["lower", "higher"] = "lower"
    unit: str = ""
    uses: tuple[str, ...] = ()
    owes: tuple[str, ...] = field(default=())


def described(figures: Mapping[str, Figure], source: str) -> tuple[Described, ...]:
    """Figures as a gate tells them."""
    return tuple((name, figure.meaning, source) for name, figure in figures.items())


KEYS = ("benchmark", "slice", "code", "max_drop_vs_current")
"""Keys that only some figures look at."""


def figure_of(spec: GateSpec, figures: Mapping[str, Figure]) -> Figure:
    """The figure that a gate names.

    Raises:
        BadInput: There is none of that name, keys that it needs are missing, or keys are given that it ignores.
    """
    found = figures.get(spec.metric or "")
    if found is None:
        given = f"{spec.metric!r} is not" if spec.metric else "`metric` is missing; it is"
        raise BadInput(f"{given} one of: {', '.join(figures)}.")
    options = tuple(key for key in found.uses if key not in KEYS)
    refuse_unused(spec, tuple(key for key in KEYS if key not in found.uses), options)
    missing = [key for key in found.owes if getattr(spec, key, None) is None]
    if missing:
        raise BadInput(f"{spec.metric} needs {', '.join(f'`{key}`' for key in missing)}.")
    return found


def measured_for(spec: GateSpec, evidence: Evidence) -> Measured:
    """What was measured for a gate.

    Raises:
        BadInput: Nothing was, and why.
    """
    found = evidence.measured.get(spec.id, "it was not measured")
    if isinstance(found, str):
        raise BadInput(f"{found.rstrip('.')}.")
    return found


def judge(spec: GateSpec, figure: Figure, evidence: Evidence) -> GateResult:
    """Hold the value that was measured for a gate against its limits.

    Args:
        spec: The gate as declared.
        figure: What its value is.
        evidence: Has the value under the gate's id.

    Raises:
        BadInput: Not measured, no limit, or a limit that nothing can keep.
    """
    check_limits(spec)
    found = measured_for(spec, evidence)
    value, least_rows = found.values.get(spec.metric or ""), spec.min_rows or 1
    if found.n < least_rows:
        raise BadInput(f"it rests on {found.n} rows, and at least {least_rows} are needed to judge.")
    if value is None or not math.isfinite(value):
        raise BadInput(f"{spec.metric} is {'unknown' if value is None else value} and cannot be judged.")
    previous = _previous(spec, evidence)
    found_bounds = bounds(spec, figure.better, value, previous)
    if not found_bounds:
        raise without_limit()
    broken = [bound for bound in found_bounds if not bound.kept]
    limit = ", and ".join(bound.words for bound in broken or found_bounds)
    beside = [edge for edge in (spec.min, spec.max) if edge is not None]
    says = f"{spec.metric} is {shown(value, *beside)}{figure.unit}, the limit is {limit}{figure.unit}."
    return answer(
        spec,
        "fail" if broken else "pass",
        " ".join(part for part in (says, found.says) if part),
        value=value,
        limit=limit,
        previous=previous,
        n=found.n,
        cells=_cells(found.cells),
        notes=found.notes,
    ).model_copy(update={"timings": found.timings})


def _cells(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The worst first: what failed, then by name."""
    return tuple(sorted(cells, key=lambda cell: (cell.verdict == "pass", -(cell.value or 0.0), cell.name)))


def _previous(spec: GateSpec, evidence: Evidence) -> float | None:
    if evidence.measured_current is None:
        return None
    found = evidence.measured_current.get(spec.id)
    if isinstance(found, Measured):
        return found.values.get(spec.metric or "")
    if spec.max_drop_vs_current is not None:
        raise BadInput(f"the live version could not be measured: {found or 'it was not asked'}")
    return None


def measured_from(values: Mapping[str, Any]) -> Measured:
    """A measurement from the plain values that the measuring process gave."""
    return Measured(
        values={str(name): float(value) for name, value in values["values"].items()},
        n=int(values["n"]),
        says=str(values.get("says", "")),
        cells=tuple(Cell.model_validate(cell) for cell in values.get("cells", ())),
        timings=tuple(Timing.model_validate(timing) for timing in values.get("timings", ())),
        notes=tuple(values.get("notes", ())),
    )


def measured_of(
    whose: str, specs: Iterable[GateSpec], found: Mapping[str, Mapping[str, Any] | str]
) -> dict[str, Measured | str]:
    """What was measured for single gates, by their ids; a text says why it could not be.

    Args:
        whose: `candidate` or `current`.
        specs: The gates.
        found: Measurements, those of a gate by `candidate:ID` or `current:ID`.
    """
    given = {spec.id: found[f"{whose}:{spec.id}"] for spec in specs if f"{whose}:{spec.id}" in found}
    return {name: value if isinstance(value, str) else measured_from(value) for name, value in given.items()}
