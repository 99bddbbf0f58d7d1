"""Errors across the file: what no single entry can tell. Each rule is a small function of a draft.

Rules that depend on a date (a waiver that has expired) are checks, not rules of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise

from vendorkit.errors import BadInput
from vendorkit.records.manifest.draft import Draft, Problem
from vendorkit.records.manifest.judging import NEEDS, NEEDS_ELSE, Gate
from vendorkit.records.manifest.model import OWED_UNTIL_DELIVERY
from vendorkit.records.manifest.surfaces import Surface
from vendorkit.records.manifest.words import day
from vendorkit.records.slices import parse_slice
from vendorkit.records.yaml_text import KeyPath

Rule = Callable[[Draft], Iterator[Problem]]

MOST_NAMED = 20

GATES_OF_HIGH_TIER = ("performance", "segment", "fairness", "latency", "memory", "business")
BENCHMARKS_OF_HIGH_TIER = ("frozen", "historical", "known-bad", "stress")
FULL_DELIVERY = ("code", "tests", "environment", "dataset-refs", "lineage", "card", "runbook")
FILES_OF_SURFACE: dict[str, tuple[str, ...]] = {
    "model": ("datasets", "card"),
    "endpoint": ("contract", "deploy", "runbook"),
    "pipeline": ("runbook",),
    "features": ("datasets", "contract"),
    "dataset": ("datasets", "contract"),
    "dashboard": ("refresh",),
    "report": ("refresh", "contract"),
}


def owed_sections(draft: Draft) -> Iterator[Problem]:
    """From stage delivery on every section is there."""
    if draft.engagement is None or draft.engagement.stage == "kickoff":
        return
    for section in OWED_UNTIL_DELIVERY:
        if section not in draft.given:
            says = f"is missing; it is required at stage {draft.engagement.stage}."
            yield Problem((section,), says, f"Add `{section}`.")


def _roles(draft: Draft) -> Iterator[tuple[KeyPath, str, bool, str]]:
    """Everyone who is named: where, the id, whether they must be internal, what they do there."""
    if draft.accountable is not None:
        yield ("accountable",), draft.accountable, True, "is accountable"
    if draft.deputy is not None:
        yield ("deputy",), draft.deputy, True, "stands in for the accountable person"
    for at, dataset in draft.datasets.items():
        yield ("datasets", at, "owner"), dataset.owner, True, f"owns {dataset.id}"
    for at, surface in draft.surfaces.items():
        yield ("surfaces", at, "owner"), surface.owner, True, f"owns {surface.id}"
    if draft.lifecycle is not None:
        yield ("lifecycle", "approver"), draft.lifecycle.approver, True, "approves the end of surfaces"
    for at, milestone in draft.milestones.items():
        yield ("milestones", at, "accepted_by"), milestone.accepted_by, True, f"accepts {milestone.id}"
    for at, ritual in draft.cadence.items():
        yield ("cadence", at, "chair"), ritual.chair, False, f"chairs {ritual.ritual}"
    if draft.reproduce is not None:
        for at, stage in enumerate(draft.reproduce.stochastic):
            path: KeyPath = ("reproduce", "stochastic", at, "accepted_by")
            yield path, stage.accepted_by, True, f"accepts that {stage.stage} differs"
    yield from _roles_in_operations(draft)
    yield from _roles_at_the_end(draft)


def _roles_in_operations(draft: Draft) -> Iterator[tuple[KeyPath, str, bool, str]]:
    if draft.operations is None:
        return
    run = draft.operations
    for at, alert in enumerate(run.alerts):
        yield ("operations", "alerts", at, "to"), alert.to, False, f"is told of {alert.signal}"
    for at, person in enumerate(run.rollback.authority):
        yield ("operations", "rollback", "authority", at), person, True, "may roll back"
    for at, person in enumerate(run.escalation):
        yield ("operations", "escalation", at), person, False, "is in the escalation chain"
    yield ("operations", "retrain", "owner"), run.retrain.owner, True, "owns retraining"


def _roles_at_the_end(draft: Draft) -> Iterator[tuple[KeyPath, str, bool, str]]:
    if draft.handoff is not None:
        yield ("handoff", "future_owner"), draft.handoff.future_owner, True, "is the future owner"
        for at, person in enumerate(draft.handoff.rehearsal.by):
            yield ("handoff", "rehearsal", "by", at), person, True, "rehearses the runbook"
    if draft.vendor is not None:
        for person, cover in draft.vendor.capacity.cover.items():
            path: KeyPath = ("vendor", "capacity", "cover", person)
            yield path, person, False, "is covered"
            yield path, cover, False, f"stands in for {person}"


def _named(draft: Draft, role: tuple[KeyPath, str, bool, str]) -> Iterator[Problem]:
    path, person_id, must_be_internal, does = role
    if not draft.knows("people", person_id):
        yield Problem(path, f"there is no person {person_id!r}.", f"People: {_some(draft.people)}.")
        return
    person = draft.people.get(person_id)
    if must_be_internal and person is not None and person.org != "internal":
        inside = _some(name for name, other in draft.people.items() if other.org == "internal")
        says = f"{person_id} {does} but works for the vendor; expected an internal person."
        yield Problem(path, says, f"Internal: {inside}.")


def _some(names: Iterable[str]) -> str:
    """The first names of many, for a message."""
    few = list(islice(names, MOST_NAMED + 1))
    return ", ".join(few[:MOST_NAMED]) + (" and others" if len(few) > MOST_NAMED else "") or "none yet"


def people_resolve(draft: Draft) -> Iterator[Problem]:
    """Everyone who is named is a person; those who answer for something are internal."""
    for role in _roles(draft):
        yield from _named(draft, role)


def contacts_differ(draft: Draft) -> Iterator[Problem]:
    """A contact says who signed, so no two people share one."""
    first: dict[str, str] = {}
    for name, person in draft.people.items():
        other = first.setdefault(person.contact.casefold(), name)
        if other != name:
            yield Problem(("people", name, "contact"), f"is the contact of {other} too; signatures could not tell.")


def ids_unique(draft: Draft) -> Iterator[Problem]:
    """No id stands twice in its section."""
    for section, ids in draft.ids.items():
        for name, positions in ids.items():
            for again in positions[1:]:
                yield Problem((section, again, "id"), f"{name!r} is the id of {section}[{positions[0]}] already.")


def things_resolve(draft: Draft) -> Iterator[Problem]:
    """Datasets, benchmarks and models that are named exist."""
    for at, surface in draft.surfaces.items():
        for nth, dataset in enumerate(surface.datasets):
            yield from _exists(draft, ("surfaces", at, "datasets", nth), "datasets", dataset)
    for at, benchmark in draft.benchmarks.items():
        if benchmark.dataset is not None:
            yield from _exists(draft, ("benchmarks", at, "dataset"), "datasets", benchmark.dataset)
    models = [surface.id for _, surface in draft.models()]
    for at, gate in draft.gates.items():
        if gate.benchmark is not None:
            yield from _exists(draft, ("gates", at, "benchmark"), "benchmarks", gate.benchmark)
        if not draft.whole("surfaces"):
            continue
        if gate.model is None and len(models) > 1:
            yield Problem(("gates", at), f"names no model and there are {len(models)}.", "Set `model`.")
        elif gate.model is not None and gate.model not in models:
            yield Problem(("gates", at, "model"), f"there is no model surface {gate.model!r}.")


def _exists(draft: Draft, path: KeyPath, section: str, wanted: str) -> Iterator[Problem]:
    if not draft.knows(section, wanted):
        known = _some(draft.ids.get(section, {}))
        yield Problem(path, f"there is no {wanted!r} in {section}.", f"There are: {known}.")


def gates_complete(draft: Draft) -> Iterator[Problem]:
    """Every gate has a limit, a metric and a benchmark, where its kind needs them; some have a slice."""
    for at, gate in draft.gates.items():
        path: KeyPath = ("gates", at)
        needs = NEEDS.get(gate.kind, NEEDS_ELSE)
        if "limit" in needs and not gate.limited:
            yield Problem(path, f"{gate.id} has no limit.", "Set `min`, `max` or `max_drop_vs_current`.")
        for key in ("benchmark", "metric"):
            if key in needs and getattr(gate, key) is None:
                yield Problem(path, f"{gate.id} has no {key}.", f"Set `{key}`.")
        if gate.kind in ("segment", "fairness") and gate.slice is None:
            yield Problem(path, f"{gate.id} is a {gate.kind} gate without a slice.", "Set `slice`.")
        yield from _slices_read(path, gate)
        if gate.min is not None and gate.max is not None and gate.min > gate.max:
            yield Problem(path, f"{gate.id} has a `min` above its `max`; nothing could pass.")


def _slices_read(path: KeyPath, gate: Gate) -> Iterator[Problem]:
    for key, text in (("slice", gate.slice), ("series", gate.series), ("weight", gate.weight)):
        try:
            found = parse_slice(text) if text else None
        except BadInput as error:
            yield Problem((*path, key), f"{gate.id}: {error.says}", error.fix)
            continue
        if found and key == "weight" and len(found.groups) != 1:
            yield Problem((*path, key), f"{gate.id}: `weight` is {text!r}.", "Name one column.")
        elif found and found.condition is not None and (key == "series" or gate.kind == "fairness"):
            yield Problem((*path, key), f"{gate.id}: `{key}` is a condition.", "Name the columns of the groups.")


def surfaces_have_files(draft: Draft) -> Iterator[Problem]:
    """From stage delivery on each kind of surface names its files."""
    if not draft.stage_from("delivery"):
        return
    for at, surface in draft.surfaces.items():
        for key in missing_files(surface):
            yield Problem(("surfaces", at), f"{surface.id} is a {surface.kind} without `{key}`.", f"Set `{key}`.")


def missing_files(surface: Surface) -> tuple[str, ...]:
    """The keys that a surface of this kind owes and does not have."""
    return tuple(key for key in FILES_OF_SURFACE.get(surface.kind, ()) if not getattr(surface, key))


def high_tier_complete(draft: Draft) -> Iterator[Problem]:
    """From stage delivery on a high tier asks all six kinds of gate on all four kinds of benchmark."""
    if not draft.stage_from("delivery") or draft.engagement is None or draft.engagement.risk_tier != "high":
        return
    gates: set[str] = {gate.kind for gate in draft.gates.values()}
    benchmarks: set[str] = {benchmark.kind for benchmark in draft.benchmarks.values()}
    wanted = (("gates", GATES_OF_HIGH_TIER, gates), ("benchmarks", BENCHMARKS_OF_HIGH_TIER, benchmarks))
    for section, kinds, found in wanted:
        missing = [kind for kind in kinds if kind not in found]
        if missing and draft.whole(section):
            yield Problem((section,), f"a high tier needs {section} of kinds {', '.join(missing)}.")


def milestones_deliver_all(draft: Draft) -> Iterator[Problem]:
    """The milestones together deliver what is needed to run without the vendor."""
    delivered = {thing for milestone in draft.milestones.values() for thing in milestone.delivers}
    if draft.whole("milestones") and (missing := [thing for thing in FULL_DELIVERY if thing not in delivered]):
        yield Problem(("milestones",), f"no milestone delivers: {', '.join(missing)}.", "Add it to one's `delivers`.")


def dates_in_order(draft: Draft) -> Iterator[Problem]:
    """The engagement starts before it ends, and the stages of the handoff follow each other."""
    steps: list[tuple[KeyPath, str]] = []
    if draft.engagement is not None:
        steps.append((("engagement", "starts"), draft.engagement.starts))
    if draft.handoff is not None:
        shadow, rehearsal = draft.handoff.shadow, draft.handoff.rehearsal
        steps += [
            (("handoff", "shadow", "vendor_runs"), shadow.vendor_runs),
            (("handoff", "shadow", "we_run"), shadow.we_run),
            (("handoff", "rehearsal", "date"), rehearsal.date),
            (("handoff", "shadow", "vendor_out"), shadow.vendor_out),
            (("handoff", "cutover"), draft.handoff.cutover),
        ]
    if draft.engagement is not None:
        steps.append((("engagement", "ends"), draft.engagement.ends))
    for (before, earlier), (path, later) in pairwise(steps):
        if day(later) < day(earlier):
            name = ".".join(str(part) for part in before)
            yield Problem(path, f"is {later}, before {name} ({earlier}).")


def vendor_in_escalation(draft: Draft) -> Iterator[Problem]:
    """In delivery and handoff the escalation chain has a vendor specialist on equal footing."""
    if draft.engagement is None or draft.operations is None:
        return
    model = draft.engagement.operating_model
    if draft.engagement.stage not in ("delivery", "handoff") or model == "internal-only":
        return
    chain = [draft.people[name] for name in draft.operations.escalation if name in draft.people]
    if len(chain) == len(draft.operations.escalation) and all(person.org == "internal" for person in chain):
        yield Problem(("operations", "escalation"), "has no vendor specialist.", "Add one until the handoff is done.")


def duties_resolve(draft: Draft) -> Iterator[Problem]:
    """Uptime has an objective and drift an alert; the file's shape sees to the other duties."""
    if draft.operations is None or not draft.stage_from("delivery"):
        return
    if not draft.operations.objectives:
        yield Problem(("operations", "objectives"), "is empty; uptime has no objective.", "Add one.")
    if not draft.operations.alerts:
        yield Problem(("operations", "alerts"), "is empty; nobody is told of drift.", "Add an alert.")


def waivers_granted(draft: Draft) -> Iterator[Problem]:
    """A waiver is granted by an internal person."""
    for at, waiver in draft.waivers.items():
        role = (
            ("waivers", at, "approved_by"),
            waiver.approved_by,
            True,
            f"approves the waiver of {waiver.check}",
        )
        yield from _named(draft, role)


SCHEMA_RULES: tuple[Rule, ...] = (owed_sections,)
"""Rules about the file's shape."""

CROSS_RULES: tuple[Rule, ...] = (
    people_resolve,
    contacts_differ,
    ids_unique,
    things_resolve,
    gates_complete,
    surfaces_have_files,
    high_tier_complete,
    milestones_deliver_all,
    dates_in_order,
    vendor_in_escalation,
    duties_resolve,
)
"""Rules across the file."""

WAIVER_RULES: tuple[Rule, ...] = (waivers_granted,)
"""Rules about exceptions."""
