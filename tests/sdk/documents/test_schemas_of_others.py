"""JUnit and SARIF of checks and of gates against the schemas that others publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from lxml import etree
from vendorkit.documents import findings as forms
from vendorkit.documents import gate_report
from vendorkit.records.finding import Finding, Severity, Verdict

from tests.support.reports import HOSTILE, full_report, hostile, many_segments, passing_report, report

SCHEMAS = Path(__file__).parents[2] / "schemas"
JUNIT = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
SARIF = Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0-rtm.4.json").read_text("utf-8")))

VERDICTS: tuple[Verdict, ...] = ("pass", "fail", "error", "waived", "not-yet", "not-applicable")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "notice")
CHECKS = [
    Finding("MAN-02", verdict, severity, "Says.", where, "Why.", fix, {"title": "Title"})
    for verdict in VERDICTS
    for severity in SEVERITIES
    for where in ("", "engagement.yaml:12: accountable", "my files/x.py:3", "gates.g-auc")
    for fix in ("", "Mend it.")
]
STRANGE = [Finding(text, "fail", "error", text, text, text, text, {"title": text}) for text in HOSTILE]
REPORTS = [full_report(), passing_report(), many_segments(), report(), *map(hostile, HOSTILE)]
OF_CHECKS: list[list[Finding]] = [CHECKS, STRANGE, []]


def faults_of_junit(text: str) -> list[str]:
    JUNIT.validate(etree.fromstring(text.encode()))
    return [str(fault) for fault in JUNIT.error_log]


def faults_of_sarif(text: str) -> list[Any]:
    return [(list(fault.path), fault.message) for fault in SARIF.iter_errors(json.loads(text))]


@pytest.mark.parametrize("findings", OF_CHECKS, ids=["all kinds", "hostile", "none"])
def test_checks(findings: list[Finding]) -> None:
    assert faults_of_junit(forms.to_junit("acme", findings)) == []
    assert faults_of_sarif(forms.to_sarif("acme", findings)) == []


@pytest.mark.parametrize("found", REPORTS)
def test_gates(found: Any) -> None:
    assert faults_of_junit(gate_report.to_junit(found)) == []
    assert faults_of_sarif(gate_report.to_sarif(found)) == []


def test_the_schemas_find_faults() -> None:
    assert faults_of_junit('<testsuites><testsuite name="a"><case/></testsuite></testsuites>')
    assert faults_of_sarif('{"version": "2.1.0", "runs": [{"results": [{"level": "bad"}]}]}')


def test_a_gate_is_a_case_of_its_kind() -> None:
    root = etree.fromstring(gate_report.to_junit(full_report()).encode())
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert ("performance", "g-auc") in cases
    assert ("segment", "g-young") in cases
    (young,) = [case for case in root.iter("testcase") if case.get("name") == "g-young"]
    assert "age < 25" in (young.findtext("failure") or "")


def test_a_gate_has_a_place_that_code_scanning_can_show() -> None:
    (run,) = json.loads(gate_report.to_sarif(full_report()))["runs"]
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "engagement.yaml"
        assert place["region"]["startLine"] >= 1
