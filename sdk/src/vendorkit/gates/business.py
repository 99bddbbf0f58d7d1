"""The business gate: rules over what the model says of known cases, and of rows that are made to try it.

The rules are measured in `tracking.rules`; a rule of the vendor's own is named by `code`.
"""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.errors import BadInput
from vendorkit.gates.base import Described, Evidence, GateSpec
from vendorkit.gates.measured import Figure, described, figure_of, judge
from vendorkit.records.gate_report import GateResult

_ON = ("benchmark",)
_COLUMNS = ("benchmark", "slice", "min_rows")
_DECIDES = ("benchmark", "threshold", "favourable", "min_rows")
_KNOWN = (
    "Rows of a benchmark of known bad cases that the model would approve. A score at or above `threshold` (0.5 unless "
    "given) is a 1; approved is what `favourable` says, 0 unless given"
)

FIGURES: dict[str, Figure] = {
    "approved_known_bad": Figure(_KNOWN, uses=_DECIDES, owes=_ON),
    "approved_known_fraud": Figure(f"{_KNOWN}. The same as approved_known_bad", uses=_DECIDES, owes=_ON),
    "rank_reversals": Figure(
        "Share of the pairs of rows whose order by score turns round under the stress of the benchmark: the "
        "discordant pairs of Kendall (1938) among all pairs",
        uses=("benchmark", "min_rows"),
        owes=_ON,
    ),
    "breaks_rising": Figure(
        "Monotonicity: share of rows whose score falls somewhere while the column `slice` is raised through the "
        "deciles of the benchmark, all else equal",
        uses=_COLUMNS,
        owes=(*_ON, "slice"),
    ),
    "breaks_falling": Figure(
        "Monotonicity: share of rows whose score rises somewhere while the column `slice` is raised through the "
        "deciles of the benchmark, all else equal",
        uses=_COLUMNS,
        owes=(*_ON, "slice"),
    ),
    "swap_change": Figure(
        "Invariance: the largest change of a row's score when its value of the column `slice` is replaced by each "
        "other value that occurs (at most 20), all else equal",
        uses=_COLUMNS,
        owes=(*_ON, "slice"),
    ),
    "shake_change": Figure(
        "Perturbation: the largest change of a row's score when a number is moved up or down by 1 % of the range "
        "of its column; `slice` names the columns, all numbers unless given",
        uses=_COLUMNS,
        owes=_ON,
    ),
    "fails_when_missing": Figure(
        "Share of rows for which `predict` raises or gives no score that is fit when one feature is missing, the "
        "worst feature counts; `slice` names the features, all unless given",
        uses=_COLUMNS,
        owes=_ON,
    ),
    "fails_at_extremes": Figure(
        "Share of rows for which `predict` raises or gives no score that is fit when one feature is far outside of "
        "what was seen (a number 10 ranges away, an unknown word), the worst feature counts; `slice` as above",
        uses=_COLUMNS,
        owes=_ON,
    ),
}
OWN = Figure("What the vendor's own rule gives", uses=("benchmark", "slice", "code", "threshold", "min_rows"), owes=_ON)

_SOURCE = (
    "Ribeiro et al. (2020), Beyond accuracy: behavioral testing of NLP models with CheckList (invariance and "
    "directional expectation); Kendall (1938), A new measure of rank correlation"
)


@dataclass(frozen=True)
class Business:
    """Asks whether the model keeps a rule of the business."""

    kind: str = "business"
    title: str = "Keeps the rules of the business"
    why: str = (
        "A good average hides the one decision that nobody would defend: a known fraud that is approved, a price "
        "that falls as the risk rises."
    )
    formula: str = (
        "value >= `min` and value <= `max` for the rule that `metric` names. With `code: module:function` the rule is "
        "the vendor's own function, see how to add a gate of your own."
    )
    source: str = _SOURCE
    figures: tuple[Described, ...] = described(FIGURES, _SOURCE)
    example: str = (
        "- {id: g-bad, kind: business, benchmark: known-bad, metric: approved_known_fraud, max: 0, "
        'says: "Never approves a known fraud case"}'
    )
    needs: tuple[str, ...] = ("measured",)

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry."""
        if spec.code is None:
            return judge(spec, figure_of(spec, FIGURES), evidence)
        if not spec.metric:
            raise BadInput("`metric` is missing; give what the rule measures a name.")
        return judge(spec, figure_of(spec, {spec.metric: OWN}), evidence)
