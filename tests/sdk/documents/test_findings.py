"""Findings in every format: right, readable, and safe whatever stands in them."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from vendorkit.documents.findings import FILE_NAMES, FORMATS, verdict_sentence
from vendorkit.records.finding import Finding

STOPS = Finding("MAN-02", "fail", "error", "ghost is nobody.", "engagement.yaml:12: accountable", "Why.", "Set it.")
DRIFT = Finding("MAN-04", "fail", "warning", "noxfile.py was edited.", "my files/noxfile.py:3", "Why.", "Restore.")
WAIVED = Finding("MAN-04", "waived", "warning", "b was edited. Waived by lead.", "b:1", "Why.", "Restore.")
OWED = Finding("MAN-01", "not-yet", "error", "cadence is still owed.", "engagement.yaml:1: cadence", "Why.", "Add it.")
PASSED = Finding(
    "MAN-05", "pass", "error", "There are no waivers.", "engagement.yaml", "Why.", "", {"title": "Waivers"}
)
CRASHED = Finding("g-auc", "error", "error", "The benchmark is gone.", "gates.g-auc", "Why.", "Bring it back.")
APART = Finding("MAN-03", "not-applicable", "error", "Does not apply.")
ALL = [STOPS, DRIFT, WAIVED, OWED, PASSED, CRASHED, APART]

NASTY = '\x1b[31m<script>alert(1)</script>]]> | `x` [a](http://evil.example) \x00\ud800\u202e\n# head\n@team & "q"'
HOSTILE = Finding("MAN-02", "fail", "error", NASTY, NASTY, NASTY, NASTY, {"title": NASTY})


def test_the_verdict_comes_first() -> None:
    assert verdict_sentence("acme", [PASSED]) == "Yes: nothing stops acme."
    assert verdict_sentence("acme", [PASSED, DRIFT]) == "Yes: nothing stops acme; 1 more should be mended."
    assert verdict_sentence("acme", ALL) == "No: acme fails, 2 findings stop it; 1 more should be mended."
    for name in ("text", "markdown"):
        assert "No: acme fails" in FORMATS[name]("acme", ALL)


def test_text_has_failures_with_why_and_fix_then_what_is_owed_then_counts() -> None:
    text = FORMATS["text"]("acme", ALL)
    order = [
        "No: acme",
        "Stops it:",
        "ghost is nobody.",
        "Why: Why.",
        "Fix: Set it.",
        "Should be mended:",
        "noxfile.py",
        "Waived:",
        "Still owed:",
        "cadence is still owed.",
        "1 passed, 2 failed, 1 could not run",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "There are no waivers." not in text


def test_text_shows_warnings() -> None:
    look = {"where": "engagement.yaml:3: accountable", "says": "nobody stands in.", "fix": "Set `deputy`."}
    text = FORMATS["text"]("acme", [Finding("MAN-02", "pass", "error", "Fine.", facts={"warnings": [look]})])
    assert "Worth a second look:\n  engagement.yaml:3: accountable: nobody stands in. Set `deputy`." in text


def test_json_is_the_list_of_findings() -> None:
    assert json.loads(FORMATS["json"]("acme", ALL)) == [finding.to_value() for finding in ALL]


def test_junit_counts_and_places() -> None:
    suite = ET.fromstring(FORMATS["junit"]("acme", ALL)).find("testsuite")  # noqa: S314  (our own output)
    assert suite is not None
    given = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert given == {"tests": "7", "failures": "1", "errors": "1", "skipped": "3"}
    assert len(suite.findall("testcase")) == 7
    assert len(suite.findall("testcase/failure")) == 1
    assert len(suite.findall("testcase/error")) == 1
    assert len(suite.findall("testcase/skipped")) == 3


def test_sarif_has_rules_levels_places_and_suppressions() -> None:
    log = json.loads(FORMATS["sarif"]("acme", ALL))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert len({rule["id"] for rule in rules}) == len(rules) == 6
    for finding, result in zip(ALL, results, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.id
        assert result["message"]["text"]
        assert (result["level"] == "none") == (result["kind"] != "fail")
    assert [result["kind"] for result in results] == [
        "fail", "fail", "fail", "open", "pass", "fail", "notApplicable"
    ]  # fmt: skip
    place = results[0]["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "engagement.yaml"
    assert place["physicalLocation"]["region"]["startLine"] == 12
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "accountable"
    assert results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20files/noxfile.py"
    assert results[2]["suppressions"][0]["kind"] == "external"
    (gate,) = results[5]["locations"]
    assert gate["logicalLocations"] == [{"fullyQualifiedName": "gates.g-auc"}]
    assert gate["physicalLocation"]["artifactLocation"]["uri"] == "engagement.yaml"
    assert "locations" not in results[6]


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_stays_text(name: str) -> None:
    written = FORMATS[name](NASTY, [HOSTILE])
    written.encode("utf-8")
    for sign in ("\x1b", "\x00", "\u202e"):
        assert sign not in written
    if name == "json":
        assert json.loads(written)[0]["says"] == NASTY
    elif name == "sarif":
        json.loads(written)
    elif name == "junit":
        root = ET.fromstring(written)  # noqa: S314  (our own output)
        assert root.find(".//script") is None
        assert len(root.findall(".//testcase")) == 1
    elif name == "markdown":
        assert "<script>" not in written
        assert "[a](" not in written
        assert "\n# head" not in written
    else:
        assert "\n# head" not in written


@pytest.mark.parametrize("name", FORMATS)
def test_no_findings_are_no_crash(name: str) -> None:
    assert FORMATS[name]("acme", [])


def test_every_format_has_a_file() -> None:
    assert set(FILE_NAMES) == set(FORMATS)
    assert len(set(FILE_NAMES.values())) == len(FORMATS)
