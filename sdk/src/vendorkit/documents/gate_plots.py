"""The figures of the gate report's page: curves of each benchmark, segments with intervals, times of answering.

Each figure has a title for those who do not see it and its numbers as a table. Everything is drawn from the
record; the layout of the page is in `gate_report_page`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vendorkit.documents.drawing import Dot, Line, Plot, Scale, Strip, plot, scale_of, strip
from vendorkit.documents.gate_words import cell_word, cell_words, facts, interval_words
from vendorkit.documents.plain import clean, counted, figure, markup, rounded
from vendorkit.documents.score_curves import (
    Reliability,
    Share,
    area,
    precision_recall,
    reliability,
    roc,
    shares,
    thresholds,
)
from vendorkit.records.gate_report import BenchmarkUse, Cell, GateResult, ScoreHistogram, Timing

MOST_CELLS = 400
"""Segments that the page shows for one gate, the worst first; the JSON form has all."""

_KEY = {
    "candidate": "candidate",
    "live": "live version",
    "guide": "chance",
    "ideal": "perfect",
    "negatives": "label 0",
    "positives": "label 1",
}


def benchmark_figures(use: BenchmarkUse) -> str:
    """All curves of one benchmark; empty where the record has no scores for it."""
    if use.scores is None:
        return ""
    drawn = [
        *_curves(use, use.scores, use.current),
        _distribution(use, use.scores, use.current),
        _separation(use, use.scores),
    ]
    figures = "".join(each for each in drawn if each)
    return f'<div class="plots">{figures}</div>{_tables(use.scores, use.current)}'


def _figure(name: str, what: Plot, *looks: str) -> str:
    keys = "".join(f'<span class="key {look}">{_KEY[look]}</span>' for look in looks)
    return f"<figure><figcaption>{markup(name)} {keys}</figcaption>{plot(what)}</figure>"


def _curves(use: BenchmarkUse, scores: ScoreHistogram, current: ScoreHistogram | None) -> Iterator[str]:
    """ROC, precision and recall, calibration: what needs rows of both classes."""
    points = roc(scores)
    if not points:
        return
    live = ("live",) if current else ()
    both = [Line("live", roc(current))] if current else []
    before = f", live version {area(roc(current)):.4f}" if current else ""
    title = f"ROC curve on {clean(use.id, 100)}: area of candidate {area(points):.4f}{before}, of chance 0.5."
    lines = [Line("guide", [(0.0, 0.0), (1.0, 1.0)]), *both, Line("candidate", points)]
    what = Plot(title, "false positive rate", "true positive rate", lines=lines)
    yield _figure("ROC: told apart", what, "candidate", *live, "guide")
    rate = sum(scores.positives) / (sum(scores.positives) + sum(scores.negatives))
    both = [Line("live", precision_recall(current))] if current else []
    title = f"Precision against recall on {clean(use.id, 100)}; chance has precision {rate:.4f}."
    lines = [Line("guide", [(0.0, rate), (1.0, rate)]), *both, Line("candidate", precision_recall(scores))]
    what = Plot(title, "recall", "precision", lines=lines)
    yield _figure("Precision and recall", what, "candidate", *live, "guide")
    yield _calibration(use, scores, current)


def _calibration(use: BenchmarkUse, scores: ScoreHistogram, current: ScoreHistogram | None) -> str:
    seen = reliability(scores)
    dots = [Dot("candidate", (each.said, each.seen), each.interval) for each in seen]
    before = [Line("live", [(each.said, each.seen) for each in reliability(current)])] if current else []
    lines = [Line("ideal", [(0.0, 0.0), (1.0, 1.0)]), *before, Line("candidate", [dot.at for dot in dots])]
    title = (
        f"Calibration on {clean(use.id, 100)}: share of label 1 against mean score in {len(seen)} ranges of scores, "
        "with 95 % intervals; on the diagonal both agree."
    )
    what = Plot(title, "mean score", "share of label 1", lines=lines, dots=dots)
    return _figure("Calibration: said and seen", what, "candidate", *(("live",) if current else ()), "ideal")


def _steps(found: Sequence[Share]) -> list[tuple[float, float]]:
    points = [(point, each.share) for each in found for point in (each.low, each.high)]
    return [(found[0].low, 0.0), *points, (found[-1].high, 0.0)] if found else []


def _spread(name: str, title: str, by: Mapping[str, Sequence[Share]]) -> str:
    by = {look: found for look, found in by.items() if found}
    most = max((each.share for found in by.values() for each in found), default=0.0)
    if not most:
        return ""
    lines = [Line(look, _steps(found)) for look, found in by.items()]
    what = Plot(title, "score", "share of rows", y_most=most * 1.05, lines=lines)
    return _figure(name, what, *by)


def _distribution(use: BenchmarkUse, scores: ScoreHistogram, current: ScoreHistogram | None) -> str:
    by: dict[str, Sequence[Share]] = {"candidate": shares(scores), "live": shares(current) if current else []}
    title = f"How the scores on {clean(use.id, 100)} are spread, candidate and live version; numbers are below."
    return _spread("Scores of all rows", title, by)


def _separation(use: BenchmarkUse, scores: ScoreHistogram) -> str:
    by = {"negatives": shares(scores, rows="negatives"), "positives": shares(scores, rows="positives")}
    title = f"How the candidate's scores on {clean(use.id, 100)} are spread for label 0 and for label 1."
    return _spread("Candidate's scores by label", title, by)


def _tables(scores: ScoreHistogram, current: ScoreHistogram | None) -> str:
    """The numbers of all curves of a benchmark."""
    heads = ("scores", "rows", "mean score", "share of label 1", "95 % interval")
    seen = [
        (_range(each), f"{each.n:,}", _share(each.said), _share(each.seen), interval_words(each.interval))
        for each in reliability(scores)
    ]
    before = {each.low: each.share for each in shares(current)} if current else {}
    spread = [
        (_range(each), _share(each.share), _share(before[each.low]) if each.low in before else "")
        for each in shares(scores)
    ]
    parts = [
        _thresholds_table(scores),
        _table("Calibration of the candidate", heads, seen),
        _table("Share of rows by score", ("scores", "candidate", "live version"), spread),
    ]
    return f"<details><summary>Numbers of these plots</summary>{''.join(parts)}</details>"


def _thresholds_table(scores: ScoreHistogram) -> str:
    found = thresholds(scores)
    if not found:
        return ""
    chosen = sorted({round(number * (len(found) - 1) / 10) for number in range(11)}, reverse=True)
    heads = ("score from", "rows said yes to", "recall", "false positive rate", "precision")
    rows = []
    for each in (found[place] for place in chosen):
        precision = "" if each.precision is None else _share(each.precision)
        rates = (_share(each.true_positive_rate), _share(each.false_positive_rate))
        rows.append((figure(each.score), f"{each.yes:,}", *rates, precision))
    return _table("Thresholds of the candidate", heads, rows)


def _range(of: Reliability | Share) -> str:
    return f"{of.low:g} to {of.high:g}"


def _share(value: float) -> str:
    return f"{value:.4f}"


def _table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table of numbers; the first cell names its row."""
    top = "".join(f'<th scope="col">{markup(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{markup(row[0])}</th>{"".join(f"<td>{markup(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    caption = f"<caption>{markup(name)}</caption>"
    return f'<div class="wide"><table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def value_strip(result: GateResult) -> str:
    """The gate's value beside its limits and the live version; empty where there is nothing to compare with."""
    value = result.value if isinstance(result.value, int | float) else None
    beside = (result.least, result.most, result.previous)
    if value is None or all(each is None for each in beside):
        return ""
    scale = scale_of([value, *beside, *(result.interval or ())])
    if scale is None:
        return ""
    title = "; ".join(f"{name} {text}" for name, text in facts(result).items())
    what = Strip(title, value, result.interval, *(result.previous, result.least, result.most), result.verdict)
    return strip(what, scale)


def segments(result: GateResult) -> str:
    """The forest plot of a gate: each segment with its value, interval and rows; empty where it has none."""
    shown = result.cells[:MOST_CELLS]
    values = [each for cell in shown for each in (cell.value, cell.previous, *(cell.interval or ()))]
    scale = scale_of([*values, result.least, result.most])
    if not shown:
        return ""
    left = len(result.cells) - len(shown)
    more = f"<p>{left:,} more are in the JSON form of this report.</p>" if left else ""
    metric = markup(result.metric or "value")
    head = (
        f'<thead><tr><th scope="col">segment</th><th scope="col">{metric}, limit and 95 % interval</th>'
        '<th scope="col">found</th><th scope="col">rows</th></tr></thead>'
    )
    rows = "".join(_segment(result, cell, scale) for cell in shown)
    table = f'<table class="forest"><caption>By segment, the worst first</caption>{head}<tbody>{rows}</tbody></table>'
    return f"{table}{more}"


def _segment(result: GateResult, cell: Cell, scale: Scale | None) -> str:
    name = f'{markup(cell.name)}<span class="word">{cell_word(cell)}</span>'
    drawn = ""
    if scale and cell.value is not None:
        title = f"{clean(cell.name, 100)}: {cell_words(cell)}; {cell_word(cell)}"
        drawn = strip(
            Strip(title, cell.value, cell.interval, *(cell.previous, result.least, result.most), cell.verdict), scale
        )
    value = "none" if cell.value is None else rounded(cell.value)
    interval = f"<small>{interval_words(cell.interval)}</small>" if cell.interval else ""
    cells = f'<td class="drawn">{drawn}</td><td>{value} {interval}</td><td>{cell.n:,}</td>'
    return f'<tr class="{cell.verdict}"><th scope="row">{name}</th>{cells}</tr>'


def times(result: GateResult) -> str:
    """How long a call takes, from p50 over p95 to p99; empty where it was not timed."""
    scale = scale_of([0.0, result.most, *(each.p99_ms for each in result.timings)])
    if not result.timings or scale is None:
        return ""
    heads = ("one call", "p50 (dot), p95, p99 and the limit", "p50", "p95", "p99", "spread")
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    rows = "".join(_time(each, result, scale) for each in result.timings)
    caption = "<caption>Milliseconds of one call, warmed</caption>"
    table = f'<table class="forest times">{caption}<thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="wide">{table}</div>'


def _time(timing: Timing, result: GateResult, scale: Scale) -> str:
    name = counted(timing.rows, "row")
    name += " through the service" if timing.through == "service" else ""
    numbers = (timing.p50_ms, timing.p95_ms, timing.p99_ms, timing.spread_ms)
    title = f"{name}: half of the calls within {figure(timing.p50_ms)} ms, 99 % within {figure(timing.p99_ms)} ms"
    interval = (timing.p50_ms, timing.p99_ms)
    marks = (timing.p95_ms, timing.p99_ms)
    drawn = strip(Strip(title, timing.p50_ms, interval, most=result.most, look="candidate", marks=marks), scale)
    cells = "".join(f"<td>{figure(number)}</td>" for number in numbers)
    calls = f'<span class="word">{timing.runs:,} calls</span>'
    return f'<tr><th scope="row">{name}{calls}</th><td class="drawn">{drawn}</td>{cells}</tr>'


def confusion_table(use: BenchmarkUse) -> str:
    """Which classes were taken for which, as a table; empty where the task has no classes."""
    if use.confusion is None:
        return ""
    heads = "".join(f'<th scope="col">said {markup(name)}</th>' for name in use.confusion.classes)
    lines = "".join(
        f'<tr><th scope="row">was {markup(name)}</th>{"".join(f"<td>{count:,}</td>" for count in counts)}</tr>'
        for name, counts in zip(use.confusion.classes, use.confusion.rows, strict=True)
    )
    table = f'<div class="wide"><table><tr><th></th>{heads}</tr>{lines}</table></div>'
    caption = "<figcaption>Confusion: rows by what was and what was said</figcaption>"
    return f'<figure class="confusion">{caption}{table}</figure>'
