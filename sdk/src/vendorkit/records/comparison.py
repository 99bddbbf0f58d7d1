"""Two candidates or releases side by side on the same rows; made from their gate reports, nothing is measured again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vendorkit.records.gate_report import BenchmarkUse, Cell, GateReport, GateResult, Interval

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Measured:
    """What one gate found of one side; `value` is None where it found none."""

    value: float | str | None
    interval: Interval | None
    n: int | None
    verdict: str


@dataclass(frozen=True)
class Row:
    """One number of both sides.

    Args:
        gate, metric, benchmark: What was asked; the same on both sides.
        part: The segment, group or rule; empty for the whole.
        a, b: What was found; None where the gate was asked of the other side only.
        difference: b minus a, where both are numbers.
        better: Which side is better; empty where they are equal or nobody can tell.
    """

    gate: str
    metric: str
    benchmark: str
    part: str
    a: Measured | None
    b: Measured | None
    difference: float | None
    better: Literal["a", "b", ""]


@dataclass(frozen=True)
class Change:
    """Something besides the numbers that differs: features, data, packages, gates, training, contract."""

    part: str
    what: str
    before: str
    after: str
    risk: str


@dataclass(frozen=True)
class Comparison:
    """Both sides.

    Args:
        a, b: Names: `credit/3`, `candidate 3fa9c2...`.
        task: The task of both.
        benchmarks: Benchmarks that both were measured on, with the same content.
        rows: All numbers, in the order of b's gates.
        changes: From a to b.
    """

    a: str
    b: str
    task: str
    benchmarks: tuple[BenchmarkUse, ...]
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        uses = [{"id": use.id, "content_digest": use.content_digest, "rows": use.rows} for use in self.benchmarks]
        return {**asdict(self), "benchmarks": uses}


def rows_of(a: GateReport, b: GateReport, better: Mapping[str, Better]) -> Iterator[Row]:
    """The numbers of two reports beside each other; a gate that asks something else now stands on its own.

    Args:
        a, b: Reports on the same benchmarks.
        better: Metric to whether higher or lower is better.
    """
    old, new = ({_asked(result): result for result in report.results} for report in (a, b))
    for asked in dict.fromkeys([*new, *old]):
        left, right = old.get(asked), new.get(asked)
        gate, metric, benchmark = asked[0], asked[2] or asked[1], asked[3] or ""
        yield _row((gate, metric, benchmark, ""), left, right, better.get(metric))
        cells = [{cell.name: cell for cell in (side.cells if side else ())} for side in (left, right)]
        for name in dict.fromkeys([*cells[1], *cells[0]]):
            yield _row((gate, metric, benchmark, name), cells[0].get(name), cells[1].get(name), better.get(metric))


def _asked(result: GateResult) -> tuple[str, str, str | None, str | None]:
    return result.id, result.kind, result.metric, result.benchmark


def _row(
    name: tuple[str, str, str, str], a: GateResult | Cell | None, b: GateResult | Cell | None, better: Better | None
) -> Row:
    difference = None
    if a and b and isinstance(a.value, int | float) and isinstance(b.value, int | float):
        difference = float(b.value) - float(a.value)
    winner: Literal["a", "b", ""] = ""
    if difference and better:
        winner = "b" if (difference > 0) == (better == "higher") else "a"
    return Row(*name, _measured(a), _measured(b), difference, winner)


def _measured(found: GateResult | Cell | None) -> Measured | None:
    return Measured(found.value, found.interval, found.n, found.verdict) if found else None
