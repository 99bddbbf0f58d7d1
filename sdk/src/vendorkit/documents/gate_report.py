"""The gate report as people and machines read it, rendered from the GateReport record and nothing else.

The HTML page is in `gate_report_page`, Prometheus text in `gate_openmetrics`. JUnit and SARIF are made from
`findings` by the writers that serve the checks.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence

from vendorkit.documents import findings as finding_forms
from vendorkit.documents.gate_openmetrics import to_openmetrics
from vendorkit.documents.gate_report_page import to_html
from vendorkit.documents.gate_words import (
    cell_word,
    cell_words,
    facts,
    headline,
    interval_words,
    not_passed,
    origin,
    passed,
    sentence,
    setter_words,
    to_be_seen,
    to_mend,
    verdict_word,
)
from vendorkit.documents.plain import WIDTH, clean, figure, hanging, markdown, short
from vendorkit.records.finding import Finding
from vendorkit.records.gate_report import Cell, GateReport, GateResult

MOST_ID = 28
"""Columns of a gate's id before its sentence."""

_COLUMNS = ("gate", "metric", "found", "95 % interval", "live", "rows")
MOST_FOUND = 18
"""Columns of what was found where it is text; numbers are never cut."""
LEAST_NAMES = 24
"""Columns of a gate's id and metric together that are left to them beside numbers of any size."""

MOST_CELLS = 8
"""Segments of a gate that text and Markdown name, the worst first; the page and the record have all."""

_COLOURS = {"pass": "32", "fail": "31", "error": "33"}


def to_text(report: GateReport, *, colour: bool = False) -> str:
    """The report for a terminal, at most 100 columns wide.

    Args:
        report: The record.
        colour: Whether to colour the verdicts with ANSI codes.
    """
    parts = [_wrap(headline(report))]
    answers = [
        "\n".join([title, *(_text_answer(result, results, colour) for result in results)]) if results else ""
        for title, results in (("Not passed", not_passed(report)), ("Passed", passed(report)))
    ]
    notes = [hanging("  ", f"{name}: {note}") for name, note in to_be_seen(report)]
    seen = "\n".join(["To be seen before a decision", *notes]) if notes else ""
    parts += [part for part in (answers[0], seen, answers[1]) if part]
    if report.results:
        parts.append(_table(report.results))
    named = origin(report)
    width = max(len(name) for name, _ in named)
    parts.append("\n".join(hanging(f"{name:<{width}}  ", value) for name, value in named))
    return "\n\n".join(parts) + "\n"


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


def _text_answer(result: GateResult, beside: Sequence[GateResult], colour: bool) -> str:
    width = max(len(short(other.id, MOST_ID)) for other in beside)
    word, name = f"{verdict_word(result):<5}", f"{short(result.id, MOST_ID):<{width}}"
    painted = f"\x1b[{_COLOURS[result.verdict]}m{word}\x1b[0m" if colour else word
    lines = [hanging(f"  {word}  {name}  ", sentence(result), shown_start=f"  {painted}  {name}  ")]
    indent = " " * (11 + width)
    some, more = _named_cells(result)
    lines += [hanging(indent, setter_words(result))] if setter_words(result) else []
    lines += [
        hanging(f"{indent}  ", f"{cell_word(cell)}: {clean(cell.name, 200)}: {cell_words(cell)}") for cell in some
    ]
    return "\n".join([*lines, *([f"{indent}  {more}"] if more else [])])


def _named_cells(result: GateResult) -> tuple[list[Cell], str]:
    """The segments of a gate that text and Markdown name, and how many are left out; none where the gate passed."""
    if result.verdict == "pass":
        return [], ""
    against = [cell for cell in result.cells if cell.verdict != "pass"]
    left = len(against) - MOST_CELLS
    return against[:MOST_CELLS], f"and {left:,} more" if left > 0 else ""


def _table(results: Sequence[GateResult]) -> str:
    rows = [list(_COLUMNS)]
    for result in results:
        interval = interval_words(result.interval) if result.interval else ""
        found = short(result.value, MOST_FOUND) if isinstance(result.value, str) else result.value
        numbers = (found, interval, result.previous, result.n)
        shown = ("" if cell is None else figure(cell) for cell in numbers)
        rows.append([result.id, result.metric or result.kind, *shown])
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    left = max(WIDTH - sum(widths[2:]) - 2 * (len(widths) - 1), LEAST_NAMES)  # for ids and metrics: people copy them
    widths[1] = min(widths[1], max(left // 2, left - widths[0]))
    widths[0] = min(widths[0], left - widths[1])
    lines = []
    for row in rows:
        cells = [
            short(cell, width).ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def to_markdown(report: GateReport) -> str:
    """The report for a comment on a merge request, a job summary or a release page."""
    parts = [f"## {markdown(headline(report))}"]
    groups = {
        "Not passed": [line for result in not_passed(report) for line in _markdown_answer(result)],
        "To be seen before a decision": [f"- {markdown(name)}: {markdown(note)}" for name, note in to_be_seen(report)],
        "Passed": [line for result in passed(report) for line in _markdown_answer(result)],
    }
    parts += ["\n".join([f"### {title}", "", *lines]) for title, lines in groups.items() if lines]
    if report.results:
        parts.append("\n".join(["### Numbers", "", *_markdown_table(report)]))
    lines = [f"- {name}: {markdown(value)}" for name, value in origin(report)]
    parts.append("\n".join(["### What this rests on", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _markdown_answer(result: GateResult) -> list[str]:
    some, more = _named_cells(result)
    cells = [f"    - {cell_word(cell)}: {markdown(cell.name)}: {markdown(cell_words(cell))}" for cell in some]
    said = f"{sentence(result)} {setter_words(result)}".rstrip()
    line = f"- **{verdict_word(result)}** {markdown(result.id)} - {markdown(said)}"
    return [line, *cells, *([f"    - {more}"] if more else [])]


def _markdown_table(report: GateReport) -> list[str]:
    columns = ("found", "live version", "95 % interval", "measured on", "limit")
    lines = [f"| gate | verdict | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for result in (*not_passed(report), *passed(report)):
        known = facts(result)
        cells = [
            markdown(result.id),
            verdict_word(result),
            *(markdown(known.get(name, "")) for name in columns),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def to_json(report: GateReport) -> str:
    """The record itself, in ASCII so that no terminal acts on it; parses back to the same digest."""
    return json.dumps(report.to_value(), indent=2) + "\n"


def findings(report: GateReport) -> list[Finding]:
    """One finding for each gate, and one more where there was no gate or the record contradicts itself."""
    found = [
        Finding(
            id=result.id,
            verdict=result.verdict,
            severity="error",
            says=sentence(result),
            where=f"gates.{result.id}",
            why=result.claim,
            fix=to_mend(result.verdict, result.origin),
            facts={
                "kind": result.kind,
                "benchmark": result.benchmark,
                "metric": result.metric,
                "value": result.value,
                "limit": result.limit,
                "previous": result.previous,
                "n": result.n,
                "interval": list(result.interval) if result.interval else None,
                "origin": result.origin,
                "notes": list(result.notes),
                "cells": [cell.model_dump(mode="json") for cell in result.cells],
            },
        )
        for result in report.results
    ]
    if not report.results:
        why = "A candidate that nobody asked anything may not ship."
        fix = "Declare gates in engagement.yaml and ask again."
        found.append(Finding("gates", "error", "error", headline(report), "gates", why, fix))
    elif report.passed != all(result.verdict == "pass" for result in report.results):
        says = "The report's verdict contradicts its own results."
        why = "A report that was changed by hand proves nothing."
        found.append(Finding("gates", "error", "error", says, "passed", why, "Ask the gates again."))
    return found


def to_junit(report: GateReport) -> str:
    """One test case for each gate."""
    return finding_forms.to_junit(_title(report), findings(report)) + "\n"


def to_sarif(report: GateReport) -> str:
    """One result for each gate."""
    return finding_forms.to_sarif(_title(report), findings(report)) + "\n"


def _title(report: GateReport) -> str:
    return f"Gates of {report.model}"


FORMATS: dict[str, Callable[[GateReport], str]] = {
    "text": to_text,
    "markdown": to_markdown,
    "html": to_html,
    "json": to_json,
    "junit": to_junit,
    "sarif": to_sarif,
    "prometheus": to_openmetrics,
}
"""Every form of the report by its name in `--format`."""

FILE_NAMES: dict[str, str] = {
    "text": "gate-report.txt",
    "markdown": "gate-report.md",
    "html": "gate-report.html",
    "json": "gate-report.json",
    "junit": "gate-report.junit.xml",
    "sarif": "gate-report.sarif",
    "prometheus": "gate-report.prom",
}
"""The file that each form is written to in a folder of reports."""
