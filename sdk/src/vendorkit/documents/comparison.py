"""A comparison of two candidates or releases as text, Markdown, HTML and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from vendorkit.documents.blocks import POLICY
from vendorkit.documents.gate_report_style import STYLE
from vendorkit.documents.gate_words import interval_words
from vendorkit.documents.plain import clean, counted, figure, markdown, markup, rounded, short
from vendorkit.records.comparison import Comparison, Measured, Row

MOST_PARTS = 20
"""Segments that text and Markdown name, those that changed most; HTML and JSON have all."""

_WIDTHS = (20, 17, 18, 27, 27, 12, 6)
_HEADS = ("gate", "metric", "benchmark")


def headline(what: Comparison) -> str:
    """Which side is better in how many of the whole gates."""
    whole = [row for row in what.rows if not row.part]
    better = {side: sum(row.better == side for row in whole) for side in ("a", "b")}
    both = f"{clean(what.b, 60)} against {clean(what.a, 60)}"
    gates = counted(len(whole), "gate")
    return f"{both}: better in {better['b']}, worse in {better['a']} of {gates} that were asked of them."


def _found(found: Measured | None) -> str:
    if found is None:
        return "not asked"
    if found.value is None:
        return found.verdict
    interval = f" ({interval_words(found.interval)})" if found.interval else ""
    return f"{figure(found.value)}{interval} {found.verdict}"


def _cells(row: Row) -> tuple[str, ...]:
    """One row as text: gate, metric, benchmark, both sides, difference, which is better."""
    difference = "" if row.difference is None else f"{'-' if row.difference < 0 else '+'}{rounded(abs(row.difference))}"
    word = {"a": "worse", "b": "better", "": ""}[row.better]
    metric = f"{row.metric}: {row.part}" if row.part else row.metric
    return row.gate, metric, row.benchmark, _found(row.a), _found(row.b), difference, word


def _chosen(what: Comparison) -> list[Row]:
    """The whole gates, then the segments that changed most."""
    parts = sorted((row for row in what.rows if row.part), key=lambda row: -abs(row.difference or 0.0))
    return [row for row in what.rows if not row.part] + parts[:MOST_PARTS]


def _left_out(what: Comparison) -> str:
    left = sum(bool(row.part) for row in what.rows) - MOST_PARTS
    return f"and {left:,} segments more; the JSON form has all" if left > 0 else ""


def to_text(what: Comparison) -> str:
    """For a terminal."""
    rows = [(*_HEADS, "before", "now", "difference", ""), *(_cells(row) for row in _chosen(what))]
    shown = [[short(cell, most) for cell, most in zip(row, _WIDTHS, strict=True)] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(_WIDTHS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    lines.insert(1, "  ".join("-" * width for width in widths))
    changes = [
        f"  {each.part}: {clean(each.what, 100)}: {clean(_from_to(each.before, each.after), 200)}"
        + (f" ({clean(each.risk)})" if each.risk else "")
        for each in what.changes
    ]
    more = [left] if (left := _left_out(what)) else []
    uses = [f"  {clean(use.id, 60)}, {use.rows:,} rows, content {use.content_digest}" for use in what.benchmarks]
    parts = [[headline(what)], [*lines, *more], ["What changed", *(changes or ["  nothing"])], ["Measured on", *uses]]
    return "\n\n".join("\n".join(part) for part in parts)


def _from_to(before: str, after: str) -> str:
    if not before:
        return f"new: {after}"
    return f"{before} -> {after}" if after else f"gone: {before}"


def to_markdown(what: Comparison) -> str:
    """For a comment on a merge request."""
    lines = [f"## {markdown(headline(what))}", "", f"| {' | '.join(_HEADS)} | {markdown(what.a)} | "
             f"{markdown(what.b)} | difference | |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [f"| {' | '.join(markdown(cell) for cell in _cells(row))} |" for row in _chosen(what)]
    if left := _left_out(what):
        lines += ["", left]
    lines += ["", "### What changed", ""]
    lines += [
        f"- {each.part}: {markdown(each.what)}: {markdown(_from_to(each.before, each.after))}"
        + (f" ({markdown(each.risk)})" if each.risk else "")
        for each in what.changes
    ] or ["Nothing."]
    lines += ["", "### Measured on", ""]
    lines += [f"- {markdown(use.id)}, {use.rows:,} rows, content {use.content_digest}" for use in what.benchmarks]
    return "\n".join(lines)


def to_html(what: Comparison) -> str:
    """One page without script; the same style as the gate report."""
    heads = (*_HEADS, what.a, what.b, "difference", "")
    rows = [_cells(row) for row in what.rows]
    changes = [(each.part, each.what, each.before, each.after, each.risk) for each in what.changes]
    uses = [(use.id, f"{use.rows:,}", use.content_digest) for use in what.benchmarks]
    title = markup(headline(what))
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><link rel="icon" href="data:,">',
            f"<title>{title}</title><style>{STYLE}</style></head><body>",
            f'<header class="pass"><h1>{title}</h1></header><main>',
            _table("Numbers", heads, rows),
            _table("What changed", ("part", "what", "before", "now", "look twice"), changes),
            _table("Measured on", ("benchmark", "rows", "content"), uses),
            "</main></body></html>",
        ]
    )


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{markup(head)}</th>' for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{markup(cell)}</td>' for cell in row)}</tr>" for row in rows)
    style = f"table-layout: fixed; min-width: {6 * len(heads)}rem"
    table = f'<div class="wide"><table style="{style}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    return f"<section><h2>{caption}</h2>{table if rows else '<p>Nothing.</p>'}</section>"


def to_json(what: Comparison) -> str:
    """The same as the `result` of `--json`."""
    return json.dumps(what.to_value(), indent=2)


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "text": to_text,
    "markdown": to_markdown,
    "html": to_html,
    "json": to_json,
}
"""Every form by its name in `--format`."""
