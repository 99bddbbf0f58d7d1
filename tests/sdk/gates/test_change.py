"""What changed since the live version: told, held against a limit, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from vendorkit.gates import Evidence, ask_all
from vendorkit.gates.change import STALE, Standing, changes, loosened
from vendorkit.records.gate_report import GateResult

Spec = Callable[..., Any]
BEFORE = Standing(
    features={"age": "number"},
    dependencies={"lock": "a", "python": "3.12"},
    code={"pipeline.py": "a"},
    benchmarks={"holdout": "a"},
    limits={"g-auc": (0.78, None, 0.01), "g-brier": (None, 0.2, None)},
)


def ask(spec: Any, before: Standing | None, after: Standing) -> GateResult:
    (result,) = ask_all([spec], Evidence("binary", {}, measured={spec.id: changes(before, after)}))
    return result


def change(spec: Spec, metric: str | None = None, **given: Any) -> Any:
    return spec(kind="change", benchmark=None, metric=metric, **given)


def test_nothing_changed_and_nothing_live(spec: Spec) -> None:
    assert "Nothing changed." in ask(change(spec), BEFORE, BEFORE).says
    first = ask(change(spec, "loosened_limits", max=0), None, BEFORE)
    assert first.verdict == "pass"
    assert "No version is live yet" in first.says


@pytest.mark.parametrize("part", STALE)
def test_each_part_passes_unchanged_and_fails_changed(spec: Spec, part: str) -> None:
    gate = change(spec, f"changed_{part}", max=0)
    assert ask(gate, BEFORE, BEFORE).verdict == "pass"
    result = ask(gate, BEFORE, replace(BEFORE, **{part: {"new": (1.0, None, None) if part == "limits" else "b"}}))
    assert result.verdict == "fail"
    assert f"make stale: {STALE[part]}." in result.says
    assert next(cell for cell in result.cells if cell.name.startswith(f"{part}: ")).n == len(getattr(BEFORE, part)) + 1


def test_without_a_limit_it_tells_and_passes(spec: Spec) -> None:
    result = ask(change(spec), BEFORE, replace(BEFORE, code={"pipeline.py": "b"}))
    assert (result.verdict, result.value) == ("pass", 1)
    assert "Changed code (pipeline.py) make stale: the prepared table and every score." in result.says


def test_what_was_not_measured_is_an_error(spec: Spec) -> None:
    (result,) = ask_all([change(spec)], Evidence("binary", {}))
    assert result.verdict == "error"
    assert ask(change(spec, "moods", max=0), BEFORE, BEFORE).verdict == "error"
    assert ask(change(spec, max=0), BEFORE, BEFORE).verdict == "error"


LOOSER = {
    "a lower min": ({"g-auc": (0.7, None, 0.01), "g-brier": (None, 0.2, None)}, {"g-auc": "`min` was 0.78 and is 0.7"}),
    "a higher max": (
        {"g-auc": (0.78, None, 0.01), "g-brier": (None, 0.3, None)},
        {"g-brier": "`max` was 0.2 and is 0.3"},
    ),
    "no limit": ({"g-auc": (None, None, 0.01), "g-brier": (None, 0.2, None)}, {"g-auc": "`min` was 0.78 and is gone"}),
    "no gate": ({"g-auc": (0.78, None, 0.01)}, {"g-brier": "is gone"}),
    "a larger drop": (
        {"g-auc": (0.78, None, 0.05), "g-brier": (None, 0.2, None)},
        {"g-auc": "`max_drop_vs_current` was 0.01 and is 0.05"},
    ),
    "no drop": ({"g-auc": (0.78, None, None), "g-brier": (None, 0.2, None)}, {"g-auc": "and is gone"}),
    "tighter": ({"g-auc": (0.8, 0.9, 0.0), "g-brier": (0.1, 0.1, 0.01)}, {}),
}


@pytest.mark.parametrize(("after", "says"), LOOSER.values(), ids=LOOSER.keys())
def test_a_loosened_limit_is_told(spec: Spec, after: dict[str, Any], says: dict[str, str]) -> None:
    found = loosened(BEFORE.limits, after)
    assert found.keys() == says.keys()
    assert all(says[name] in found[name] for name in says)
    result = ask(change(spec, "loosened_limits", max=0), BEFORE, replace(BEFORE, limits=after))
    assert result.verdict == ("fail" if says else "pass")
