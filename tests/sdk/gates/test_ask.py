"""Asking a list of gates: what cannot run is an error, never a pass; no gates at all are no yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from vendorkit.errors import BadInput
from vendorkit.gates import GATES, Evidence, all_passed, ask_all, needs
from vendorkit.records.gate_report import GateResult

Spec = Callable[..., Any]
A = "sha256:" + "a" * 64


@dataclass(frozen=True)
class Broken:
    """A gate that raises."""

    error: BaseException
    kind: str = "broken"
    title: str = ""
    why: str = ""
    formula: str = ""
    source: str = ""
    example: str = ""
    needs: tuple[str, ...] = ("candidate",)

    def ask(self, spec: Any, evidence: Evidence) -> GateResult:
        raise self.error


def same(spec: Spec, **given: Any) -> Any:
    return spec(**{"kind": "determinism", "benchmark": None, "metric": None, **given})


def test_one_answer_for_each_gate_in_order(spec: Spec) -> None:
    specs = [spec(id="a", min=0.5), same(spec, id="b"), spec(id="c", kind="magic")]
    results = ask_all(specs, Evidence(task="binary", candidate={}, prepared=(A, A)))
    assert [(result.id, result.verdict) for result in results] == [
        ("a", "error"),
        ("b", "pass"),
        ("c", "error"),
    ]
    assert not all_passed(results)
    assert all_passed(results[1:2])


def test_an_unknown_kind_lists_the_known(spec: Spec) -> None:
    (result,) = ask_all([spec(kind="magic", min=0.5)], Evidence(task="binary", candidate={}))
    assert result.verdict == "error"
    assert "there is no gate of kind 'magic'; known: business, change, data, determinism" in result.says


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            ZeroDivisionError("division by zero"),
            "the gate itself broke, which is a bug in vendorkit: ZeroDivisionError",
        ),
        (BadInput("no such\n  column"), "no such column. Could not be decided"),
        (BadInput("x" * 100_000), "xxx..."),
    ],
)
def test_a_gate_that_raises_is_an_error_and_the_others_are_asked(spec: Spec, error: Exception, says: str) -> None:
    gates = {**GATES, "broken": Broken(error)}
    specs = [spec(kind="broken"), same(spec)]
    results = ask_all(specs, Evidence(task="binary", candidate={}, prepared=(A, A)), gates)
    assert [result.verdict for result in results] == ["error", "pass"]
    assert says in results[0].says
    assert len(results[0].says) < 1000
    assert not all_passed(results)


def test_an_interrupt_is_not_swallowed(spec: Spec) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask_all(
            [spec(kind="broken")],
            Evidence(task="binary", candidate={}),
            {"broken": Broken(KeyboardInterrupt())},
        )


def test_no_gates_is_not_a_pass() -> None:
    assert ask_all([], Evidence(task="binary", candidate={})) == ()
    assert not all_passed(())


def test_what_has_to_be_measured(spec: Spec) -> None:
    assert needs([same(spec)]) == {"prepared", "measured"}
    assert needs([spec(min=0.5), same(spec)]) == {"candidate", "current", "prepared", "measured"}
    assert needs([spec(kind="magic")]) == frozenset()


def test_every_gate_explains_itself() -> None:
    fields = set(Evidence.__dataclass_fields__)
    for kind, gate in GATES.items():
        assert gate.kind == kind
        assert gate.title, kind
        assert gate.why.endswith("."), kind
        assert gate.formula, kind
        assert gate.source, kind
        assert f"kind: {kind}" in gate.example, kind
        assert set(gate.needs) <= fields, kind
