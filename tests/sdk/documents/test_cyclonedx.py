"""The bill of materials of a real release: strictly valid, and true."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from vendorkit.documents.cyclonedx import bill_of_materials
from vendorkit.errors import BadInput
from vendorkit.records.evidence import Evidence
from vendorkit.records.gate_report import Cell

LOCK = b"""\
version = 1
[[package]]
name = "Small"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]
[[package]]
name = "numpy"
version = "2.1.0+local"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://joe:secret@host/numpy 2.tar.gz?token=secret", hash = "sha256:%s" }
wheels = [{ url = "https://host/numpy.whl", hash = "sha256:%s" }]
[[package]]
name = "six"
version = "1.17"
source = { registry = "https://pypi.org/simple" }
wheels = [{ path = "six.whl", hash = "sha256:%s" }]
""" % (b"1" * 64, b"2" * 64, b"3" * 64)


def faults(bill: dict[str, Any]) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))


@pytest.fixture(scope="module")
def bill(evidence: Evidence) -> dict[str, Any]:
    return bill_of_materials(replace(evidence, lock=LOCK))


def test_it_keeps_the_strict_schema(evidence: Evidence, bill: dict[str, Any]) -> None:
    assert faults(bill) is None
    assert faults(bill_of_materials(evidence)) is None
    assert faults({**bill, "surprise": 1}) is not None


def test_the_model_has_a_card_with_the_numbers_of_the_gates(evidence: Evidence, bill: dict[str, Any]) -> None:
    model = bill["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "credit", "1")
    assert model["hashes"] == [{"alg": "SHA-256", "content": evidence.release.digest[7:]}]
    card = model["modelCard"]
    (auc,) = (metric for metric in card["quantitativeAnalysis"]["performanceMetrics"] if "roc_auc" in metric["type"])
    assert auc["value"] == str(evidence.report.results[0].value)
    assert card["modelParameters"]["datasets"] == [{"ref": "data:applications"}]
    assert card["considerations"]["ethicalConsiderations"] == [{"name": "applications holds personal data"}]
    limits = card["considerations"]["technicalLimitations"]
    assert any(text.startswith("duration_in_month: seen in training from 4 to 72") for text in limits)


def test_segments_are_slices(evidence: Evidence) -> None:
    cell = Cell(name="age < 25", n=30, value=0.7, verdict="pass", interval=(0.6, 0.8))
    first = evidence.report.results[0].model_copy(update={"cells": (cell,)})
    bill = bill_of_materials(
        replace(evidence, lock=LOCK, report=evidence.report.model_copy(update={"results": (first,)}))
    )
    metric = bill["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][-1]
    assert metric["slice"] == "age < 25"
    assert metric["confidenceInterval"] == {"lowerBound": "0.6", "upperBound": "0.8"}
    assert faults(bill) is None


def test_data_files_and_packages_are_components_with_hashes(evidence: Evidence, bill: dict[str, Any]) -> None:
    parts = {part["bom-ref"]: part for part in bill["components"]}
    data = parts["data:applications"]
    assert data["hashes"][0]["content"] == evidence.snapshots[0].digest[7:]
    assert data["version"] == evidence.snapshots[0].content_digest
    assert parts["file:model/model.skops"]["hashes"]
    numpy = parts["pkg:pypi/numpy@2.1.0%2Blocal"]
    assert [place["hashes"][0]["content"][0] for place in numpy["externalReferences"]] == ["1", "2"]
    assert parts["pkg:pypi/six@1.17"]["hashes"][0]["content"] == "3" * 64
    assert "pkg:pypi/small@0" not in parts
    (needs,) = bill["dependencies"]
    assert "pkg:pypi/numpy@2.1.0%2Blocal" in needs["dependsOn"]
    assert "pkg:pypi/six@1.17" not in needs["dependsOn"]


def test_it_tells_no_secrets_and_is_the_same_each_time(evidence: Evidence, bill: dict[str, Any]) -> None:
    assert "secret" not in json.dumps(bill)
    assert bill_of_materials(replace(evidence, lock=LOCK)) == bill


@pytest.mark.parametrize(
    "lock",
    [b"\xff", b"[[", b"package = 3", b"[[package]]\nversion = '1'", b"[[package]]\nname = 1\nversion = '1'",
     b"[[package]]\nname = 'a'\nversion = '1'\nwheels = 'none'", b"[[package]]\nname = 'a'\nsource = 1"],
)  # fmt: skip
def test_a_lock_of_another_form_is_named(evidence: Evidence, lock: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        bill_of_materials(replace(evidence, lock=lock))
    assert caught.value.faults[0].where == "uv.lock"
