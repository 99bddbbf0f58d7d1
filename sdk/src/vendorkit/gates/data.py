"""The data gate: whether the data is what its contract says, is fresh, has its labels, and does not leak.

What the values are counted from is in `tracking.counting`.
"""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.gates.base import Described, Evidence, GateSpec
from vendorkit.gates.measured import Figure, described, figure_of, judge
from vendorkit.records.gate_report import GateResult

_OF = "of the benchmark, or without one of every dataset of the model"

FIGURES: dict[str, Figure] = {
    "contract_violations": Figure(
        f"Values that break the data contract, {_OF}: columns that are missing or not described, types, missing "
        "values, ranges, lengths, patterns, allowed values, uniqueness, and the contract's own quality rules",
        uses=("benchmark",),
    ),
    "missing_share": Figure(
        f"The largest share of missing values of a column, {_OF}; `slice` names the columns, all unless given",
        uses=("benchmark", "slice"),
    ),
    "age_days": Figure(
        f"Age of the newest value of the time column `slice`, {_OF}; without `slice` the time since it was frozen; "
        "in days",
        uses=("benchmark", "slice"),
    ),
    "rows": Figure("Rows, of the benchmark or of the smallest dataset", "higher", uses=("benchmark",)),
    "label_share": Figure(
        "Label availability: share of the prepared rows that have a label, of the benchmark or of the training data",
        "higher",
        uses=("benchmark", "min_rows"),
    ),
    "label_balance": Figure(
        "Share of the prepared rows whose label is 1, or of the rarest class where there are several, of the benchmark "
        "or of the training data",
        "higher",
        uses=("benchmark", "min_rows"),
    ),
    "shared_rows": Figure(
        "Leakage: rows of the benchmark that stand in the training data too, all columns equal",
        uses=("benchmark",),
        owes=("benchmark",),
    ),
    "shared_keys": Figure(
        "Leakage: rows of the benchmark whose key stands in the training data too; `slice` names the key's columns",
        uses=("benchmark", "slice"),
        owes=("benchmark", "slice"),
    ),
    "time_overlap": Figure(
        "Leakage: rows of the benchmark that are not later than the last of the training data, by the time column "
        "`slice`",
        uses=("benchmark", "slice"),
        owes=("benchmark", "slice"),
    ),
}

_SOURCE = "Open Data Contract Standard 3.1.0, logicalTypeOptions and quality; Kaufman et al. (2012), Leakage"


@dataclass(frozen=True)
class Data:
    """Asks whether the data is fit for training and judging."""

    kind: str = "data"
    title: str = "The data is what its contract says, and does not leak"
    why: str = "Every other gate believes the data: a broken column or a row that was trained on makes it say yes."
    formula: str = "value >= `min` and value <= `max` for what `metric` names"
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = (
        "- {id: g-data, kind: data, metric: contract_violations, max: 0, "
        'says: "The data is what its contract promises"}'
    )
    needs: tuple[str, ...] = ("measured",)

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        return judge(spec, figure_of(spec, FIGURES), evidence)
