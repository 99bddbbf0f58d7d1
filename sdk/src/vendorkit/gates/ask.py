"""All gates, and how a list of them is asked. A gate that cannot run is never a pass."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from vendorkit.errors import VendorkitError
from vendorkit.gates.base import Evidence, Gate, GateSpec, answer
from vendorkit.gates.business import Business
from vendorkit.gates.change import Change
from vendorkit.gates.data import Data
from vendorkit.gates.determinism import Determinism
from vendorkit.gates.fairness import Fairness
from vendorkit.gates.latency import Latency
from vendorkit.gates.memory import Memory
from vendorkit.gates.performance import Performance
from vendorkit.gates.segment import Segment
from vendorkit.records.gate_report import GateResult
from vendorkit.records.manifest.judging import PlatformGate

GATES: dict[str, Gate] = {
    gate.kind: gate
    for gate in (Performance(), Segment(), Fairness(), Data(), Business(), Determinism(), Latency(), Memory(), Change())
}
"""Every kind of gate that can be asked, by its name in the manifest."""

_log = logging.getLogger(__name__)


def needs(specs: Iterable[GateSpec], gates: Mapping[str, Gate] = GATES) -> frozenset[str]:
    """Fields of `Evidence` that these gates look at: what a step has to measure."""
    return frozenset(field for spec in specs if spec.kind in gates for field in gates[spec.kind].needs)


def ask_all(specs: Iterable[GateSpec], evidence: Evidence, gates: Mapping[str, Gate] = GATES) -> tuple[GateResult, ...]:
    """Ask every declared gate.

    Args:
        specs: The manifest's gates for this model.
        evidence: What was measured.
        gates: Kinds that can be asked.

    Returns:
        One result for each spec, in the same order. What cannot be answered has the verdict `error`.
    """
    return tuple(_ask(spec, evidence, gates) for spec in specs)


def all_passed(results: Sequence[GateResult]) -> bool:
    """Whether every gate passed and there was at least one: no question is not a yes."""
    return bool(results) and all(result.verdict == "pass" for result in results)


def _ask(spec: GateSpec, evidence: Evidence, gates: Mapping[str, Gate]) -> GateResult:
    if isinstance(spec, PlatformGate) and spec.benchmark_kind and spec.benchmark is None:
        says = f"the platform asks this of a {spec.benchmark_kind} benchmark, and none is declared."
        return answer(spec, "error", says)
    gate = gates.get(spec.kind)
    if gate is None:
        return answer(spec, "error", f"there is no gate of kind {spec.kind!r}; known: {', '.join(sorted(gates))}.")
    try:
        return gate.ask(spec, evidence)
    except VendorkitError as error:
        return answer(spec, "error", _sentence(str(error)))
    except Exception as error:  # noqa: BLE001  (a gate that breaks is not a pass; the others are still asked)
        _log.debug("gate %s broke", spec.id, exc_info=True)
        says = f"the gate itself broke, which is a bug in vendorkit: {type(error).__name__}: {error}"
        return answer(spec, "error", _sentence(says))


def _sentence(text: str) -> str:
    """Text as one line of at most 600 characters that ends with a full stop."""
    line = " ".join(text.split())
    line = line if len(line) <= 600 else f"{line[:597]}..."
    return line if line.endswith((".", "!", "?")) else f"{line}."
