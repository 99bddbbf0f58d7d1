"""The engagement on one page: what a vendor must deliver to, who answers for what, what is still owed.

Only what the manifest declares stands here; what is proven is in the gate reports and in `vendorkit check`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendorkit.documents.explanation import Section
from vendorkit.documents.plain import figure
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.judging import Gate

Facts = tuple[tuple[str, str], ...]

LINEAGE = (
    ("dataset ids", "digest, rows and schema of every dataset that was read"),
    ("time", "when the data was taken, and when the run began"),
    ("transformation", "commit, files and digest of the code that made the features"),
    ("features", "names, types and ranges, as one record"),
    ("label source", "which system decides, by which policy"),
    ("environment", "lock file, Python and platform, as one digest"),
)
"""The six things that the lineage of every candidate names; `vendorkit train` records them by itself."""


def engagement_page(manifest: Manifest, gates: Sequence[Gate]) -> list[Section]:
    """The sections of the page, in the order in which a newcomer asks.

    Args:
        manifest: The engagement's manifest.
        gates: Every gate that is asked, the platform's own among them.
    """
    sections = [_head(manifest)]
    if manifest.models():
        sections += [_models(manifest), _api(manifest)]
    if any(surface.built for surface in manifest.surfaces):
        sections.append(_tables(manifest))
    sections.append(_datasets(manifest))
    if manifest.models():
        sections += [_lineage(manifest), _gates(gates)]
    return [*sections, _drift(manifest), _people(manifest), _milestones(manifest), _owed(manifest)]


def _person(manifest: Manifest, person_id: str) -> str:
    person = manifest.people.get(person_id)
    return f"{person_id} ({person.name}, {person.org}, {person.contact})" if person else f"{person_id} (not declared)"


def _head(manifest: Manifest) -> Section:
    about = manifest.engagement
    facts = [
        ("use", about.use_case),
        ("vendor", manifest.vendor.name),
        ("operating model", about.operating_model),
        ("stage", about.stage),
        ("risk tier", about.risk_tier),
        ("from, to", f"{about.starts} to {about.ends}"),
        ("accountable", _person(manifest, manifest.accountable)),
    ]
    if about.regimes:
        facts.append(("regulations", ", ".join(about.regimes)))
    return Section("engagement", about.id, f"{about.title}.", tuple(facts))


def _models(manifest: Manifest) -> Section:
    facts = []
    for model in manifest.models():
        uses = ", ".join(model.datasets) or "no dataset"
        facts.append((model.id, f"{model.task or 'task not declared'}; uses {uses}; owner {model.owner}"))
    return Section("", "Models", "", tuple(facts))


def _tables(manifest: Manifest) -> Section:
    facts = []
    for surface in manifest.surfaces:
        if surface.built:
            read = f"; read at {surface.query}" if surface.query else ""
            again = f"; made anew every {surface.refresh}" if surface.refresh else ""
            said = f"{surface.kind}; contract {surface.contract}{read}{again}; owner {surface.owner}"
            facts.append((surface.id, said))
    says = "Made by `vendorkit build`; one that breaks its contract is not delivered."
    return Section("", "Tables", says, tuple(facts))


def _api(manifest: Manifest) -> Section:
    says = (
        "Every model is called by POST /v1/predict with named fields and answers with an id, a score and warnings; "
        "the fields and their ranges follow from training and stand in the release's contract."
    )
    facts = [
        (surface.id, f"contract {surface.contract or 'not declared'}; owner {surface.owner}")
        for surface in manifest.surfaces
        if surface.kind == "endpoint"
    ]
    if manifest.operations:
        modes = manifest.operations.failure_modes.model_dump()
        facts += [(f"when {name.replace('_', ' ')}", text) for name, text in modes.items()]
    return Section("", "Scoring API", says, tuple(facts))


def _datasets(manifest: Manifest) -> Section:
    says = (
        "Only these may be used; work on others is found by the checks." if manifest.datasets else "None is declared."
    )
    facts = []
    for each in manifest.datasets:
        label = f"; label from {each.label.source}" if each.label else ""
        personal = "; about people" if each.personal_data else ""
        facts.append((each.id, f"contract {each.contract}; owner {each.owner}{label}{personal}"))
    return Section("", "Allowed datasets", says, tuple(facts))


def _lineage(manifest: Manifest) -> Section:
    del manifest  # the same for every engagement
    says = "Recorded by `vendorkit train` and by the hooks of `vendorkit.track`."
    return Section("", "Required lineage", says, LINEAGE)


def _gates(gates: Sequence[Gate]) -> Section:
    by = {"manifest": "", "platform": "; set by the platform", "vendor": "; a rule of the vendor's own"}
    facts = tuple((gate.id, f"{gate.says} ({limits_in_words(gate)}{by[gate.origin]})") for gate in gates)
    says = (
        "A candidate ships only when all of these pass." if facts else "None is declared, so nothing can be published."
    )
    return Section("", "Gates", says, facts)


def limits_in_words(gate: Gate) -> str:
    """The limits that a gate declares: `roc_auc at least 0.76, at most 0.01 worse than the live version on holdout`."""
    bounds = []
    if gate.min is not None:
        bounds.append(f"at least {figure(gate.min)}")
    if gate.max is not None:
        bounds.append(f"at most {figure(gate.max)}")
    if gate.max_drop_vs_current is not None:
        bounds.append(f"at most {figure(gate.max_drop_vs_current)} worse than the live version")
    said = [gate.metric or gate.kind, ", ".join(bounds) or "by the rule of its kind"]
    said += [f"for {gate.slice}"] if gate.slice else []
    said += [f"on {gate.benchmark}"] if gate.benchmark else []
    return " ".join(said)


def _drift(manifest: Manifest) -> Section:
    operations = manifest.operations
    if operations is None:
        return Section("", "Drift and alerts", "Not declared yet: add `operations` to engagement.yaml.")
    facts = []
    for alert in operations.alerts:
        bounds = [f"over {figure(alert.over)}"] if alert.over is not None else []
        bounds += [f"under {figure(alert.under)}"] if alert.under is not None else []
        told = _person(manifest, alert.to)
        facts.append((alert.signal, f"{' or '.join(bounds) or 'any'}: tells {told}; see {alert.runbook}"))
    again = operations.retrain
    or_when = f" or when {again.or_when}" if again.or_when else ""
    facts += [
        ("retraining", f"every {again.every}{or_when}; owner {_person(manifest, again.owner)}"),
        (
            "rollback",
            f"by {', '.join(operations.rollback.authority)} within {figure(operations.rollback.target_minutes)} min",
        ),
        ("escalation", " -> ".join(operations.escalation)),
    ]
    return Section("", "Drift and alerts", "", tuple(facts))


def _people(manifest: Manifest) -> Section:
    facts = tuple((name, f"{each.name}, {each.org}, {each.contact}") for name, each in manifest.people.items())
    return Section("", "People", "", facts)


def _milestones(manifest: Manifest) -> Section:
    facts = tuple(
        (each.due, f"{each.id}: {each.title}; {', '.join(each.delivers)}; accepted by {each.accepted_by}")
        for each in manifest.milestones
    )
    return Section("", "Milestones", "", facts)


def _owed(manifest: Manifest) -> Section:
    owed = manifest.owed()
    if not owed:
        return Section("", "Still owed", "Every section is declared; `vendorkit check` tells what evidence is missing.")
    facts: Facts = tuple((name, "is owed from stage delivery on") for name in owed)
    return Section("", "Still owed", "`vendorkit check` tells more.", facts)
