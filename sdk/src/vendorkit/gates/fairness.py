"""The fairness gate: how differently groups of people are treated, held against a limit; the two groups are named."""

from __future__ import annotations

from dataclasses import dataclass

from vendorkit.errors import BadInput
from vendorkit.gates.base import Counted, Described, Evidence, GateSpec, answer, refuse_unused
from vendorkit.gates.disparity import DISPARITIES, FOUR_FIFTHS, Disparity, Rate, gap, gap_interval, rates_of
from vendorkit.gates.limits import (
    LEAST_ROWS,
    ROUNDING,
    bounds,
    check_limits,
    live_rows,
    measured,
    options_of,
    weighed,
    without_limit,
)
from vendorkit.gates.metrics import Interval, Options
from vendorkit.gates.metrics.base import Better
from vendorkit.gates.numbers import number, shown
from vendorkit.gates.samples import Part, compared
from vendorkit.gates.scored import Scored
from vendorkit.gates.segment import MOST_CELLS
from vendorkit.records.gate_report import Cell, GateResult
from vendorkit.records.slices import parse_slice

_FIGURES = tuple((name, each.formula, each.source) for name, each in DISPARITIES.items())


@dataclass(frozen=True)
class Gap:
    """How far the groups of one column, or of one pair of columns, are apart by one rate."""

    rate: str
    value: float
    low: Rate
    high: Rate
    interval: Interval | None


@dataclass(frozen=True)
class Fairness:
    """Asks whether groups of people are treated alike."""

    kind: str = "fairness"
    title: str = "Groups of people are treated alike"
    why: str = "A model that favours a group can be unlawful, and harms people, however good its average is."
    formula: str = (
        "`slice` names the columns whose groups are compared: of several, each column's groups and each pair's among "
        "themselves. A yes is a score of at least `threshold` (0.5). `favourable` says which label is good for the "
        "person: 1; or 0 where the metric is an approval rate, for there a 1 is what the lender fears (default, "
        "fraud) and approved is who scores below the threshold. Groups in which a rate rests on fewer than "
        "`min_rows` (30) rows are listed and not compared, or with `every: true` an error; fewer than two comparable "
        "groups are an error. A ratio has the limit `min`, all else `max`. `weight` as in a performance gate."
    )
    source: str = (
        "as named with each metric; intervals of the two groups, not corrected for their choice: ratio Katz and others "
        "1978, Biometrics 34, 469-474; difference Newcombe 1998, Statistics in Medicine 17, 873-890, method 10"
    )
    figures: tuple[Described, ...] = _FIGURES
    example: str = (
        "- {id: g-fair, kind: fairness, benchmark: holdout, metric: approval_rate_ratio, slice: gender, min: 0.8, "
        'says: "Approval rates by gender stay within four fifths"}'
    )
    needs: tuple[str, ...] = ("candidate", "current")

    def ask(self, spec: GateSpec, evidence: Evidence) -> GateResult:
        """Answer for one manifest entry; `value` is the ratio or difference of the two groups furthest apart."""
        disparity = _disparity(spec, evidence.task)
        uses = {"bins"} if disparity.kind == "level" else {"threshold", "favourable"}
        refuse_unused(spec, (), uses={"min_rows", "every", "weight", *uses})
        check_limits(spec)
        candidate = measured("the candidate", spec, evidence.candidate.get(spec.benchmark or ""))
        live = live_rows(spec, evidence, candidate)
        if not isinstance(live, Scored | Counted) and spec.min is None and spec.max is None:
            raise without_limit()
        gaps, cells = _gaps(spec, disparity, candidate)
        return _answer(spec, disparity, _worst(disparity, gaps), cells, _previous(spec, disparity, live))


def _previous(spec: GateSpec, disparity: Disparity, live: Scored | Counted | str | None) -> float | None:
    """The live version's value; BadInput where it has none and the gate compares with it."""
    if not isinstance(live, Scored | Counted):
        return None
    try:
        return _worst(disparity, _gaps(spec, disparity, live, live=True)[0]).value
    except BadInput:
        if spec.max_drop_vs_current is not None:
            raise
    return None


def _disparity(spec: GateSpec, task: str) -> Disparity:
    found = DISPARITIES.get(spec.metric or "")
    if task != "binary":
        raise BadInput(f"fairness of yes and no is asked of binary models, and this one is for {task}.")
    if found is None:
        raise BadInput(f"there is no fairness metric {spec.metric!r}; known: {', '.join(sorted(DISPARITIES))}.")
    if spec.metric == "four_fifths" and spec.min != FOUR_FIFTHS:
        raise BadInput("the four-fifths rule has the limit `min: 0.8`; for another use selection_rate_ratio.")
    if found.kind == "ratio" and spec.max is not None:
        raise BadInput("`max` is no limit of a ratio, which is best at 1; set `min`.")
    if found.kind != "ratio" and spec.min is not None:
        raise BadInput(f"`min` is no limit of {spec.metric}, which is best at 0; set `max`.")
    return found


def _favourable(spec: GateSpec, disparity: Disparity) -> int:
    return disparity.favourable if spec.favourable is None else spec.favourable


def _gaps(
    spec: GateSpec, disparity: Disparity, rows: Scored | Counted, *, live: bool = False
) -> tuple[list[Gap], list[Cell]]:
    """The gap of each family of groups and rate, and all groups; BadInput where nothing can be compared."""
    sliced = parse_slice(spec.slice or "")
    if not sliced.groups:
        raise BadInput("`slice` is a condition; name the columns whose groups are compared.")
    least, options = spec.min_rows or LEAST_ROWS, options_of(spec, rows)
    gaps: list[Gap] = []
    cells: list[Cell] = []
    for family in compared(spec, sliced, rows, live=live):
        found = [_rates(spec, disparity, group, options) for group in family]
        for rate in found[0] if found else ():
            each = [rates[rate] for rates in found]
            enough = [one for one in each if one.rows >= least]
            if len(enough) > 1:
                value, low, high = gap(disparity.kind, enough)
                gaps.append(Gap(rate, value, low, high, gap_interval(disparity.kind, low, high)))
            cells += [_cell(spec, disparity, rate, one, enough, least, len(found[0]) > 1) for one in each]
    if not gaps:
        raise BadInput(f"fewer than two groups have the {least} rows that are needed, so there is nothing to compare.")
    return gaps, cells


def _rates(spec: GateSpec, disparity: Disparity, group: Part, options: Options) -> dict[str, Rate]:
    """All rates of one group."""
    sample = group.candidate
    if disparity.kind == "level":
        level = sample.calibration(options) if sample.n else float("nan")
        return {"calibration error": Rate(group.name, sample.n, level=level)}
    return rates_of(disparity, group.name, sample.table(options), _favourable(spec, disparity))


def _cell(
    spec: GateSpec, disparity: Disparity, rate: str, one: Rate, enough: list[Rate], least: int, several: bool
) -> Cell:
    """A group as the report lists it: it fails where it is too far below the best."""
    name = f"{one.group}: {rate}" if several else one.group
    if one.rows < least:
        return Cell(name=name, n=one.rows, value=None, verdict="too-few")
    kept, best = True, max(enough, key=lambda each: each.value)
    if disparity.kind == "ratio" and spec.min is not None and best.value:
        kept = one.value / best.value >= spec.min - ROUNDING
    elif spec.max is not None:
        distance = one.value if disparity.kind == "level" else best.value - one.value
        kept = distance <= spec.max + ROUNDING
    return Cell(name=name, n=one.rows, value=one.value, verdict="pass" if kept else "fail", interval=one.interval)


def _worst(disparity: Disparity, gaps: list[Gap]) -> Gap:
    return (min if disparity.kind == "ratio" else max)(gaps, key=lambda each: each.value)


def _answer(spec: GateSpec, disparity: Disparity, worst: Gap, cells: list[Cell], previous: float | None) -> GateResult:
    better: Better = "higher" if disparity.kind == "ratio" else "lower"
    limits = bounds(spec, better, worst.value, previous)
    broken = [bound for bound in limits if not bound.kept]
    limit = ", and ".join(bound.words for bound in broken or limits)
    found = shown(worst.value, *(bound.number for bound in limits))
    high = f"{worst.high.group} has {worst.rate} {shown(worst.high.value)} ({worst.high.rows:,} rows)"
    low = f", {worst.low.group} {shown(worst.low.value)} ({worst.low.rows:,} rows)"
    order = {"fail": 0, "error": 1, "pass": 2, "too-few": 3}
    ranked = sorted(cells, key=lambda each: (order[each.verdict], each.value or 0.0, each.name))
    notes, too_few = _notes(spec, disparity, cells), sum(each.verdict == "too-few" for each in cells)
    if too_few and spec.every and not broken:
        least = spec.min_rows or LEAST_ROWS
        says = f"{too_few} of {len(cells)} rates rest on fewer than {least} rows, and `every` asks for all of them."
        return answer(spec, "error", says, n=0, cells=tuple(ranked[:MOST_CELLS]), notes=notes)
    return answer(
        spec,
        "fail" if broken else "pass",
        f"{spec.metric} is {found}, the limit is {limit}: {high}{'' if disparity.kind == 'level' else low}.",
        value=worst.value,
        limit=limit,
        previous=previous,
        n=worst.high.rows + (0 if disparity.kind == "level" else worst.low.rows),
        interval=worst.interval,
        cells=tuple(ranked[:MOST_CELLS]),
        notes=notes,
    )


def _notes(spec: GateSpec, disparity: Disparity, cells: list[Cell]) -> tuple[str, ...]:
    found = list(weighed(spec))
    if disparity.kind != "level":
        good, at = _favourable(spec, disparity), number(0.5 if spec.threshold is None else spec.threshold)
        side = "of at least" if good else "below"
        found.append(f"Favourable is label {good}: given to who has a score {side} {at}.")
    too_few = sum(each.verdict == "too-few" for each in cells)
    if too_few:
        found.append(f"{too_few} of {len(cells)} rates rest on fewer than {spec.min_rows or LEAST_ROWS} rows.")
    if len(cells) > MOST_CELLS:
        found.append(f"The {MOST_CELLS} lowest of {len(cells):,} rates are listed.")
    return tuple(found)
