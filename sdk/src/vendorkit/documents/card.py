"""The model card: the headings of Mitchell et al. 2019, filled from the records, with the words that people wrote.

Margaret Mitchell et al., Model Cards for Model Reporting, FAT* 2019, https://doi.org/10.1145/3287560.3287596.
Which headings there are is the platform's to say (the policy pack); what is known for each is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from vendorkit.documents.blocks import Block, Table, Text, Written, filled
from vendorkit.documents.differences import described
from vendorkit.documents.front_matter import front_matter, to_yaml
from vendorkit.documents.gate_words import cell_word, headline, interval_words
from vendorkit.documents.plain import figure
from vendorkit.records.document_format import FormatSection
from vendorkit.records.dossier import Dossier
from vendorkit.records.run import ModelFormat

MOST_FEATURES = 60
"""Features that the card lists; the feature set record has all."""


MOST_GROUPS = 40
"""Groups of one gate that the card lists; the gate report has all."""


def card(dossier: Dossier, sections: tuple[FormatSection, ...]) -> Written:
    """The model card of a candidate or release."""
    model = dossier.run.model
    known = {heading: partial(tell, dossier) for heading, tell in EVIDENCE.items()}
    blocks = filled(sections, dossier.prose("card", model), known)
    report = dossier.report
    lead = headline(report) if report else f"The gates of {model} were not asked yet."
    tone = "" if report is None else "good" if report.passed else "bad"
    return Written("card", f"Model card: {model}", lead, blocks, tone, to_yaml(front_matter(dossier)))


def stored_as(stored: ModelFormat) -> str:
    """The format of a model in one sentence, with what loading it may do."""
    if stored.carries_code:
        seen = f" A static scan names what it imports: {', '.join(stored.types)}." if stored.types else ""
        return f"{stored.name}: carries code; loading it runs whatever was put into it. Allowed by policy only.{seen}"
    types = f" Types beyond the format's own: {', '.join(stored.types)}." if stored.types else ""
    return f"{stored.name}: data only, carries no code.{types}"


def _model_details(dossier: Dossier) -> Iterator[Block]:
    run, manifest = dossier.run, dossier.manifest
    surface = manifest.surface(run.model)
    owner = manifest.people.get(surface.owner)
    rows = [
        ("candidate", dossier.run.digest),
        ("owner", f"{surface.owner}, {owner.name}" if owner else surface.owner),
        ("built by", manifest.vendor.name),
        ("task", run.task),
        ("stored as", stored_as(run.model_format)),
        ("trained", f"{run.started_at[:10]} by {run.author.name}, in {run.seconds:.1f} s, seed {run.seed}"),
        ("code", f"commit {run.code.commit}" if run.code.commit else "not committed"),
        ("environment", f"{run.environment.python}, {len(dossier.packages)} locked packages, {run.environment.id}"),
    ]
    rows += [(f"parameter {name}", str(value)) for name, value in run.parameters.items()]
    yield Table(("", "recorded"), tuple(rows))


def _intended_use(dossier: Dossier) -> Iterator[Block]:
    yield Text(f"Declared use: {dossier.manifest.engagement.use_case}.")
    told = [f"{name.replace('_', ' ')}: {value}" for name, value in dossier.contract.behaviour.model_dump().items()]
    yield Text(f"What the service does with input that is not fit: {', '.join(told)}.")


def _factors(dossier: Dossier) -> Iterator[Block]:
    results = dossier.report.results if dossier.report else ()
    rows = [
        (result.id, cell.name, figure(cell.value) if cell.value is not None else "-", f"{cell.n:,}", cell_word(cell))
        for result in results
        for cell in result.cells[:MOST_GROUPS]
    ]
    if rows:
        yield Table(("gate", "group", "found", "rows", "verdict"), tuple(rows), (2, 3))
        left = sum(len(result.cells) for result in results) - len(rows)
        if left:
            yield Text(f"The worst of each gate come first; {left:,} more groups are in the gate report.")
    elif dossier.report:
        yield Text("No gate looks at groups one by one.")


def _metrics(dossier: Dossier) -> Iterator[Block]:
    rows = [
        (gate.id, gate.metric or gate.kind, gate.says, gate.slice or "-")
        for gate in dossier.manifest.gates_for(dossier.run.model)
    ]
    results = dossier.report.results if dossier.report else ()
    rows += [(each.id, each.metric or each.kind, each.claim, "-") for each in results if each.origin == "platform"]
    if rows:
        yield Text(
            "What is measured, and why. The limits are those of engagement.yaml and of the platform's policy pack."
        )
        yield Table(("gate", "metric", "what it asks", "slice"), tuple(rows))


def _evaluation_data(dossier: Dossier) -> Iterator[Block]:
    kinds = {benchmark.id: benchmark.kind for benchmark in dossier.manifest.benchmarks}
    uses = dossier.report.benchmarks if dossier.report else ()
    rows = [(use.id, kinds.get(use.id, "-"), f"{use.rows:,}", use.content_digest) for use in uses]
    if rows:
        yield Table(("benchmark", "kind", "rows", "content"), tuple(rows), (2,))


def _training_data(dossier: Dossier) -> Iterator[Block]:
    run = dossier.run
    rows = [(each.dataset, f"{each.rows:,}", each.taken_at[:10], each.content_digest) for each in run.inputs]
    yield Table(("dataset", "rows", "frozen on", "content"), tuple(rows), (1,))
    if run.label:
        policy = f", defined in {run.label.policy}" if run.label.policy else ""
        yield Text(f"Label: {run.label.column}, decided by {run.label.source}{policy}.")
    if run.filters:
        left = [(each.name, f"{each.rows_before - each.rows_after:,}", each.reason or "nobody said why")
                for each in run.filters]  # fmt: skip
        yield Table(("left out", "rows", "reason"), tuple(left), (1,))
    features = dossier.features.features
    shown = tuple((each.name, described(each)) for each in features[:MOST_FEATURES])
    yield Table((f"feature, {len(features)} in all", "as seen in training"), shown)
    if len(features) > len(shown):
        yield Text(f"{len(features) - len(shown)} more are in the feature set record.")


def _quantitative_analyses(dossier: Dossier) -> Iterator[Block]:
    rows = []
    for result in dossier.report.results if dossier.report else ():
        interval = interval_words(result.interval) if result.interval else "-"
        found = figure(result.value) if result.value is not None else "-"
        live = figure(result.previous) if result.previous is not None else "-"
        count = f"{result.n:,}" if result.n is not None else "-"
        name = f"{result.metric or result.kind} ({result.id})"
        rows.append((name, found, interval, result.limit or "-", live, count, result.verdict))
    if rows:
        heads = ("metric", "found", "95 % interval", "limit", "live", "rows", "verdict")
        yield Table(heads, tuple(rows), (1, 4, 5))
    for result in dossier.report.results if dossier.report else ():
        for note in result.notes:
            yield Text(f"{result.id}: {note}")


def _ethical_considerations(dossier: Dossier) -> Iterator[Block]:
    used = [dossier.manifest.dataset(source.dataset) for source in dossier.run.inputs]
    personal = [dataset.id for dataset in used if dataset.personal_data]
    yield Text(f"Personal data: {', '.join(personal)}." if personal else "No dataset holds personal data.")
    for dataset in used:
        if dataset.human_review:
            review = dataset.human_review
            yield Text(f"People reviewed {dataset.id}: {review.cohort}, by {review.policy}.")


def _caveats(dossier: Dossier) -> Iterator[Block]:
    silent = [each for each in dossier.run.filters if not each.reason]
    for each in silent:
        yield Text(f"{each.rows_before - each.rows_after:,} rows were left out in {each.name} and nobody said why.")
    for result in dossier.report.results if dossier.report else ():
        if result.verdict != "pass":
            yield Text(f"Gate {result.id} did not pass: {result.says}")


EVIDENCE: dict[str, Callable[[Dossier], Iterator[Block]]] = {
    "model details": _model_details,
    "intended use": _intended_use,
    "factors": _factors,
    "metrics": _metrics,
    "evaluation data": _evaluation_data,
    "training data": _training_data,
    "quantitative analyses": _quantitative_analyses,
    "ethical considerations": _ethical_considerations,
    "caveats and recommendations": _caveats,
}
"""Heading in small letters to what the records know for it."""
