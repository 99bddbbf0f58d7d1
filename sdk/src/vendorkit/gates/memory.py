"""The memory gate: how much memory loading the model and predicting takes."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.gates.base import Described, Evidence, GateSpec
from vendorkit.gates.measured import Figure, described, figure_of, judge
from vendorkit.records.gate_report import GateResult

FIGURES: dict[str, Figure] = {
    "rss_mb": Figure(
        "The most memory that the process held, in megabytes of 1,000,000 bytes",
        "lower",
        " MB",
        ("benchmark", "max_drop_vs_current"),
        ("benchmark",),
    )
}

_SOURCE = "Linux: VmHWM of /proc/self/status, proc(5); elsewhere ru_maxrss of getrusage(2)"


@dataclass(frozen=True)
class Memory:
    """Asks whether the model fits where it will run."""

    kind: str = "memory"
    title: str = "Fits the memory where it will run"
    why: str = "A process that needs more memory than its container has is killed, with all requests that it holds."
    formula: str = (
        "A new interpreter loads the stored model and its code, and predicts up to 1,000 rows of the benchmark, which "
        "were prepared elsewhere; the value is the peak of its resident memory. The web server that will surround "
        "the model is not in it."
    )
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = (
        '- {id: g-mem, kind: memory, benchmark: holdout, metric: rss_mb, max: 900, says: "Fits the memory of one pod"}'
    )
    needs: tuple[str, ...] = ("measured",)

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        return judge(spec, figure_of(spec, FIGURES), evidence)
