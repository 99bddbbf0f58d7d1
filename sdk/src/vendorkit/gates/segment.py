"""The segment gate: one metric on slices of a benchmark, each held against the limits; the worst is named."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.errors import BadInput
from vendorkit.gates.base import Counted, Described, Evidence, GateSpec, answer, refuse_unused
from vendorkit.gates.limits import (
    LEAST_ROWS,
    check_limits,
    live_rows,
    measured,
    metric_of,
    near,
    options_of,
    sure,
    used_by,
    weighed,
    without_limit,
)
from vendorkit.gates.metrics import Metric, Options
from vendorkit.gates.numbers import shown
from vendorkit.gates.samples import Part, live_value, slices
from vendorkit.gates.scored import Scored
from vendorkit.records.gate_report import Cell, GateResult
from vendorkit.records.slices import Slice, parse_slice

MOST_CELLS = 200
"""Slices that a result lists: the worst; how many more there were is noted."""


@dataclass(frozen=True)
class Judged:
    """A slice with the limit that decided and, where it has no value, the reason."""

    cell: Cell
    limit: str = ""
    edges: tuple[float, ...] = ()
    why: str = ""
    slack: float = 0.0


@dataclass(frozen=True)
class Segment:
    """Asks whether the model is good enough for each part of the rows, not only on average."""

    kind: str = "segment"
    title: str = "Good enough for each group, not only on average"
    why: str = "A good average can hide a group of people for whom the model does not work."
    formula: str = (
        "`slice` is a condition (`age < 25 and sex = 'female'`; and, or, parentheses, comparisons with numbers and "
        "texts) or columns: of one column each value is a slice, of several each column's values and each pair's. "
        "The metric of every slice with at least `min_rows` rows (30) must keep `min`, `max` and "
        "`max_drop_vs_current` (against the live version on the same slice). Slices with fewer rows are listed and "
        "not judged, or with `every: true` an error; no slice with enough rows, or one on which the metric has no "
        "value, is an error. Missing values are a group of their own. The slices are columns of the benchmark, whether "
        "or not the model is given them. `weight` as in a performance gate."
    )
    source: str = "vendorkit; metrics and intervals as below, not corrected for the number of slices"
    figures: tuple[Described, ...] = ()
    example: str = (
        "- {id: g-young, kind: segment, benchmark: holdout, metric: roc_auc, slice: age < 25, min: 0.70, "
        'says: "Still works for young customers"}'
    )
    needs: tuple[str, ...] = ("candidate", "current")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry; `value` is that of the worst slice."""
        metric = metric_of(spec, evidence.task)
        refuse_unused(spec, (), uses=used_by(metric) | {"every"})
        check_limits(spec)
        if metric.ordered:
            raise BadInput(f"{spec.metric} depends on rows before a slice's own; ask it of the whole benchmark.")
        if spec.slice is None:
            raise BadInput("`slice` is missing; name a condition or columns.")
        candidate = measured("the candidate", spec, evidence.candidate.get(spec.benchmark or ""))
        live = live_rows(spec, evidence, candidate)
        if not isinstance(live, Scored | Counted) and spec.min is None and spec.max is None:
            raise without_limit()
        sliced, options = parse_slice(spec.slice), options_of(spec, candidate)
        parts = slices(spec, sliced, candidate, live if isinstance(live, Scored | Counted) else None)
        return _answer(spec, metric, sliced, [_judge(spec, metric, part, options) for part in parts])


def _judge(spec: GateSpec, metric: Metric, part: Part, options: Options) -> Judged:
    n, name = part.candidate.n, spec.metric or ""
    if n < (spec.min_rows or LEAST_ROWS):
        return Judged(Cell(name=part.name, n=n, value=None, verdict="too-few"))
    try:
        value, slack = part.candidate.value(name, metric, options), part.candidate.slack(name)
        previous = live_value(spec, metric, part, options)
        limits = sure(spec, metric.better, value, slack, previous)
    except BadInput as error:
        return Judged(Cell(name=part.name, n=n, value=None, verdict="error"), why=error.says.rstrip("."))
    broken = [bound for bound in limits if not bound.kept]
    cell = Cell(
        name=part.name,
        n=n,
        value=value,
        verdict="fail" if broken else "pass",
        interval=part.candidate.interval(name, metric, options),
        previous=previous[0] if previous else None,
    )
    words = ", and ".join(bound.words for bound in broken or limits)
    return Judged(cell, words, tuple(bound.number for bound in limits), slack=slack)


def _answer(spec: GateSpec, metric: Metric, sliced: Slice, judged: list[Judged]) -> GateResult:
    least = spec.min_rows or LEAST_ROWS
    order = {"fail": 0, "error": 1, "pass": 2, "too-few": 3}
    sign = 1.0 if metric.better == "higher" else -1.0
    ranked = sorted(
        judged, key=lambda each: (order[each.cell.verdict], sign * (each.cell.value or 0.0), each.cell.name)
    )
    asked = [each for each in ranked if each.cell.verdict != "too-few"]
    too_few = len(ranked) - len(asked)
    notes = _notes(spec, ranked, too_few)
    cells = tuple(each.cell for each in ranked[:MOST_CELLS])
    if not asked:
        return answer(spec, "error", _nobody(sliced, ranked, least), n=0, cells=cells, notes=notes)
    worst = asked[0]
    failed = sum(each.cell.verdict == "fail" for each in asked)
    broken = [each for each in asked if each.cell.verdict == "error"]
    if broken and not failed:
        says = f"{spec.metric} has no value for {broken[0].cell.name} ({broken[0].cell.n:,} rows): {broken[0].why}."
        return answer(spec, "error", says, n=broken[0].cell.n, cells=cells, notes=notes)
    if too_few and spec.every and not failed:
        return answer(spec, "error", _left_out(too_few, len(ranked), least), n=0, cells=cells, notes=notes)
    value = worst.cell.value or 0.0
    many = f", the worst of {len(asked):,} slices" if len(asked) > 1 else ""
    more = f"; {failed:,} of them break it" if failed > 1 else ""
    more += f". {too_few:,} more have too few rows and were not judged" if too_few else ""
    return answer(
        spec,
        "fail" if failed else "pass",
        f"{spec.metric} is {shown(value, *worst.edges)} for {worst.cell.name} ({worst.cell.n:,} rows){many}; the limit "
        f"is {worst.limit}{more}.",
        value=value,
        limit=worst.limit,
        previous=worst.cell.previous,
        n=worst.cell.n,
        interval=worst.cell.interval,
        cells=cells,
        notes=notes,
    )


def _notes(spec: GateSpec, ranked: list[Judged], too_few: int) -> tuple[str, ...]:
    found = [*weighed(spec)]
    if too_few:
        least = spec.min_rows or LEAST_ROWS
        found.append(f"{too_few} of {len(ranked)} slices have fewer than {least} rows and were not judged.")
    if len(ranked) > MOST_CELLS:
        found.append(f"The {MOST_CELLS} worst of {len(ranked):,} slices are listed.")
    return (*found, *near(max((each.slack for each in ranked), default=0.0)))


def _left_out(too_few: int, number: int, least: int) -> str:
    return f"{too_few:,} of {number:,} slices have fewer than {least} rows, and `every` asks for all of them."


def _nobody(sliced: Slice, ranked: list[Judged], least: int) -> str:
    """Why no slice could be judged."""
    largest = max((each.cell.n for each in ranked), default=0)
    if sliced.condition is not None:
        there = f"only {largest:,}" if largest else "no"
        return f"{there} rows are `{sliced.text.strip()}`, and at least {least} are needed."
    return f"no slice has the {least} rows that are needed; the largest has {largest:,}."
