"""May it ship: the questions asked of a candidate, one file per family, and the dict of all of them."""

from __future__ import annotations

from vendorkit.gates.ask import GATES, all_passed, ask_all, needs
from vendorkit.gates.base import Evidence, Gate, GateSpec
from vendorkit.gates.scored import Scored, scored

__all__ = ["GATES", "Evidence", "Gate", "GateSpec", "Scored", "all_passed", "ask_all", "needs", "scored"]
