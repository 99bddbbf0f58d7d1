"""Gate: measure a candidate, and the live version beside it, and ask every declared gate."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Candidate, Store, read_record
from vendorkit.documents.gate_report import FORMATS
from vendorkit.errors import BadInput, Fault
from vendorkit.gates.ask import all_passed, ask_all, needs
from vendorkit.gates.base import Evidence, Scored, scored
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_json
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import Against, BenchmarkUse, GateReport
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Run
from vendorkit.records.snapshot import Snapshot
from vendorkit.tracking.measurement import Job, Measured, Measurement
from vendorkit.trust.releases import verify_release

LIVE = "champion"
FILE_NAMES = {"text": "gate-report.txt", "markdown": "gate-report.md", "html": "gate-report.html"}


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
    repo: Path, candidate: Candidate | None = None, *, against: str = LIVE, registry: Registry | None = None
) -> Gated:
    """Ask every gate that the manifest declares for the candidate's model.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        against: Alias or version number of the version to compare with; none there yet is fine for an alias.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No gates, or a benchmark that is not frozen.
        Refused: The version to compare with is not what was published.
    """
    manifest = read_manifest(repo)
    store = Store(repo)
    candidate = candidate or store.candidate(None)
    model = candidate.run.model
    specs = manifest.gates_for(model)
    if not specs:
        raise BadInput(
            "There is nothing to ask.", [Fault("gates", f"engagement.yaml declares none for {model}.")]
        )
    wanted = needs(specs)
    benchmarks = _frozen_benchmarks(repo, manifest, [spec.benchmark for spec in specs if spec.benchmark])
    with ExitStack() as stack:
        parts = (candidate.model_folder, candidate.run, candidate.features, candidate.snapshots)
        under_way = [_start(stack, _job(repo, *parts, benchmarks, repeat="prepared" in wanted))]
        registry = registry or Registry.open(repo)
        live = _live(registry, model, against)
        if live and "current" in wanted:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vendorkit-")))
            files = verify_release(registry, live, folder)
            parts = (files.folder / "model", files.run, files.features, files.snapshots)
            under_way.append(_start(stack, _job(repo, *parts, benchmarks, repeat=False)))
        measured = [measurement.wait() for measurement in under_way]
    evidence = Evidence(
        task=candidate.run.task,
        candidate=_scored(measured[0], benchmarks, candidate.run.task),
        current=_scored(measured[1], benchmarks, candidate.run.task) if len(measured) > 1 else None,
        prepared=_prepared(candidate.run, measured[0]),
    )
    results = ask_all(specs, evidence)
    report = GateReport(
        candidate=candidate.digest,
        model=model,
        against=_against(live) if live else None,
        benchmarks=tuple(
            BenchmarkUse(id=name, content_digest=snapshot.content_digest, rows=snapshot.rows)
            for name, (_, snapshot) in benchmarks.items()
        ),
        limits=digest_json([spec.model_dump(mode="json") for spec in specs]),
        results=results,
        passed=all_passed(results),
        asked_at=now(),
    )
    rendered = {file: FORMATS[form](report) for form, file in FILE_NAMES.items()}
    folder = store.add_report(report, rendered)
    return Gated(
        report, {"json": folder / "gate-report.json", **{k: folder / v for k, v in FILE_NAMES.items()}}
    )


def _frozen_benchmarks(repo: Path, manifest: Manifest, names: list[str]) -> dict[str, tuple[str, Snapshot]]:
    """Benchmark id to the dataset that it stands in for and its verified snapshot."""
    found: dict[str, tuple[str, Snapshot]] = {}
    faults = []
    for name in dict.fromkeys(names):
        benchmark = manifest.benchmark(name)
        if not (repo / benchmark.path).exists():
            fix = f"Run `vendorkit snapshot {name}` and commit {benchmark.path}."
            faults.append(Fault(benchmark.path, "does not exist.", fix))
            continue
        found[name] = (benchmark.dataset or "", read_record(Snapshot, repo / benchmark.path))
    if faults:
        raise BadInput("Benchmarks are not frozen yet.", faults)
    return found


def _live(registry: Registry, model: str, against: str) -> Version | None:
    number = int(against) if against.isdigit() else registry.alias(model, against)
    if number is None:
        return None
    found = [version for version in registry.versions(model) if version.number == number]
    if not found:
        raise BadInput("Compare with what?", [Fault("--against", f"{model} has no version {number}.")])
    return found[0]


def _against(version: Version) -> Against:
    return Against(model=version.model, version=version.number, release=version.tags["release"])


def _job(
    repo: Path,
    model_folder: Path,
    run: Run,
    features: FeatureSet,
    snapshots: tuple[Snapshot, ...],
    benchmarks: dict[str, tuple[str, Snapshot]],
    *,
    repeat: bool,
) -> Job:
    first = run.inputs[0].dataset
    return Job(
        model_folder=str(model_folder),
        module=run.code.module,
        format_name=run.model_format.name,
        format_types=list(run.model_format.types),
        base=str(repo),
        datasets={snapshot.dataset: snapshot.to_bytes().decode() for snapshot in snapshots},
        benchmarks={
            name: (dataset or first, snapshot.to_bytes().decode())
            for name, (dataset, snapshot) in benchmarks.items()
        },
        label=run.label.column if run.label else None,
        features=[feature.name for feature in features.features],
        repeat_prepare=repeat and run.prepared is not None,
    )


def _start(stack: ExitStack, job: Job) -> Measurement:
    measurement = Measurement(job)
    stack.callback(measurement.cancel)
    return measurement


def _scored(
    measured: Measured, benchmarks: dict[str, tuple[str, Snapshot]], task: str
) -> dict[str, Scored | str]:
    """Labels and scores of each benchmark, or why there are none."""
    found: dict[str, Scored | str] = {}
    for name, (_, snapshot) in benchmarks.items():
        arrays = measured.scores[name]
        if isinstance(arrays, str):
            found[name] = arrays
            continue
        try:
            found[name] = scored(name, snapshot.content_digest, arrays[0], arrays[1], task=task)
        except BadInput as error:
            found[name] = "; ".join(str(fault) for fault in error.faults)
    return found


def _prepared(run: Run, measured: Measured) -> tuple[str, ...] | str:
    if run.prepared is None:
        return "the candidate was not trained through `prepare`"
    return (run.prepared, measured.prepared) if measured.prepared else measured.prepared_fault
