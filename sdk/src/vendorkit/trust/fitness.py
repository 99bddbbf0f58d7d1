"""What a candidate lacks before it may become a release: every missing part of its record, all at once.

It gets values and judges them; what is read, and what is asked of the registry, is the step's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vendorkit.errors import BadInput, Fault
from vendorkit.records.canonical import digest_json
from vendorkit.records.contract import Contract
from vendorkit.records.description import gap_faults
from vendorkit.records.document_format import TITLES, DocumentFormats, WordsFile, missing_words
from vendorkit.records.figures import Figures, figures_of, wrong_figures
from vendorkit.records.gate_report import Against, GateReport
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.prose import read_prose
from vendorkit.records.run import Run
from vendorkit.records.seen_file import SeenFile


@dataclass(frozen=True)
class Case:
    """A candidate that somebody wants to publish.

    Args:
        manifest: What is declared now.
        run: How the candidate came to be.
        contract: What it offers to callers.
        report: Its gate report, None where gates were not asked.
        live: The version that is live now, None where none is.
        lockfile: Name of the lock file.
        lock: Digest of the lock file as it is now, None where it is gone.
        words: Each file of words, and what lies there.
        runbook: Path of the runbook, and what lies there.
        formats: The form of the documents.
        gates: The gates that it must pass, the platform's among them.
    """

    manifest: Manifest
    run: Run
    contract: Contract
    report: GateReport | None
    live: Against | None
    lockfile: str
    lock: str | None
    words: tuple[tuple[WordsFile, SeenFile], ...]
    runbook: tuple[str, SeenFile]
    formats: DocumentFormats
    gates: tuple[Gate, ...]


def unfit(case: Case) -> list[Fault]:
    """Everything that makes a candidate unfit to be published; empty when it is fit."""
    if case.run.gaps:  # a model from elsewhere: what is told by its description, and only then the rest
        return gap_faults(case.run.gaps)
    faults = [*_lineage(case.run), *_environment(case), *_gates(case), *_contract(case.contract)]
    return [*faults, *words_faults(case), *_runbook(*case.runbook)]


def _lineage(run: Run) -> Iterator[Fault]:
    if not run.code.commit:
        yield Fault("code", "is not committed.", "Commit it and train again.")
    elif run.code.dirty:
        says = f"the working tree differed from commit {run.code.commit[:12]} at training."
        yield Fault("code", says, "Commit it and train again.")
    if not run.inputs:
        yield Fault(
            "lineage", "names no dataset.", "Read the data with `run.input(...)`, or list it in engagement.yaml."
        )
    if run.label is None or not run.label.source.strip():
        yield Fault("label", "the lineage names no label source.", "Add `label` to the dataset in engagement.yaml.")
    if not run.artifacts:
        yield Fault("model", "has no file.", "Train again.")


def _environment(case: Case) -> Iterator[Fault]:
    recorded, name = case.run.environment.lock, case.lockfile
    if recorded is None:
        yield Fault("environment", f"had no {name} at training.", f"Run `uv lock`, commit {name} and train again.")
    elif case.lock != recorded:
        says = "is missing." if case.lock is None else "is not the one that the candidate was trained with."
        yield Fault(name, says, "Bring it back with git, or train again.")


def _gates(case: Case) -> Iterator[Fault]:
    report, again = case.report, "Run `vendorkit gate` again."
    if report is None:
        yield Fault("gates", "were not asked.", "Run `vendorkit gate`.")
        return
    if report.candidate != case.run.digest:
        yield Fault("gate report", "is about another candidate.", again)
    if report.limits != digest_json([spec.model_dump(mode="json") for spec in case.gates]):
        yield Fault("gates", "were changed after they were asked.", again)
    if report.against != case.live:
        compared, live = _named(report.against), _named(case.live)
        yield Fault("gate report", f"compares with {compared}, but live now is {live}.", again)
    for result in report.results:
        if result.verdict != "pass":
            yield Fault(f"gate {result.id}", result.says)
    if not report.results:
        yield Fault("gates", "there were none.", "Declare some under `gates` in engagement.yaml.")
    elif not report.passed and all(result.verdict == "pass" for result in report.results):
        yield Fault("gate report", "is not a pass.", again)


def _named(live: Against | None) -> str:
    return f"{live.model}/{live.version}" if live else "no version"


def _contract(contract: Contract) -> Iterator[Fault]:
    if not contract.fields:
        yield Fault("contract", "has no field.", "Record the features with `run.features(...)` and train again.")


def words_faults(case: Case) -> list[Fault]:
    """What is wrong with the words of the documents: missing, a stub, or a figure that is not so."""
    faults = []
    if not case.manifest.surface(case.run.model).card:
        fix = "Add `card` to the model in engagement.yaml, and write that file."
        faults.append(Fault(f"surfaces: {case.run.model}", "has no model card.", fix))
    # Before the gates were asked nobody knows the rows of the benchmarks, which the words may tell as well.
    rows = [source.rows for source in case.run.inputs] if case.report else []
    known = figures_of(case.report, rows, len(case.contract.fields))
    for file, seen in case.words:
        faults += file_faults(file, seen, case.formats, known)
    return faults


def file_faults(file: WordsFile, seen: SeenFile, formats: DocumentFormats, known: Figures) -> list[Fault]:
    """What is wrong with one file of words."""
    sections = formats.of(file.kind)
    title = TITLES[file.kind]
    if seen.data is None:
        asked = ", ".join(f"`## {section.heading}`" for section in sections if section.asks)
        says = f"is missing: the words of the {title} of {file.subject}."
        if seen.kind != "missing":
            says = f"is no regular file: expected the words of the {title} of {file.subject}."
        return [Fault(file.path, says, f"Write it with the sections {asked}.")] if asked else []
    try:
        prose = read_prose(seen.data, file.path)
    except BadInput as error:
        return list(error.faults)
    return [*missing_words(prose, sections), *wrong_figures(prose, known)]


def _runbook(path: str, seen: SeenFile) -> Iterator[Fault]:
    if seen.data is None or not seen.data.strip():
        says = "is missing: nobody would know what to do when the model fails."
        yield Fault(path, says, "Write the runbook: deploy, monitor, errors, rollback, retrain, contacts.")
