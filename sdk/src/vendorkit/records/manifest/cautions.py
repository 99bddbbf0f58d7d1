"""Warnings of a valid manifest: what is allowed and yet worth a second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from vendorkit.errors import Fault
from vendorkit.records.base import key_path
from vendorkit.records.manifest.draft import Problem
from vendorkit.records.manifest.judging import Gate
from vendorkit.records.manifest.model import Manifest
from vendorkit.records.manifest.words import day
from vendorkit.records.yaml_text import YamlText

MOST_SURFACES = 7
MOST_STOCHASTIC = 3
LEAST_DAYS_AT_END = 14
MARGIN_SHARE = 0.01


def warnings(manifest: Manifest, text: YamlText | None = None) -> list[Fault]:
    """What of a manifest is worth a second look.

    Args:
        manifest: A valid manifest.
        text: Its text, for lines in the places; None gives key paths alone.
    """
    problems = [problem for caution in CAUTIONS for problem in caution(manifest)]
    return [
        Fault(text.place(problem.path) if text else key_path(problem.path), problem.says, problem.fix)
        for problem in problems
    ]


def _many_surfaces(manifest: Manifest) -> Iterator[Problem]:
    for owner, number in Counter(surface.owner for surface in manifest.surfaces).items():
        if number > MOST_SURFACES:
            says = f"{owner} owns {number} surfaces; more than {MOST_SURFACES} are hard to answer for."
            yield Problem(("surfaces",), says, "Give some to another internal person.")


def _no_cover(manifest: Manifest) -> Iterator[Problem]:
    for name, person in manifest.people.items():
        if person.org == "vendor" and name not in manifest.vendor.capacity.cover:
            says = f"nobody stands in for {name}."
            yield Problem(("vendor", "capacity", "cover"), says, f"Add `{name}` with someone who knows the work.")


def _no_deputy(manifest: Manifest) -> Iterator[Problem]:
    if manifest.deputy is None or manifest.deputy == manifest.accountable:
        says = f"nobody stands in for {manifest.accountable}, who is accountable."
        yield Problem(("accountable",), says, "Set `deputy` to another internal person.")


def _late_milestone(manifest: Manifest) -> Iterator[Problem]:
    at, last = max(enumerate(manifest.milestones), key=lambda item: day(item[1].due))
    left = (day(manifest.engagement.ends) - day(last.due)).days
    if left < LEAST_DAYS_AT_END:
        says = f"{last.id} is due {left} days before the engagement ends; rework needs two weeks."
        yield Problem(("milestones", at, "due"), says)


def _margin(gate: Gate) -> float:
    """How far a perfect model is from the limit: a score has 1 as its best, a figure with a `max` has 0."""
    if gate.min is not None:
        return 1 - gate.min if gate.min < 1 else 0.0
    return gate.max if gate.max is not None else 0.0


def _wide_tolerance(manifest: Manifest) -> Iterator[Problem]:
    tolerances = manifest.reproduce.tolerance if manifest.reproduce else {}
    for metric, tolerance in tolerances.items():
        margins = {gate.id: _margin(gate) for gate in manifest.gates if gate.metric == metric}
        tight = [name for name, margin in margins.items() if 0 < margin * MARGIN_SHARE < tolerance]
        if tight:
            says = f"{tolerance:g} is more than 1 % of the margin of {', '.join(tight)}."
            yield Problem(("reproduce", "tolerance", metric), says)


def _much_chance(manifest: Manifest) -> Iterator[Problem]:
    stages = manifest.reproduce.stochastic if manifest.reproduce else ()
    if len(stages) > MOST_STOCHASTIC:
        says = f"{len(stages)} stages may differ between runs; more than {MOST_STOCHASTIC} hide real changes."
        yield Problem(("reproduce", "stochastic"), says)


def _low_tier_personal(manifest: Manifest) -> Iterator[Problem]:
    personal = [dataset.id for dataset in manifest.datasets if dataset.personal_data]
    if manifest.engagement.risk_tier == "low" and personal:
        yield Problem(("engagement", "risk_tier"), f"is low, yet {', '.join(personal)} has personal data.")


def _no_baseline(manifest: Manifest) -> Iterator[Problem]:
    if manifest.productivity is None or not manifest.productivity.baseline.model_fields_set:
        says = "has no baseline; whether the vendor makes anything faster cannot be told later."
        yield Problem(("productivity",), says, "Write down today's figures under `productivity.baseline`.")


def _no_cap(manifest: Manifest) -> Iterator[Problem]:
    if manifest.vendor.capacity.hours_cap_per_month is not None:
        return
    for name, person in manifest.people.items():
        if person.org == "vendor" and person.hours_cap_per_month is None:
            says = "has no hours cap, and the vendor has none for all."
            yield Problem(("people", name), says, "Set `hours_cap_per_month`, here or there.")


def _no_query(manifest: Manifest) -> Iterator[Problem]:
    for at, surface in enumerate(manifest.surfaces):
        if surface.kind in ("report", "dashboard") and surface.query is None:
            says = f"{surface.id} does not say where it is read."
            yield Problem(("surfaces", at), says, "Set `query` to its URL.")


CAUTIONS: tuple[Callable[[Manifest], Iterator[Problem]], ...] = (
    _many_surfaces,
    _no_cover,
    _no_deputy,
    _late_milestone,
    _wide_tolerance,
    _much_chance,
    _low_tier_personal,
    _no_baseline,
    _no_cap,
    _no_query,
)
