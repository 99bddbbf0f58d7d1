"""Gate: measure a candidate, and the live version beside it, and ask every declared gate."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Candidate, Store, read_record
from vendorkit.documents.gate_report import FILE_NAMES, FORMATS
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.gates.ask import all_passed, ask_all, needs
from vendorkit.gates.base import Evidence, Scored, scored
from vendorkit.gates.columns import Column
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_json
from vendorkit.records.description import gap_faults
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import Against, BenchmarkUse, GateReport, GateResult
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.run import Run
from vendorkit.records.slices import parse_slice
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import Found, Job, Measurements, Subject, arrays
from vendorkit.trust.log import log_of
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import find_version, verify_release

Benchmarks = dict[str, tuple[str | None, Snapshot]]
"""Benchmark id to the dataset that it stands in for (None: the model's first) and its snapshot."""

LIVE = "champion"


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
) -> Gated:
    """Ask every gate that the manifest declares for the candidate's model.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        against: Alias or version number of the version to compare with. That no `champion` is there yet is fine.
        registry: An open registry; by default the engagement's.
        measurements: The process that measures, where it was started before; it stays open. A gate that was not
            measured in its time limit is an error.

    Raises:
        BadInput: No gates, a benchmark that is not frozen, or no such version to compare with.
        Refused: The version to compare with is not what was published, or its alias was moved past the rules.
    """
    manifest = read_manifest(repo)
    store = Store(repo)
    candidate = candidate or store.candidate(None)
    model = candidate.run.model
    if candidate.run.gaps:
        raise Refused("The candidate cannot be judged yet.", gap_faults(candidate.run.gaps))
    specs = manifest.gates_for(model)
    if not specs:
        raise BadInput("There is nothing to ask.", [Fault("gates", f"engagement.yaml declares none for {model}.")])
    benchmarks = _frozen_benchmarks(repo, manifest, [spec.benchmark for spec in specs if spec.benchmark])
    wanted = needs(specs)
    with ExitStack() as stack:
        process = measurements or stack.enter_context(Measurements())
        registry = registry or Registry.open(repo)
        live = _live(registry, authority_of(repo, manifest), model, against)
        subject = _Subjects(repo, manifest.surface(model).path)
        parts = (candidate.run, candidate.features, candidate.snapshots)
        candidates = subject.of(candidate.model_folder, *parts)
        columns = _columns(specs)
        jobs = _scoring("candidate", candidates, benchmarks, columns, candidate.run)
        if "prepared" in wanted and candidate.run.prepared is not None:
            jobs["prepared"] = Job(candidates, "prepare")
        if live and "current" in wanted:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vendorkit-")))
            files = verify_release(registry, live, folder)
            lives = subject.of(files.folder / "model", files.run, files.features, files.snapshots)
            jobs |= _scoring("current", lives, benchmarks, columns, files.run)
        found = process.measure(jobs)
    task = candidate.run.task
    evidence = Evidence(
        task=task,
        candidate=_scored("candidate", found, benchmarks, task),
        current=_scored("current", found, benchmarks, task) if live and "current" in wanted else None,
        prepared=_prepared(candidate.run, found.get("prepared", {})),
    )
    return _report(store, candidate, live, benchmarks, specs, ask_all(specs, evidence))


def _report(
    store: Store,
    candidate: Candidate,
    live: Version | None,
    benchmarks: Benchmarks,
    specs: tuple[Gate, ...],
    results: tuple[GateResult, ...],
) -> Gated:
    """Write the report in all its forms."""
    uses = [
        BenchmarkUse(id=name, content_digest=snapshot.content_digest, rows=snapshot.rows)
        for name, (_, snapshot) in benchmarks.items()
    ]
    report = GateReport(
        candidate=candidate.digest,
        model=candidate.run.model,
        against=_against(live) if live else None,
        benchmarks=tuple(uses),
        limits=digest_json([spec.model_dump(mode="json") for spec in specs]),
        results=results,
        passed=all_passed(results),
        asked_at=now(),
        engagement=candidate.run.engagement,
    )
    views = {file: FORMATS[form](report) for form, file in FILE_NAMES.items() if form != "json"}
    folder = store.add_report(report, views)
    return Gated(report, {form: folder / file for form, file in FILE_NAMES.items()})


def _frozen_benchmarks(repo: Path, manifest: Manifest, names: list[str]) -> Benchmarks:
    """The benchmarks that gates name, as they were frozen."""
    found: Benchmarks = {}
    faults: list[Fault] = []
    for name in dict.fromkeys(names):
        benchmark = manifest.benchmark(name)
        if not (repo / benchmark.path).exists():
            fix = f"Run `vendorkit snapshot {name}` and commit {benchmark.path}."
            faults.append(Fault(benchmark.path, "does not exist.", fix))
            continue
        try:
            found[name] = (benchmark.dataset, read_record(Snapshot, repo / benchmark.path))
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput("Benchmarks are not frozen yet.", faults)
    return found


def _live(registry: Registry, authority: Authority, model: str, against: str) -> Version | None:
    """The version to compare with; None where nothing is live yet."""
    if re.fullmatch("[0-9]{1,9}", against):
        return find_version(registry, model, int(against))
    number, moved = registry.alias(model, against), log_of(registry, model).move(against, authority)
    name = f"{model}@{against}"
    if number is None and moved is None:
        if against == LIVE:
            return None
        raise BadInput("Compare with what?", [Fault(name, "points nowhere.", "Give --against ALIAS or VERSION.")])
    if moved is None or moved.decision.version != number:
        says = "does not point where the last valid decision put it: it was moved past the rules."
        fix = f"Promote the right version: `vendorkit promote {model}/VERSION --alias {against}`."
        raise Refused("The alias is not to be believed.", [Fault(name, says)], fix=fix)
    return find_version(registry, model, moved.decision.version)


def _against(version: Version) -> Against:
    return Against(model=version.model, version=version.number, release=version.tags["release"])


@dataclass(frozen=True)
class _Subjects:
    """What measuring the candidate and the live version have in common."""

    repo: Path
    shown: str

    def of(self, model_folder: Path, run: Run, features: FeatureSet, snapshots: tuple[Snapshot, ...]) -> Subject:
        """A stored model as what is measured."""
        return Subject(
            model_folder=str(model_folder),
            module=run.code.module,
            shown=self.shown,
            format_name=run.model_format.name,
            format_types=list(run.model_format.types),
            base=str(self.repo),
            datasets={snapshot.dataset: snapshot.to_bytes().decode() for snapshot in snapshots},
            label=run.label.column if run.label else None,
            features=[feature.name for feature in features.features],
            seed=run.seed,
        )


def _scoring(
    whose: str, subject: Subject, benchmarks: Benchmarks, columns: dict[str, list[str]], run: Run
) -> dict[str, Job]:
    """A job for each benchmark, `candidate/holdout`."""
    first = run.inputs[0].dataset
    jobs = {}
    for name, (dataset, snapshot) in benchmarks.items():
        given = {"benchmark": {dataset or first: snapshot.to_bytes().decode()}, "columns": columns.get(name, [])}
        jobs[f"{whose}/{name}"] = Job(subject, "score", given)
    return jobs


def _columns(specs: tuple[Gate, ...]) -> dict[str, list[str]]:
    """Columns of each benchmark that its gates name."""
    wanted: dict[str, list[str]] = {}
    for spec in specs:
        for text in filter(None, (spec.slice, spec.series)):
            with suppress(BadInput):  # the gate itself says what is wrong with it
                wanted.setdefault(spec.benchmark or "", []).extend(parse_slice(text).columns)
    return {name: list(dict.fromkeys(columns)) for name, columns in wanted.items()}


def _scored(
    whose: str, measured: Mapping[str, Found | str], benchmarks: Benchmarks, task: str
) -> dict[str, Scored | str]:
    """Labels and scores of each benchmark, or why there are none."""
    found: dict[str, Scored | str] = {}
    for name, (_, snapshot) in benchmarks.items():
        rows = measured[f"{whose}/{name}"]
        if isinstance(rows, str):
            found[name] = rows
            continue
        given = arrays(rows)
        columns = {
            column: at if isinstance(at, str) else Column(given[f"levels-{at}"], given[f"codes-{at}"].astype(np.int32))
            for column, at in rows["columns"].items()
        }
        try:
            found[name] = scored(
                name, snapshot.content_digest, given["label"], given["score"], task=task, columns=columns
            )
        except BadInput as error:
            found[name] = "; ".join(str(fault) for fault in error.faults)
    return found


def _prepared(run: Run, measured: Found | str) -> tuple[str, ...] | str:
    if run.prepared is None:
        return "the candidate was not trained through `prepare`"
    return measured if isinstance(measured, str) else (run.prepared, *measured.values())
