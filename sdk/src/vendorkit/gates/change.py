"""The change gate: what is different since the live version, and which evidence is stale because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vendorkit.gates.base import Described, Evidence, GateSpec, Measured, answer, refuse_unused
from vendorkit.gates.measured import Figure, described, figure_of, judge, measured_for
from vendorkit.records.gate_report import Cell, GateResult

LIMITS = ("min", "max", "max_drop_vs_current")
Limits = tuple[float | None, float | None, float | None]
"""The limits of a gate in the order of LIMITS."""

STALE = {
    "features": "every score, the contract of the service and the card",
    "dependencies": "the rebuild, latency and memory",
    "code": "the prepared table and every score",
    "benchmarks": "earlier passes on them, which were about other rows",
    "limits": "earlier passes, which kept other limits",
}
"""What can change, and which evidence of the live version does not hold any more when it did."""

FIGURES: dict[str, Figure] = {
    **{f"changed_{part}": Figure(f"Number of changes in {part} since the live version") for part in STALE},
    "loosened_limits": Figure("How many gates of the live version are gone or have a wider limit"),
}


@dataclass(frozen=True)
class Standing:
    """What a version was made with and judged by.

    Args:
        features: Name to what is known of it.
        dependencies: Name to digest or version.
        code: Path to digest.
        benchmarks: Id to content digest.
        limits: Gate to its limits.
    """

    features: Mapping[str, str]
    dependencies: Mapping[str, str]
    code: Mapping[str, str]
    benchmarks: Mapping[str, str]
    limits: Mapping[str, Limits]


def limits_of(specs: Iterable[GateSpec]) -> dict[str, Limits]:
    """The limits that gates declare, by their ids."""
    return {spec.id: (spec.min, spec.max, spec.max_drop_vs_current) for spec in specs}


def changes(before: Standing | None, after: Standing) -> Measured:
    """What changed from the live version to the candidate; nothing where none is live."""
    if before is None:
        return Measured(dict.fromkeys(FIGURES, 0.0), len(STALE), "No version is live yet, so nothing changed.")
    values: dict[str, float] = {}
    cells, told = [], []
    for part, stale in STALE.items():
        named = _different(getattr(before, part), getattr(after, part))
        values[f"changed_{part}"] = float(len(named))
        listed = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
        cells.append(Cell(name=f"{part}: {listed}" if named else part, n=len(named), value=len(named), verdict="pass"))
        if named:
            told.append(f"Changed {part} ({listed}) make stale: {stale}.")
    values["loosened_limits"] = float(len(loosened(before.limits, after.limits)))
    return Measured(values, len(STALE), " ".join(told) or "Nothing changed.", tuple(cells))


def loosened(before: Mapping[str, Limits], after: Mapping[str, Limits]) -> dict[str, str]:
    """Gates whose limit is wider than it was, or that are gone, each with a sentence."""
    found = {}
    for gate, limits in before.items():
        if gate not in after:
            found[gate] = f"Gate {gate} of the live version is gone."
            continue
        words = [
            f"`{name}` was {was:g} and is {'gone' if now is None else f'{now:g}'}"
            for name, was, now in zip(LIMITS, limits, after[gate], strict=True)
            if was is not None and (now is None or (now < was if name == "min" else now > was))
        ]
        if words:
            found[gate] = f"The limit was loosened since the live version: {', '.join(words)}."
    return found


def _different(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


_SOURCE = "vendorkit; the digests of the records"


@dataclass(frozen=True)
class Change:
    """Tells what changed since the live version, and holds it against a limit where one is set."""

    kind: str = "change"
    title: str = "What changed since the live version is known"
    why: str = (
        "Evidence is about one state of things: an approver must see which of it no longer holds, and that a limit "
        "was moved so that the model fits."
    )
    formula: str = (
        "Features, locked dependencies, source files, benchmarks and limits of the candidate are compared with those "
        "in the records of the live version. Without `metric` it tells and passes; with one "
        "value <= `max`. A loosened limit, a gate that asks something else than of the live version, and one that "
        "changed in a commit since the live version that changed the model too, are noted at the gate, whether or not "
        "there is a change gate."
    )
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = (
        "- {id: g-limits, kind: change, metric: loosened_limits, max: 0, "
        'says: "No limit is wider than for the live version"}'
    )
    needs: tuple[str, ...] = ("current", "measured")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        if spec.metric is not None:
            return judge(spec, figure_of(spec, FIGURES), evidence)
        refuse_unused(spec, ("benchmark", "slice", "code", "min", "max", "max_drop_vs_current"))
        found = measured_for(spec, evidence)
        number = sum(value for name, value in found.values.items() if name != "loosened_limits")
        return answer(spec, "pass", found.says, value=number, n=found.n, cells=found.cells)
