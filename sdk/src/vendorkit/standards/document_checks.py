"""The DOC family: the words that people write for the documents of a release.

What is rendered from records cannot be wrong here; what is typed can be missing, a stub, or not so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vendorkit.errors import BadInput, Fault
from vendorkit.records.canonical import digest_bytes, digest_json
from vendorkit.records.document_format import TITLES, WordsFile, WordsKind, missing_words, words_files
from vendorkit.records.figures import Figures, figures_of, wrong_figures
from vendorkit.records.finding import Verdict
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest, Surface
from vendorkit.records.prose import Prose, read_prose
from vendorkit.records.seen_file import SeenFile
from vendorkit.records.snapshot import Snapshot
from vendorkit.standards.base import Check, Part, RepositoryView

MANIFEST = "engagement.yaml"
NOTHING = SeenFile("missing")


def _unjudged(view: RepositoryView) -> list[Part]:
    """Why nothing can be said of any document; empty where something can."""
    if view.examined.manifest is None:
        return [Part("not-yet", "Cannot be judged while the manifest is not valid.", MANIFEST, "Mend MAN-01 first.")]
    if not view.examined.manifest.models():
        return [Part("not-applicable", "There is no model.", MANIFEST)]
    return []


def _files(manifest: Manifest, kinds: Sequence[WordsKind]) -> list[WordsFile]:
    """Every file of words of these kinds once, for all models."""
    every = [file for model in manifest.models() for file in words_files(manifest, model.id) if file.kind in kinds]
    return list({(file.kind, file.path): file for file in every}.values())


def _complete(view: RepositoryView, kinds: Sequence[WordsKind], what: str) -> Sequence[Part]:
    """Whether the words of these documents are whole; what lacks at stage kickoff is still owed."""
    manifest = view.examined.manifest
    if (parts := _unjudged(view)) or manifest is None:
        return parts
    files = _files(manifest, kinds)
    parts = [part for model in manifest.models() if not model.card for part in _no_card(view, model)]
    lacks: Verdict = "not-yet" if manifest.engagement.stage == "kickoff" else "fail"
    for file in files:
        seen = view.files.get(file.path, NOTHING)
        facts = {"evidence": digest_bytes(seen.data)} if seen.data is not None else {}
        for fault in _lacking(view, file, seen):
            parts.append(Part(lacks, _sentence(fault), fault.where, fault.fix, file.path, facts))
    if parts:
        return parts
    facts = {"evidence": digest_json([digest_bytes(view.files[file.path].data or b"") for file in files])}
    return [Part("pass", f"The words of {what} are whole.", ", ".join(file.path for file in files), facts=facts)]


def _no_card(view: RepositoryView, model: Surface) -> Iterator[Part]:
    where = view.examined.text.place(("surfaces",))
    fix = f"Add `card: {model.path}/CARD.md` to it, and write that file."
    yield Part("not-yet", f"{model.id} names no model card.", where, fix, model.id)


def _lacking(view: RepositoryView, file: WordsFile, seen: SeenFile) -> list[Fault]:
    sections = view.documents.of(file.kind)
    if seen.data is None:
        asked = ", ".join(f"`## {section.heading}`" for section in sections if section.asks)
        says = f"has no regular file with the words of the {TITLES[file.kind]} of {file.subject}."
        return [Fault(file.path, says, f"Write it with the sections {asked}.")]
    try:
        return missing_words(read_prose(seen.data, file.path), sections)
    except BadInput as error:
        return list(error.faults)


def _sentence(fault: Fault) -> str:
    """A fault as a sentence that begins with its file."""
    return f"{fault.where.rpartition(':')[0] or fault.where} {fault.says}" if fault.says[0].islower() else fault.says


class CardComplete:
    """DOC-01."""

    id = "DOC-01"
    title = "Card complete, no stub left"
    why = "Who approves, and who gets the model later, knows only what was written down."
    capability = "C059"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each section of the model card and the datasheets that is missing, empty, unknown or a stub."""
        return _complete(view, ("card", "datasheet"), "card and datasheet")


class CardFiguresTrue:
    """DOC-02."""

    id = "DOC-02"
    title = "Card numbers equal evidence"
    why = "A figure that was typed goes stale, and a reader believes it."
    capability = "C059"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each figure in words that is not that of the newest gate report or the frozen data."""
        manifest = view.examined.manifest
        if (parts := _unjudged(view)) or manifest is None:
            return parts
        for file in _files(manifest, ("card", "datasheet", "changes")):
            prose = _read(view, file)
            parts += _figure_parts(view, manifest, file, prose) if prose else []
        if parts:
            return parts
        names = sorted({file.path for file in _files(manifest, ("card", "datasheet", "changes"))})
        return [Part("pass", "No figure in the words differs from the evidence.", ", ".join(names))]


def _read(view: RepositoryView, file: WordsFile) -> Prose | None:
    """The words of a file; what is missing or unreadable is DOC-01's to tell."""
    data = view.files.get(file.path, NOTHING).data
    try:
        return read_prose(data, file.path) if data is not None else None
    except BadInput:
        return None


def _figure_parts(view: RepositoryView, manifest: Manifest, file: WordsFile, prose: Prose) -> Iterator[Part]:
    models = [model for model in manifest.models() if file.subject in (model.id, *model.datasets)]
    report = next((view.reports[model.id] for model in models if model.id in view.reports), None)
    known = figures_of(report, _rows(view, manifest, report), None)
    facts = {"evidence": report.digest} if report else {}
    for fault in wrong_figures(prose, known):
        yield Part("fail", f"{file.path} {fault.says}", fault.where, fault.fix, file.path, facts)
    if report is None:
        limits = _limits(view, models)
        for fault in wrong_figures(prose, Figures(limits, {})):
            said = fault.says.partition(", but")[0]
            says = f"{file.path} {said}, which nothing here proves: the gates were not asked."
            yield Part("not-yet", says, fault.where, "Run `vendorkit gate`, or delete the figure.", file.path)


def _rows(view: RepositoryView, manifest: Manifest, report: GateReport | None) -> list[int]:
    """Rows of every frozen dataset, and of the benchmarks as far as a report does not tell them."""
    paths = [each.pointer for each in manifest.datasets]
    paths += [] if report else [each.path for each in manifest.benchmarks]
    rows = []
    for path in paths:
        try:
            rows.append(Snapshot.parse(view.files.get(path, NOTHING).data or b"", path).rows)
        except BadInput:
            continue
    return rows


def _limits(view: RepositoryView, models: Sequence[Surface]) -> dict[str, tuple[float, ...]]:
    """The limits of each metric that a gate asks for; a limit may be told without a report."""
    found: dict[str, tuple[float, ...]] = {}
    for model in models:
        for gate in view.asked.get(model.id, ()):
            numbers = [limit for limit in (gate.min, gate.max, gate.max_drop_vs_current) if limit is not None]
            if gate.metric and numbers:
                found[gate.metric] = (*found.get(gate.metric, ()), *numbers)
    return found


class ReleaseNoteComplete:
    """DOC-03."""

    id = "DOC-03"
    title = "Release note: changed, why, remaining risk"
    why = "A change that nobody gave a reason for cannot be judged, nor undone with good conscience."
    capability = "C059"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each section of the release notes' words that is missing, empty or a stub; what changed is compared."""
        return _complete(view, ("changes",), "the release notes")


DOCUMENT_CHECKS: tuple[Check, ...] = (CardComplete(), CardFiguresTrue(), ReleaseNoteComplete())
"""The family, in order."""
