"""The latency gate: how long `predict` takes, or the whole service."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.gates.base import Described, Evidence, GateSpec
from vendorkit.gates.measured import Figure, described, figure_of, judge
from vendorkit.records.gate_report import GateResult

_USES = ("benchmark", "max_drop_vs_current", "through")
_ONE = "of the time of one call with one row, in milliseconds"
_MANY = "of the time of one call with 100 rows, in milliseconds"

FIGURES: dict[str, Figure] = {
    **{f"p{q}_ms": Figure(f"The {q}th percentile {_ONE}", "lower", " ms", _USES, ("benchmark",)) for q in (50, 95, 99)},
    **{
        f"p{q}_ms_of_100": Figure(f"The {q}th percentile {_MANY}", "lower", " ms", _USES, ("benchmark",))
        for q in (50, 95, 99)
    },
}

_SOURCE = "Hyndman and Fan (1996), Sample quantiles in statistical packages, definition 7"


@dataclass(frozen=True)
class Latency:
    """Asks whether the model answers in time."""

    kind: str = "latency"
    title: str = "Answers in time"
    why: str = "A model that is right too late is of no use to a caller who waits."
    formula: str = (
        "`predict` is called with rows of the benchmark, 10 times to warm up and then 200 times (fewer, but at least "
        "60, where that takes longer than half a second), with nothing else measured meanwhile. Percentiles by linear "
        "interpolation; the spread is the distance of the quartiles. Checks and copies that vendorkit makes around "
        "`predict` are within the time; network and service are not. With `through: service` the real service is "
        "started with the candidate and asked as often over HTTP, one request after another on one connection of this "
        "machine: reading and checking the request, the prediction log and the answer are within the time. A service "
        "that does not start, refuses a row or does not answer is an error."
    )
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = (
        "- {id: g-lat, kind: latency, benchmark: holdout, metric: p99_ms, max: 120, "
        'says: "Answers inside the checkout budget"}'
    )
    needs: tuple[str, ...] = ("measured",)

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        return judge(spec, figure_of(spec, FIGURES), evidence)
