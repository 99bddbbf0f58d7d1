"""Figures in words against figures in evidence: a metric or a count that somebody typed and that is not so.

Only figures that stand beside the name of a metric, or before `rows` and `features`, are compared; a limit may be
told as well as a result. What is not named cannot be judged and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vendorkit.errors import Fault
from vendorkit.records.gate_report import GateReport
from vendorkit.records.prose import Prose

_UNIT = r"(?! ?(?:rows|runs|features|days|months|years)\b)"
_DIGITS = r"(?!(?:19|20)\d\d\b(?!\.\d))(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+)"  # a year is no result
_NUMBER = rf"(?<![\w.])(?P<sign>[-\u2212]?){_DIGITS}(?![\w.]*\d)(?P<percent> ?%)?{_UNIT}"
_BETWEEN = r"[^\n.;!?0-9]{0,40}?"
_COUNT = re.compile(r"(?<![\w.,])(?P<number>\d{1,3}(?:,\d{3})+|\d+) (?P<what>rows|features)\b")


@dataclass(frozen=True)
class Figures:
    """What is known in figures.

    Args:
        metrics: Metric to every number that may be told of it: results, limits, those of the live version.
        counts: `rows` or `features` to the counts that there are.
    """

    metrics: Mapping[str, tuple[float, ...]]
    counts: Mapping[str, tuple[int, ...]]


def figures_of(report: GateReport | None, rows: Iterable[int], features: int | None) -> Figures:
    """The figures of a release.

    Args:
        report: Its gate report, where there is one.
        rows: Rows of each dataset.
        features: How many features it has, where that is known.
    """
    told: dict[str, list[float]] = {}
    for result in report.results if report else ():
        if result.metric:
            limits = [float(text) for text in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", result.limit or "")]
            found = [result.value] if isinstance(result.value, int | float) else []
            before = [] if result.previous is None else [result.previous]
            cells = [value for cell in result.cells for value in (cell.value, cell.previous) if value is not None]
            told.setdefault(result.metric, []).extend([*found, *before, *limits, *cells, *(result.interval or ())])
    every = [*rows, *(use.rows for use in (report.benchmarks if report else ()))]
    counts = {"rows": (*every, sum(every)) if every else (), "features": (features,) if features else ()}
    return Figures({name: tuple(numbers) for name, numbers in told.items()}, counts)


def wrong_figures(prose: Prose, known: Figures) -> list[Fault]:
    """Figures in words that are not those of the evidence."""
    return [fault for section in prose.sections for fault in _wrong(prose.where, section.begins, section.text, known)]


def _wrong(where: str, line: int, text: str, known: Figures) -> Iterator[Fault]:
    for metric, numbers in known.metrics.items():
        for found in _pattern(metric).finditer(text):
            told = float(found["number"].replace(",", "")) / (100 if found["percent"] else 1)
            told = -told if found["sign"] else told
            digits = len(found["number"].partition(".")[2]) + (2 if found["percent"] else 0)
            if numbers and not any(abs(number - told) <= 0.5000001 * 10**-digits for number in numbers):
                is_ = f"{numbers[0]:.{max(digits, 3)}f}"
                yield _differs(where, line, text, found, f"{metric} is {is_} by the gate report.")
    for found in _COUNT.finditer(text):
        counts = known.counts.get(found["what"], ())
        if counts and int(found["number"].replace(",", "")) not in counts:
            there = ", ".join(f"{count:,}" for count in dict.fromkeys(counts))
            yield _differs(where, line, text, found, f"by the records there are {there} {found['what']}.")


def _pattern(metric: str) -> re.Pattern[str]:
    """A metric's name, written with any separators, and the next number in the same sentence."""
    words = metric.split("_")
    name = r"[ _-]?".join(re.escape(word) for word in words)
    if words[-1] == "auc":
        name = rf"(?:{name}|(?<![\w-])auc)"
    return re.compile(rf"(?<!\w){name}(?!\w){_BETWEEN}{_NUMBER}", re.IGNORECASE)


def _differs(where: str, line: int, text: str, found: re.Match[str], is_: str) -> Fault:
    at = line + text.count("\n", 0, found.start())
    said = " ".join(found[0].split())
    return Fault(f"{where}:{at}", f"says `{said}`, but {is_}", "Delete the figure; the document shows it by itself.")
