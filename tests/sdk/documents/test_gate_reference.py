"""The reference page of gates is written from code, is current, its examples are good manifest entries."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from vendorkit.documents.gate_reference import gates_reference
from vendorkit.gates import GATES
from vendorkit.gates.metrics import METRICS
from vendorkit.records.manifest.judging import Gate

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "gates.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == gates_reference(GATES, METRICS)


def test_every_gate_and_metric_is_on_the_page() -> None:
    page = gates_reference(GATES, METRICS)
    for kind in GATES:
        assert f"\n## {kind}\n" in page
    for name, metric in METRICS.items():
        assert f"| `{name}` |" in page
        assert metric.source in page


@pytest.mark.parametrize("kind", GATES)
def test_the_example_is_a_gate_of_the_manifest(kind: str) -> None:
    (entry,) = yaml.safe_load(GATES[kind].example)
    gate = Gate.model_validate(entry)
    assert gate.kind == kind
