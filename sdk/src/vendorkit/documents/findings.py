"""Findings of checks or gates as text, JSON, JUnit, SARIF 2.1.0 and Markdown.

Whatever stands in a finding may come from a hostile repository: every format escapes it for its reader.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from vendorkit.documents.plain import clean, markdown, markup
from vendorkit.records.finding import Finding, Verdict

VERDICTS: dict[Verdict, str] = {
    "pass": "passed",
    "fail": "failed",
    "error": "could not run",
    "waived": "waived",
    "not-yet": "still owed",
    "not-applicable": "not applicable",
}
"""Every verdict in words."""

MANIFEST = "engagement.yaml"

_PLACE = re.compile(r"(?P<file>[^:]+):(?P<line>[1-9][0-9]{0,8})(: (?P<path>.*))?", re.DOTALL)


def counts(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """How many findings there are of each verdict."""
    number = Counter(finding.verdict for finding in findings)
    return {verdict: number[verdict] for verdict in VERDICTS}


def verdict_sentence(title: str, findings: Sequence[Finding]) -> str:
    """Yes or no, and what stands in the way."""
    stops = sum(finding.blocks for finding in findings)
    others = sum(finding.verdict in ("fail", "error") for finding in findings) - stops
    rest = f"; {others} more should be mended" if others else ""
    if stops:
        return f"No: {title} fails, {stops} {'finding stops' if stops == 1 else 'findings stop'} it{rest}."
    return f"Yes: nothing stops {title}{rest}."


def to_text(title: str, findings: Sequence[Finding]) -> str:
    """For people at a terminal: the verdict, what failed with why and fix, what is owed, the counts."""
    lines = [verdict_sentence(clean(title), findings)]
    for head, some in _groups(findings):
        lines += ["", f"{head}:"]
        for finding in some:
            lines += _text_finding(finding)
    looks = [look for finding in findings for look in finding.facts.get("warnings", ())]
    if looks:
        lines += ["", "Worth a second look:"]
        lines += [f"  {clean(look['where'])}: {clean(look['says'])} {clean(look['fix'])}".rstrip() for look in looks]
    return "\n".join([*lines, "", _count_line(findings)])


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """What a reader must know of, worst first; what passed is only counted."""
    failed = [finding for finding in findings if finding.verdict in ("fail", "error")]
    groups = [
        ("Stops it", [finding for finding in failed if finding.blocks]),
        ("Should be mended", [finding for finding in failed if not finding.blocks]),
        ("Waived", [finding for finding in findings if finding.verdict == "waived"]),
        ("Still owed", [finding for finding in findings if finding.verdict == "not-yet"]),
    ]
    return [(head, some) for head, some in groups if some]


def _text_finding(finding: Finding) -> list[str]:
    where = f"  {clean(finding.where)}" if finding.where else ""
    lines = [f"  {clean(finding.id)}{where}", f"    {clean(finding.says)}"]
    if finding.verdict in ("fail", "error") and finding.why:
        lines.append(f"    Why: {clean(finding.why)}")
    if finding.fix and finding.verdict != "waived":
        lines.append(f"    Fix: {clean(finding.fix)}")
    return lines


def _count_line(findings: Sequence[Finding]) -> str:
    parts = [f"{number} {VERDICTS[verdict]}" for verdict, number in counts(findings).items() if number]
    return f"{', '.join(parts) or 'nothing was asked'}."


def to_json(title: str, findings: Sequence[Finding]) -> str:
    """The list of findings, as in the envelope of `--json`."""
    del title  # it is in the envelope
    return json.dumps([finding.to_value() for finding in findings], indent=2)


def to_markdown(title: str, findings: Sequence[Finding]) -> str:
    """For a merge request: the verdict, a table of what a reader must know of, the counts."""
    lines = [f"# {markdown(title)}", "", markdown(verdict_sentence(title, findings))]
    for head, some in _groups(findings):
        lines += [
            "",
            f"## {head}",
            "",
            "| id | severity | what | where | why | fix |",
            "|---|---|---|---|---|---|",
        ]
        for finding in some:
            cells = (finding.id, finding.severity, finding.says, finding.where, finding.why, finding.fix)
            lines.append(f"| {' | '.join(markdown(cell) for cell in cells)} |")
    return "\n".join([*lines, "", _count_line(findings)])


def to_junit(title: str, findings: Sequence[Finding]) -> str:
    """JUnit XML: what stops is a failure; JUnit has no warnings, so the rest that failed passes with a note."""
    number = counts(findings)
    failures = sum(finding.blocks and finding.verdict == "fail" for finding in findings)
    skipped = number["waived"] + number["not-yet"] + number["not-applicable"]
    head = f'tests="{len(findings)}" failures="{failures}" errors="{number["error"]}"'
    cases = "\n".join(_junit_case(finding) for finding in findings)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="vendorkit" {head}>\n'
        f'<testsuite name="{markup(title)}" {head} skipped="{skipped}">\n{cases}\n'
        "</testsuite>\n</testsuites>"
    )


def _junit_case(finding: Finding) -> str:
    kind = finding.facts.get("kind")
    name = markup(finding.id if kind else f"{finding.id} {finding.where}".strip())
    says = markup(finding.says)
    lines = (finding.says, finding.why, finding.fix, *_cell_lines(finding))
    more = "\n".join(markup(line) for line in lines if line)
    if finding.verdict == "error":
        inner = f'<error message="{says}">{more}</error>'
    elif finding.blocks:
        inner = f'<failure message="{says}" type="{finding.severity}">{more}</failure>'
    elif finding.verdict in ("waived", "not-yet", "not-applicable"):
        inner = f'<skipped message="{markup(VERDICTS[finding.verdict])}: {says}"/>'
    else:
        inner = f"<system-out>{VERDICTS[finding.verdict]} ({finding.severity}): {more}</system-out>"
    return f'<testcase classname="{markup(kind or finding.id[:3])}" name="{name}">{inner}</testcase>'


def _cell_lines(finding: Finding) -> list[str]:
    """Segments of a gate that did not pass."""
    cells = [cell for cell in finding.facts.get("cells", ()) if cell["verdict"] != "pass"]
    return [f"{cell['name']}: {cell['value']} on {cell['n']} rows: {cell['verdict']}" for cell in cells]


_KINDS: dict[Verdict, str] = {
    "pass": "pass",
    "fail": "fail",
    "error": "fail",
    "waived": "fail",
    "not-yet": "open",
    "not-applicable": "notApplicable",
}
_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}


def to_sarif(title: str, findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, with places by file and line where a finding has them; waivers are suppressions."""
    first = {finding.id: finding for finding in reversed(findings)}
    order = list(dict.fromkeys(finding.id for finding in findings))
    rules = [_sarif_rule(first[name]) for name in order]
    driver = {"name": "vendorkit", "version": version("vendorkit"), "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"description": {"text": clean(title) or "vendorkit"}},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, order.index(finding.id)) for finding in findings],
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": clean(finding.id)}
    title = finding.facts.get("title")
    if isinstance(title, str) and title:
        rule["shortDescription"] = {"text": clean(title)}
    if finding.why:
        rule["help"] = {"text": clean(finding.why)}
    return rule


def _sarif_result(finding: Finding, rule: int) -> dict[str, Any]:
    kind = _KINDS[finding.verdict]
    said = " ".join(clean(text) for text in (finding.says, finding.fix) if text)
    result: dict[str, Any] = {
        "ruleId": clean(finding.id),
        "ruleIndex": rule,
        "kind": kind,
        "level": _LEVELS[finding.severity] if kind == "fail" else "none",
        "message": {"text": said or clean(finding.id)},
    }
    if finding.where:
        result["locations"] = [_sarif_location(finding.where)]
    if finding.verdict == "waived":
        result["suppressions"] = [{"kind": "external", "justification": clean(finding.says)}]
    return result


def _sarif_location(where: str) -> dict[str, Any]:
    found = _PLACE.fullmatch(where)
    if found is None:
        logical: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": clean(where)}]}
        # A code scanner shows no result without a line; a gate is declared somewhere in the manifest.
        return {**_physical(MANIFEST, 1), **logical} if where.startswith("gates.") else logical
    uri = quote(clean(found["file"]))
    location = _physical(uri, int(found["line"]))
    if found["path"]:
        location["logicalLocations"] = [{"fullyQualifiedName": clean(found["path"])}]
    return location


def _physical(uri: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


FORMATS: dict[str, Callable[[str, Sequence[Finding]], str]] = {
    "text": to_text,
    "json": to_json,
    "junit": to_junit,
    "sarif": to_sarif,
    "markdown": to_markdown,
}
"""Every format by its name; each takes the title of what was asked and the findings."""

FILE_NAMES = {
    "text": "findings.txt",
    "json": "findings.json",
    "junit": "findings.junit.xml",
    "sarif": "findings.sarif",
    "markdown": "findings.md",
}
"""The file that each format is written to in a folder of reports."""
