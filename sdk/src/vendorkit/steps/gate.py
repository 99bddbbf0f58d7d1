"""Gate: measure a candidate, and the live version beside it, and ask every declared gate."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.adapters.engagement import read_file, read_manifest
from vendorkit.adapters.models.pickle_scan import scan_folder
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Candidate, Store, read_record
from vendorkit.documents.gate_report import FILE_NAMES, FORMATS
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.gates.ask import all_passed, ask_all, needs
from vendorkit.gates.base import Counted, Evidence
from vendorkit.gates.change import Limits, Standing, changes, limits_of, loosened
from vendorkit.gates.determinism import accepted_exception, prepared_tables, repeated
from vendorkit.gates.evidence import asks, confused, one_class, scored_from
from vendorkit.gates.histogram import binned
from vendorkit.gates.measured import measured_of
from vendorkit.gates.scored import Scored
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_file, digest_json
from vendorkit.records.contract import contract_of
from vendorkit.records.description import gap_faults
from vendorkit.records.gate_report import Against, BenchmarkUse, GateReport, GateResult
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.progress import Progress, silent
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot
from vendorkit.standards.policy import packaged_policy, refuse_code
from vendorkit.tracking import plan
from vendorkit.tracking.measurement import Found, Job, Measurements, Subject
from vendorkit.tracking.plan import Benchmarks, Contracts, FrozenBenchmark, measure, measuring, scoring
from vendorkit.tracking.standing import made_with, moved_questions, reported_limits
from vendorkit.trust.aliases import LIVE, live_version
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ReleaseFiles, find_version, verify_release

if TYPE_CHECKING:
    from vendorkit.tracking.tallying import Opened


@dataclass(frozen=True)
class Gated:
    """The answer of all gates, and where its forms lie.

    Args:
        report: The record.
        files: Format to path.
    """

    report: GateReport
    files: Mapping[str, Path]


def gate(
    repo: Path,
    candidate: Candidate | None = None,
    *,
    against: str = LIVE,
    registry: Registry | None = None,
    measurements: Measurements | None = None,
    progress: Progress = silent,
) -> Gated:
    """Ask every gate that the manifest declares for the candidate's model.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        against: Alias or version number of the version to compare with. That no `champion` is there yet is fine.
        registry: An open registry; by default the engagement's.
        measurements: The process that measures, where it was started before; it stays open. A gate that was not
            measured in its time limit is an error.
        progress: Takes how many measurements are done.

    Raises:
        BadInput: No gates, a benchmark that is not frozen, or no such version to compare with.
        Refused: The version to compare with is not what was published, or its alias was moved past the rules.
    """
    manifest = read_manifest(repo)
    store = Store(repo)
    candidate = candidate or store.candidate(None)
    run = candidate.run
    specs = _asked(manifest, run)
    benchmarks = _frozen_benchmarks(repo, manifest, [spec.benchmark for spec in specs if spec.benchmark], candidate)
    with ExitStack() as stack:
        process = measurements or stack.enter_context(Measurements())
        registry = registry or Registry.open(repo)
        live = _live(registry, authority_of(repo, manifest), run.model, against)
        subjects = {"candidate": _subject(repo, manifest, candidate.model_folder, run, candidate)}
        files = None
        if live:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vendorkit-")))
            files = verify_release(registry, live, folder)
            subjects["current"] = _subject(repo, manifest, files.folder / "model", files.run, files)
        repeats = repeated(specs) if run.prepared is not None else 0
        jobs = _jobs(specs, subjects, benchmarks, _contracts(repo, manifest, run.model), repeats=repeats)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vendorkit-")))
        with plan.tallying(benchmarks, scratch) as engine:
            found = measure(process, engine.jobs(jobs), progress)
            opened = engine.opened(jobs, found, run.task)
            rows = {whose: _judged(whose, found, opened, specs, benchmarks, run.task) for whose in subjects}
    after = _standing(run, candidate, _digests(benchmarks), limits_of(specs))
    before = _released(files) if files else None
    changed = {spec.id: changes(before, after) for spec in specs if spec.kind == "change"}
    evidence = Evidence(
        task=run.task,
        candidate=rows["candidate"],
        current=rows.get("current"),
        prepared=prepared_tables(run.prepared, [found[name] for name in jobs if name.startswith("prepared/")]),
        measured=measured_of("candidate", specs, found) | changed,
        measured_current=measured_of("current", specs, found) if "current" in rows else None,
        exception=accepted_exception(manifest),
    )
    wider = loosened(before.limits, after.limits) if before else {}
    moved = moved_questions(repo, run, manifest, specs, files.run if files else None)
    results = _noted(ask_all(specs, evidence), wider, *moved)
    return _report(store, candidate, live, _uses(benchmarks, evidence, opened), specs, results)


def _asked(manifest: Manifest, run: Run) -> tuple[Gate, ...]:
    """The gates of a candidate that can be judged."""
    if run.gaps:
        raise Refused("The candidate cannot be judged yet.", gap_faults(run.gaps))
    specs = packaged_policy().gates_for(manifest, run.model)
    if not specs:
        raise BadInput("There is nothing to ask.", [Fault("gates", f"engagement.yaml declares none for {run.model}.")])
    return specs


def _digests(benchmarks: Benchmarks) -> dict[str, str]:
    return {name: benchmark.content_digest for name, benchmark in benchmarks.items()}


def _standing(
    run: Run, records: Candidate | ReleaseFiles, benchmarks: dict[str, str], limits: dict[str, Limits]
) -> Standing:
    return Standing(**made_with(run, records.features), benchmarks=benchmarks, limits=limits)


def _released(files: ReleaseFiles) -> Standing:
    """What the live version was made with and judged by."""
    used = {use.id: use.content_digest for use in files.report.benchmarks}
    return _standing(files.run, files, used, reported_limits(files.report))


def _noted(results: tuple[GateResult, ...], *notes: Mapping[str, str]) -> tuple[GateResult, ...]:
    """The results with what the approver must see besides; of a gate that is gone, at the first."""
    gone = [says for told in notes for name, says in told.items() if name not in {result.id for result in results}]
    noted = []
    for at, result in enumerate(results):
        more = [told[result.id] for told in notes if result.id in told] + (gone if at == 0 else [])
        noted.append(result.model_copy(update={"notes": (*result.notes, *more)}))
    return tuple(noted)


def _uses(benchmarks: Benchmarks, evidence: Evidence, opened: Mapping[str, Opened | str]) -> tuple[BenchmarkUse, ...]:
    """The benchmarks as the report names them, with their scores counted."""
    uses = []
    for name, benchmark in benchmarks.items():
        counts = opened.get(name)
        counted = counts if counts and not isinstance(counts, str) else None
        scores = {"score": evidence.candidate.get(name), "live": (evidence.current or {}).get(name)}
        drawn = {
            which: binned(rows, evidence.task, which, counted.base if counted else None)
            for which, rows in scores.items()
        }
        use = BenchmarkUse(
            id=name,
            content_digest=benchmark.content_digest,
            rows=benchmark.snapshot.rows,
            kind=benchmark.kind,
            scores=drawn["score"],
            current=drawn["live"],
            confusion=confused(evidence.candidate.get(name), *((counted.base, counted.classes) if counted else ())),
            counted_by=counted.engine if counted else None,
        )
        uses.append(use)
    return tuple(uses)


def _report(
    store: Store,
    candidate: Candidate,
    live: Version | None,
    benchmarks: tuple[BenchmarkUse, ...],
    specs: tuple[Gate, ...],
    results: tuple[GateResult, ...],
) -> Gated:
    """Write the report in all its forms."""
    report = GateReport(
        candidate=candidate.digest,
        model=candidate.run.model,
        against=_against(live) if live else None,
        benchmarks=benchmarks,
        limits=digest_json([spec.model_dump(mode="json") for spec in specs]),
        results=results,
        passed=all_passed(results),
        asked_at=now(),
        engagement=candidate.run.engagement,
        notes=_code_notes(candidate),
    )
    views = {file: FORMATS[form](report) for form, file in FILE_NAMES.items() if form != "json"}
    folder = store.add_report(report, views)
    return Gated(report, {form: folder / file for form, file in FILE_NAMES.items()})


def _code_notes(candidate: Candidate) -> tuple[str, ...]:
    """What the approver must know of a model whose file carries code; it is scanned, not loaded, to see it."""
    stored = candidate.run.model_format
    if not stored.carries_code:
        return ()
    found = " ".join(f"model/{pickled.where} {pickled.says}" for pickled in scan_folder(candidate.model_folder))
    says = f"is stored as {stored.name}: loading it runs whatever was put into it. The policy pack allows that."
    return (f"{says} A static scan says: {found}",)


def _frozen_benchmarks(repo: Path, manifest: Manifest, names: list[str], candidate: Candidate) -> Benchmarks:
    """The benchmarks that gates name, as they were frozen. A stress changes the frozen rows of a dataset."""
    found: dict[str, FrozenBenchmark] = {}
    faults: list[Fault] = []
    known = {snapshot.dataset: snapshot for snapshot in candidate.snapshots}
    for name in dict.fromkeys(names):
        benchmark = manifest.benchmark(name)
        dataset = benchmark.dataset or candidate.run.inputs[0].dataset
        if not (repo / benchmark.path).exists():
            fix = f"Run `vendorkit snapshot {name}` and commit {benchmark.path}."
            faults.append(Fault(benchmark.path, "does not exist.", fix))
        elif benchmark.path.endswith(".py") and dataset not in known:
            says = f"changes the rows of {dataset}, which {candidate.run.model} was not trained with."
            faults.append(Fault(f"benchmarks: {name}", says, "Name one of its datasets in `dataset`."))
        elif benchmark.path.endswith(".py"):
            rows, file = known[dataset], repo / benchmark.path
            digest = digest_json({"stress": digest_file(file), "rows": rows.content_digest})
            found[name] = FrozenBenchmark(benchmark.kind, dataset, rows, digest, (file, benchmark.path))
        else:
            try:
                snapshot = read_record(Snapshot, repo / benchmark.path, benchmark.path)
            except BadInput as error:
                faults += error.faults
                continue
            found[name] = FrozenBenchmark(benchmark.kind, dataset, snapshot, snapshot.content_digest)
    if faults:
        raise BadInput("Benchmarks cannot be asked.", faults)
    return found


def _contracts(repo: Path, manifest: Manifest, model: str) -> Contracts:
    """The data contracts of a model's datasets, as far as they are there."""
    found = {}
    for name in manifest.surface(model).datasets:
        path = manifest.dataset(name).contract
        seen = read_file(repo, path)
        if seen.data is not None:
            found[name] = {"path": path, "text": seen.data.decode(errors="replace")}
    return found


def _live(registry: Registry, authority: Authority, model: str, against: str) -> Version | None:
    """The version to compare with; None where nothing is live yet."""
    if re.fullmatch("[0-9]{1,9}", against):
        return find_version(registry, model, int(against))
    found = live_version(registry, authority, model, against)
    if found is None and against != LIVE:
        faults = [Fault(f"{model}@{against}", "points nowhere.", "Give --against ALIAS or VERSION.")]
        raise BadInput("Compare with what?", faults)
    return found


def _against(version: Version) -> Against:
    return Against(model=version.model, version=version.number, release=version.tags["release"])


def _subject(
    repo: Path, manifest: Manifest, model_folder: Path, run: Run, records: Candidate | ReleaseFiles
) -> Subject:
    """A stored model as what is measured; measuring runs code in its file, so the policy is asked before."""
    refuse_code(run.model_format, manifest.engagement.risk_tier, run.model)
    return Subject(
        model_folder=str(model_folder),
        module=run.code.module,
        shown=manifest.surface(run.model).path,
        format_name=run.model_format.name,
        format_types=list(run.model_format.types),
        base=str(repo),
        datasets={snapshot.dataset: snapshot.to_bytes().decode() for snapshot in records.snapshots},
        label=run.label.column if run.label else None,
        features=[feature.name for feature in records.features.features],
        seed=run.seed,
        task=run.task,
        contract=contract_of(manifest, run, records.features).to_bytes().decode(),
    )


def _jobs(
    specs: tuple[Gate, ...],
    subjects: Mapping[str, Subject],
    benchmarks: Benchmarks,
    contracts: Contracts,
    *,
    repeats: int,
) -> dict[str, Job]:
    """What is measured, by `candidate/ID` and `current/ID`: benchmarks that are scored, and gates of their own."""
    on_rows = [spec for spec in specs if spec.benchmark and "candidate" in needs([spec])]
    compared = [spec for spec in specs if spec.max_drop_vs_current is not None]
    jobs = {f"prepared/{time}": Job(subjects["candidate"], "prepare", {"time": time}) for time in range(repeats)}
    for whose, subject in subjects.items():
        jobs |= scoring(whose, subject, benchmarks, on_rows)
        asked = measuring(specs if whose == "candidate" else compared, subject, benchmarks, contracts)
        jobs |= {f"{whose}:{name}": job for name, job in asked.items()}
    return jobs


def _judged(
    whose: str,
    found: Mapping[str, Found | str],
    opened: Mapping[str, Opened | str],
    specs: tuple[Gate, ...],
    benchmarks: Benchmarks,
    task: str,
) -> dict[str, Scored | Counted | str]:
    """What performance, segment and fairness gates are asked of: rows in memory, or what was counted."""
    return _scored(whose, found, benchmarks, task) | _counted(whose, opened, specs, benchmarks, task)


def _scored(
    whose: str, measured: Mapping[str, Found | str], benchmarks: Benchmarks, task: str
) -> dict[str, Scored | Counted | str]:
    """Labels and scores of each benchmark that was scored in memory, or why there are none."""
    found: dict[str, Scored | Counted | str] = {}
    for name, benchmark in benchmarks.items():
        rows = measured.get(f"{whose}/{name}")
        if isinstance(rows, str) or (rows is not None and "arrays" in rows):
            found[name] = _rows(name, benchmark, rows, task)
    return found


def _rows(name: str, benchmark: FrozenBenchmark, rows: Found | str, task: str) -> Scored | str:
    one_class_ok = benchmark.kind == "known-bad"
    return scored_from(name, benchmark.content_digest, rows, task=task, one_class_ok=one_class_ok)


def _counted(
    whose: str,
    opened: Mapping[str, Opened | str],
    specs: tuple[Gate, ...],
    benchmarks: Benchmarks,
    task: str,
) -> dict[str, Counted | str]:
    """What was counted of each benchmark that was scored in batches, or why nothing was."""
    found: dict[str, Counted | str] = {}
    for name, counts in opened.items():
        if isinstance(counts, str):
            found |= {name: counts} if whose == "candidate" else {}
        elif whose == "current" and counts.apart:
            found[name] = counts.apart
        elif whose == "candidate" or counts.live:  # else why is known already
            benchmark = benchmarks[name]
            why = one_class(counts.base) if task == "binary" and benchmark.kind != "known-bad" else ""
            rows = _rows(name, benchmark, counts.rows[whose], task) if counts.rows and not why else None
            asked = asks(
                [spec for spec in specs if spec.benchmark == name], task, live=counts.live, rows_fit=bool(rows)
            )
            if why or isinstance(rows, str):
                found[name] = why or str(rows)
            else:
                tallies = counts.tallies(asked)
                found[name] = Counted(
                    name, benchmark.content_digest, counts.n, counts.engine, tallies, plan.MOST_ROWS, rows
                )
    return found
