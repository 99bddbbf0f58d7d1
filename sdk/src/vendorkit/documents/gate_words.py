"""What a gate report says, as sentences and named facts that every form of it shows. No layout lives here."""

from __future__ import annotations

from vendorkit.documents.plain import clean, counted, figure, rounded
from vendorkit.records.gate_report import BenchmarkUse, Cell, GateReport, GateResult, Interval

ORIGINS = {
    "manifest": "this engagement's manifest",
    "platform": "the platform's policy pack",
    "vendor": "this engagement's manifest, with a rule of the vendor's own",
}
"""Who sets a gate, in words."""

LIMIT_CHANGES = {
    "manifest": "a limit changes only by review of engagement.yaml",
    "platform": "the limit is the platform's and changes only with its policy pack",
    "vendor": "a limit changes only by review of engagement.yaml",
}
"""How a limit changes, by who set the gate."""

UNITS = {"ms": " ms", "mb": " MB", "days": " days"}
"""Units that names of metrics say, and how they are written."""

_COUNTED = {"determinism": "runs", "change": "kinds of change"}
"""What a gate without a benchmark counted, where it was no rows."""

_CELLS = {"pass": "pass", "fail": "fail", "error": "could not be decided", "too-few": "too few rows"}


def to_mend(verdict: str, origin: str) -> str:
    """What to do about a verdict of a gate, by who set it; empty where it passed."""
    if verdict == "pass":
        return ""
    if verdict == "error":
        return "Mend what keeps this gate from being answered and ask again."
    return f"Improve the candidate and ask again; {LIMIT_CHANGES[origin]}."


def headline(report: GateReport) -> str:
    """The verdict on the candidate in one sentence."""
    model, total = clean(report.model, 100), len(report.results)
    if not total:
        return f"{model} may not ship: no gate was asked."
    failed = sum(result.verdict == "fail" for result in report.results)
    undecided = sum(result.verdict == "error" for result in report.results)
    if report.passed and not failed and not undecided:
        return f"{model} may ship: {counted(total, 'gate')} passed."
    said = []
    if failed:
        said.append(f"{failed} of {counted(total, 'gate')} failed")
    if undecided:
        said.append(
            f"{undecided} of {counted(total, 'gate')} could not be decided"
            if not failed
            else f"{undecided} could not be decided"
        )
    reason = " and ".join(said) or "the report contradicts itself"
    return f"{model} may not ship: {reason}."


def not_passed(report: GateReport) -> list[GateResult]:
    """Failures first, then what could not be decided."""
    by = {"fail": 0, "error": 1}
    return sorted((each for each in report.results if each.verdict != "pass"), key=lambda each: by[each.verdict])


def passed(report: GateReport) -> list[GateResult]:
    """Gates that passed, in the order of the manifest."""
    return [result for result in report.results if result.verdict == "pass"]


def verdict_word(result: GateResult) -> str:
    """The verdict in capitals, to be seen without colour."""
    return result.verdict.upper()


def sentence(result: GateResult) -> str:
    """What the gate says; never empty, so that no failure is without a reason."""
    said = clean(result.says)
    return said or f"{clean(result.claim) or clean(result.id)}: no reason was recorded."


def facts(result: GateResult) -> dict[str, str]:
    """The numbers behind the sentence, by name, as text; only what there is."""
    said: dict[str, str] = {}
    if result.value is not None:
        named = f"{result.metric} " if result.metric else ""
        said["found"] = f"{named}{figure(result.value)}"
    if result.previous is not None:
        said["live version"] = figure(result.previous)
    if result.interval is not None:
        said["95 % interval"] = interval_words(result.interval)
    if result.n is not None:
        what = "rows" if result.benchmark else _COUNTED.get(result.kind, "rows")
        of = f" of {result.benchmark}" if result.benchmark else ""
        said["measured on"] = f"{result.n:,} {'calls with ' if result.timings else ''}{what}{of}"
    if result.limit is not None:
        said["limit"] = result.limit
    if result.origin != "manifest":
        said["set by"] = ORIGINS[result.origin]
    return said


def setter_words(result: GateResult) -> str:
    """Who set a gate, as a sentence; empty where the manifest alone did, as the reader expects."""
    return "" if result.origin == "manifest" else f"Gate {result.id} is set by {ORIGINS[result.origin]}."


def cell_word(cell: Cell) -> str:
    """The verdict on a segment, group or rule in words, to be seen without colour."""
    return _CELLS[cell.verdict]


def interval_words(interval: Interval) -> str:
    """Both ends, rounded."""
    return " to ".join(map(rounded, interval))


def unit(metric: str | None) -> str:
    """The unit of a metric, with its space, as its name says it: ` ms` of `p99_ms`."""
    return next((UNITS[word] for word in (metric or "").split("_") if word in UNITS), "")


def cell_words(cell: Cell) -> str:
    """What was found in a segment, as one line: value, interval, live version, rows."""
    said = ["no value" if cell.value is None else figure(cell.value)]
    if cell.interval:
        said.append(f"({interval_words(cell.interval)})")
    if cell.previous is not None:
        said.append(f"live {figure(cell.previous)}")
    return f"{' '.join(said)}, {counted(cell.n, 'row')}"


def to_be_seen(report: GateReport) -> list[tuple[str, str]]:
    """Notes that the approver must see, whatever the verdicts: (model or gate, note)."""
    whole = [(report.model, note) for note in report.notes]
    return whole + [(result.id, note) for result in report.results for note in result.notes]


def _benchmark(use: BenchmarkUse) -> str:
    by = f", counted by {clean(use.counted_by)}" if use.counted_by else ""
    return f"{use.id}, {use.rows:,} rows, content {use.content_digest}{by}"


def origin(report: GateReport) -> list[tuple[str, str]]:
    """What the report is about and rests on, as (name, text)."""
    against = report.against
    named = [
        ("report", report.digest),
        ("candidate", report.candidate),
        ("compared with", f"version {against.version} of {against.model}" if against else "no live version"),
    ]
    named += [("benchmark", _benchmark(use)) for use in report.benchmarks]
    return [*named, ("limits", report.limits), ("asked at", report.asked_at)]
