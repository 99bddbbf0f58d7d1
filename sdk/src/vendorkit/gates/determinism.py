"""The determinism gate: `prepare` again gives the same table, and training again with the seed the same scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from vendorkit.errors import BadInput
from vendorkit.gates.base import Described, Evidence, GateSpec, answer, refuse_unused
from vendorkit.gates.measured import Figure, described, figure_of, judge
from vendorkit.gates.numbers import number
from vendorkit.records.gate_report import GateResult
from vendorkit.records.manifest import Manifest

FIGURES: dict[str, Figure] = {
    "score_difference": Figure(
        "The largest difference of a score when the model is trained again with the same seed",
        uses=("benchmark",),
        owes=("benchmark",),
    )
}

LEAST_RUNS, MOST_RUNS = 2, 20
"""One run proves nothing: a table can only be compared with another. More than twenty take time and tell no more."""


def accepted_exception(manifest: Manifest) -> str:
    """The accepted exception from training that repeats; empty where there is none."""
    for stage in manifest.reproduce.stochastic if manifest.reproduce else ():
        if stage.stage == "train" and manifest.internal(stage.accepted_by):
            return f"Training may differ ({stage.bound}): {stage.why}; accepted by {stage.accepted_by}."
    return ""


def runs_of(spec: GateSpec) -> int:
    """How often the data is prepared in all, the time before training among them.

    Raises:
        BadInput: `min` is no such number.
    """
    wanted = LEAST_RUNS if spec.min is None else spec.min
    if wanted not in range(LEAST_RUNS, MOST_RUNS + 1):
        raise BadInput(f"`min` is {wanted:g}; give how often `prepare` runs, {LEAST_RUNS} to {MOST_RUNS}.")
    return int(wanted)


def prepared_tables(recorded: str | None, measured: Iterable[Mapping[str, Any] | str]) -> tuple[str, ...] | str:
    """Digests of the prepared table, that of the training first; or why there are none.

    Args:
        recorded: That of the training; None where it did not go through `prepare`.
        measured: What each further run gave, or why it failed.
    """
    if recorded is None:
        return "the candidate was not trained through `prepare`"
    digests = [recorded]
    for found in measured:
        if isinstance(found, str):
            return found
        digests.append(str(found["digest"]))
    return tuple(digests)


def repeated(specs: Iterable[GateSpec]) -> int:
    """How often the data has to be prepared again; an unfit `min` is for the gate to refuse."""
    again = [0]
    for spec in specs:
        if spec.kind == "determinism" and spec.metric is None:
            with suppress(BadInput):
                again.append(runs_of(spec) - 1)
    return max(again)


_SOURCE = "vendorkit; SHA-256, FIPS 180-4"


@dataclass(frozen=True)
class Determinism:
    """Asks whether preparing the data, or training, gives the same twice."""

    kind: str = "determinism"
    title: str = "The same data in gives the same features out"
    why: str = (
        "What cannot be repeated cannot be rebuilt, compared or explained: a prediction would depend on when "
        "it was made."
    )
    formula: str = (
        "`prepare` runs at least twice (`min` says how often), each time in a fresh process, on the same "
        "snapshots; the content digests of all tables are equal. The digest covers names, types and every "
        "value of every row, in order. With `metric: score_difference` the model is trained again in a process of its "
        "own with the recorded seed, and value = the largest absolute difference of a row's score on the benchmark "
        "<= `max`; a `max` above 0 needs an exception for stage `train` under `reproduce.stochastic`, which names "
        "the internal person who accepted it."
    )
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = '- {id: g-same, kind: determinism, says: "The same data always gives the same features"}'
    needs: tuple[str, ...] = ("prepared", "measured")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry; `value` says how many different tables there were, or how far scores are."""
        if spec.metric is not None:
            return self._trained(spec, evidence)
        refuse_unused(spec, ("slice", "max", "max_drop_vs_current"))
        least = runs_of(spec)
        digests = evidence.prepared
        if isinstance(digests, str):
            raise BadInput(f"there is nothing to compare: {digests.rstrip('.')}.")
        if len(digests) < least:
            raise BadInput(f"the data was prepared {len(digests)} of the {number(least)} times that are needed.")
        different = len(set(digests))
        limit = "the same table every time"
        runs = f"preparing the data {len(digests)} times gave"
        if different == 1:
            says = f"{runs} the same table every time."
            return answer(spec, "pass", says, value="1 table", limit=limit, n=len(digests))
        says = (
            f"{runs} {different} different tables; look for unseeded random numbers, the present time, sets "
            "and rows without an order."
        )
        return answer(spec, "fail", says, value=f"{different} different tables", limit=limit, n=len(digests))

    def _trained(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        figure = figure_of(spec, FIGURES)
        if spec.min is not None:
            raise BadInput("`min` is no limit of a difference, which is best at 0; set `max`.")
        if spec.max is None or spec.max < 0:
            raise BadInput("`max` is missing; set 0, or the bound that was accepted.")
        if spec.max > 0 and not evidence.exception:
            raise BadInput(
                "a `max` above 0 needs an exception for stage `train` under `reproduce.stochastic`, accepted by an "
                "internal person."
            )
        result = judge(spec, figure, evidence)
        notes = (evidence.exception,) if spec.max > 0 else ()
        return result.model_copy(update={"notes": (*result.notes, *notes)})
