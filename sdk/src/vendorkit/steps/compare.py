"""Compare: two versions or candidates side by side, from the gate reports that they already have."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.environment import LOCKFILE, requirements
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Store
from vendorkit.documents.differences import differences
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.gates.metrics import METRICS
from vendorkit.records.canonical import digest_file
from vendorkit.records.comparison import Better, Change, Comparison, rows_of
from vendorkit.records.dossier import Dossier
from vendorkit.records.gate_report import BenchmarkUse, GateReport
from vendorkit.trust.candidacy import candidacy_of
from vendorkit.trust.dossier import dossier_of
from vendorkit.trust.releases import find_version

BETTER: Mapping[str, Better] = {name: metric.better for name, metric in METRICS.items()}


def compare(repo: Path, a: str, b: str, *, registry: Registry | None = None) -> Comparison:
    """Both sides, their numbers on the same rows, and what changed from the first to the second.

    Args:
        repo: The engagement.
        a, b: `MODEL/VERSION`, `MODEL@ALIAS`, or the digest of a candidate or its beginning.
        registry: An open registry; by default the engagement's, opened only where a side is a release.

    Raises:
        BadInput: No such version or candidate, or its gates were not asked.
        Refused: Tasks differ, or a benchmark has other rows on the other side, or none is shared.
    """
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        if registry is None and any(_released(name) for name in (a, b)):
            registry = Registry.open(repo)
        left, left_locked = _dossier(repo, a, registry, Path(scratch) / "a")
        right, right_locked = _dossier(repo, b, registry, Path(scratch) / "b")
    reports = _report(left), _report(right)
    shared = _same_rows(left, right, *reports)
    locked = {left.name: left_locked, right.name: right_locked}
    changes = [
        Change(each.part, each.what, each.before, each.after, each.risk)
        for each in differences(left, right)
        if each.part != "results" and (each.part != "packages" or all(locked.values()))
    ]
    for name in [name for name, known in locked.items() if not known]:
        says = f"{LOCKFILE} is not the one that {name} was trained with"
        changes.append(Change("packages", "not known", "", says, "compare after training again"))
    rows = tuple(rows_of(*reports, BETTER))
    return Comparison(left.name, right.name, right.run.task, shared, rows, tuple(changes))


def _released(name: str) -> bool:
    return "/" in name or "@" in name


def _dossier(repo: Path, name: str, registry: Registry | None, folder: Path) -> tuple[Dossier, bool]:
    """Everything that is known of one side, and whether its packages are."""
    found = re.fullmatch(r"([^/@\s]+)(?:/([0-9]{1,9})|@([^/@\s]+))", name)
    if found and registry:
        number = int(found[2]) if found[2] else registry.alias(found[1], found[3])
        if number is None:
            raise BadInput("Compare what?", [Fault(name, "points nowhere.", "See `vendorkit releases`.")])
        return dossier_of(registry, find_version(registry, found[1], number), folder), True
    if not re.fullmatch(r"(sha256:)?[0-9a-f]+", name):
        says = "expected MODEL/VERSION, MODEL@ALIAS, or the digest of a candidate."
        raise BadInput("Compare what?", [Fault(name or "''", says)])
    candidate = Store(repo).candidate(name)
    lock = repo / LOCKFILE
    same = lock.is_file() and digest_file(lock) == candidate.run.environment.lock
    candidacy = candidacy_of(repo, read_manifest(repo), candidate)
    return candidacy.dossier(requirements(repo) if same else ""), same


def _report(side: Dossier) -> GateReport:
    if side.report is None:
        fix = f"Run `vendorkit gate {side.run.digest[7:19]}`."
        raise BadInput("There is nothing to compare.", [Fault(side.name, "its gates were not asked.", fix)])
    return side.report


def _same_rows(a: Dossier, b: Dossier, left: GateReport, right: GateReport) -> tuple[BenchmarkUse, ...]:
    """The benchmarks that both were measured on; refuses apples and oranges."""
    faults = []
    if a.run.task != b.run.task:
        faults.append(Fault("task", f"{a.name} is {a.run.task}, {b.name} is {b.run.task}."))
    old, new = ({use.id: use for use in report.benchmarks} for report in (left, right))
    shared = [name for name in new if name in old]
    for name in shared:
        if old[name].content_digest != new[name].content_digest:
            says = (f"has other rows: {old[name].content_digest[:19]} for {a.name}, {new[name].content_digest[:19]} "
                    f"for {b.name}.")  # fmt: skip
            faults.append(Fault(f"benchmark {name}", says, "Run `vendorkit gate` again where the rows are old."))
    if not shared and (old or new):
        faults.append(Fault("benchmarks", "the two were measured on none in common."))
    if faults:
        raise Refused("These cannot be compared: they were not measured on the same.", faults)
    return tuple(new[name] for name in shared)
