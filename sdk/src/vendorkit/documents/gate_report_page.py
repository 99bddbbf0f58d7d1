"""The gate report as one HTML page: no script and no request to anywhere.

It opens with the verdict in one sentence, then what did not pass, then the rest. What it says comes from
`gate_words`, its figures from `gate_plots`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendorkit.documents.blocks import POLICY
from vendorkit.documents.gate_plots import benchmark_figures, confusion_table, segments, times, value_strip
from vendorkit.documents.gate_report_style import STYLE
from vendorkit.documents.gate_words import (
    facts,
    headline,
    not_passed,
    origin,
    passed,
    sentence,
    to_be_seen,
    verdict_word,
)
from vendorkit.documents.plain import markup
from vendorkit.records.gate_report import GateReport, GateResult


def to_html(report: GateReport) -> str:
    """The whole page; the record's text is escaped, and a policy in the page forbids scripts and requests."""
    verdict = markup(headline(report))
    fit = bool(report.results) and report.passed and not not_passed(report)
    moment = f"{report.asked_at[:10]} at {report.asked_at[11:16]} UTC"
    against = f"version {report.against.version}" if report.against else "no live version"
    asked = f"Asked on {markup(moment)}, compared with {against}."
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f'<link rel="icon" href="data:,"><title>{verdict}</title><style>{STYLE}</style></head><body>',
        f'<header class="{"pass" if fit else "fail"}"><h1>{verdict}</h1><p>{asked}</p></header><main>',
        *_legend(report),
        *_section("Not passed", not_passed(report)),
        *_notes(report),
        *_section("Passed", passed(report)),
        *_scores(report),
        "</main><footer><h2>What this rests on</h2>",
        _list("origin", origin(report)),
        "<p>Every digest names a record; the release and its approval name this report by its digest. "
        "<code>vendorkit explain</code> and the id of a gate tell how it is judged.</p>",
        "</footer></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _notes(report: GateReport) -> list[str]:
    """What is to be seen whatever the verdicts, for instance a limit that was loosened."""
    notes = [f"<li>{markup(name)}: {markup(note)}</li>" for name, note in to_be_seen(report)]
    if not notes:
        return []
    return ["<section><h2>To be seen before a decision</h2>", f'<ul class="note">{"".join(notes)}</ul>', "</section>"]


def _legend(report: GateReport) -> list[str]:
    """How to read the strips, where there are any."""
    if not any(value_strip(result) or result.cells for result in report.results):
        return []
    return [
        '<p class="legend">On the bars: the dot is what was found, the line through it the 95 % interval, the dashed '
        "mark the live version; what lies in the shaded part breaks the limit.</p>"
    ]


def _section(title: str, results: Sequence[GateResult]) -> list[str]:
    if not results:
        return []
    return [f"<section><h2>{title}</h2>", *(_article(result) for result in results), "</section>"]


def _article(result: GateResult) -> str:
    head = (
        f'<h3><span class="verdict">{verdict_word(result)}</span> {markup(result.id)} '
        f"<small>{markup(result.kind)}</small></h3>"
    )
    known = list(facts(result).items())
    numbers = _list("facts", known) if known else ""
    more = f"{times(result)}{segments(result)}"
    if more and result.verdict == "pass":
        more = f"<details><summary>All numbers of {markup(result.id)}</summary>{more}</details>"
    body = f"<p>{markup(sentence(result))}</p>{value_strip(result)}{numbers}{more}"
    return f'<article class="{result.verdict}">{head}{body}</article>'


def _scores(report: GateReport) -> list[str]:
    """The curves of each benchmark that has scores."""
    parts = []
    for use in report.benchmarks:
        drawn = benchmark_figures(use) + confusion_table(use)
        if drawn:
            rows = f"{use.rows:,} rows, {markup(use.kind)}" if use.kind else f"{use.rows:,} rows"
            parts.append(f"<section><h2>Scores on {markup(use.id)} ({rows})</h2>{drawn}</section>")
    return parts


def _list(kind: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Names and texts; each pair of facts is a block of its own, so that it wraps as one."""
    shown = [f"<dt>{markup(name)}</dt><dd>{markup(text)}</dd>" for name, text in pairs]
    if kind == "facts":
        shown = [f"<div>{pair}</div>" for pair in shown]
    return f'<dl class="{kind}">{"".join(shown)}</dl>'
