"""The gate report as one HTML page: no script and no request to anywhere.

It reads on desktop, phone and paper, in light and dark. What it says comes from `gate_words`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendorkit.documents.gate_words import facts, headline, not_passed, origin, passed, sentence, verdict_word
from vendorkit.documents.plain import markup
from vendorkit.records.gate_report import GateReport, GateResult

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881;
  --good: #1a7f37; --bad: #cf222e; --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --open: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem; font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header { border-left: .5rem solid var(--bad); padding: .25rem 0 .25rem 1rem; }
header.pass { border-color: var(--good); }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0; }
header p, footer p { margin: .25rem 0 0; opacity: .75; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
article { border: 1px solid var(--line); border-radius: .5rem; margin: .75rem 0; padding: .75rem 1rem; }
article p { margin: .25rem 0 0; }
.name { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; font-size: .875rem; }
.verdict { font-weight: 700; color: var(--bad); }
.pass .verdict { color: var(--good); }
.error .verdict { color: var(--open); }
dl { margin: 0; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; margin-top: .5rem; font-size: .9375rem; }
dt { font-size: .75rem; opacity: .75; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.origin { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem;
  background: var(--soft); border-radius: .5rem; padding: .75rem 1rem; }
.origin dt { font-size: inherit; }
.origin dd { font-family: ui-monospace, monospace; font-size: .8125rem; }
@media (max-width: 40rem) { body { padding: 1rem .75rem; } h1 { font-size: 1.25rem; }
  .origin { display: block; } .origin dd { margin-bottom: .5rem; } }
@media print { article { break-inside: avoid; } }
"""


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


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
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f'<link rel="icon" href="data:,"><title>{verdict}</title><style>{_STYLE}</style></head><body>',
        f'<header class="{"pass" if fit else "fail"}"><h1>{verdict}</h1><p>{asked}</p></header><main>',
        *_section("Not passed", not_passed(report)),
        *_section("Passed", passed(report)),
        "</main><footer><h2>What this rests on</h2>",
        _list("origin", origin(report)),
        "<p>Every digest names a record; the release and its approval name this report by its digest.</p>",
        "</footer></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, results: Sequence[GateResult]) -> list[str]:
    if not results:
        return []
    return [f"<section><h2>{title}</h2>", *(_article(result) for result in results), "</section>"]


def _article(result: GateResult) -> str:
    name = (
        f'<div class="name"><span class="verdict">{verdict_word(result)}</span>'
        f"<span>{markup(result.id)}</span><span>{markup(result.kind)}</span></div>"
    )
    known = list(facts(result).items())
    numbers = _list("facts", known) if known else ""
    return f'<article class="{result.verdict}">{name}<p>{markup(sentence(result))}</p>{numbers}</article>'


def _list(kind: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Names and texts; each pair of facts is a block of its own, so that it wraps as one."""
    shown = [f"<dt>{markup(name)}</dt><dd>{markup(text)}</dd>" for name, text in pairs]
    if kind == "facts":
        shown = [f"<div>{pair}</div>" for pair in shown]
    return f'<dl class="{kind}">{"".join(shown)}</dl>'
