"""What a version was made with and judged by, from its records; and which limits moved together with the model."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.errors import BadInput
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Gate, Manifest, load_manifest
from vendorkit.records.run import Run

MANIFEST = "engagement.yaml"


def made_with(run: Run, features: FeatureSet) -> dict[str, dict[str, str]]:
    """Features, dependencies and code of a version, by name."""
    environment = run.environment
    return {
        "features": {each.name: each.model_dump_json(include={"name", "type"}) for each in features.features},
        "dependencies": {
            "lock": environment.lock or "",
            "python": environment.python,
            "platform": environment.platform,
        },
        "code": {file.path: file.digest for file in run.code.files},
    }


def reported_limits(report: GateReport) -> dict[str, tuple[float | None, float | None, float | None]]:
    """The limits that a version was judged by."""
    return {result.id: (result.least, result.most, result.most_drop) for result in report.results}


def moved_with_the_model(repo: Path, run: Run, manifest: Manifest, gates: tuple[Gate, ...]) -> dict[str, str]:
    """Gates whose limit, or question, changed in the very commit that changed the model's code, with a sentence.

    Args:
        repo: The engagement.
        run: Of the candidate; has the commit.
        manifest: Names the model's folder.
        gates: Those that were asked.
    """
    commit = run.code.commit
    if not commit or not repository.touched(repo, commit, manifest.surface(run.model).path):
        return {}
    sides = [repository.file_at(repo, ref, MANIFEST) for ref in (f"{commit}^", commit)]
    if sides[0] is None or sides[1] is None:
        return {}
    try:
        before, after = ({gate.id: gate for gate in load_manifest(side).gates} for side in sides if side is not None)
    except BadInput:
        return {}
    asked = {gate.id for gate in gates} & before.keys() & after.keys()
    moved = {name: _moved(before[name], after[name]) for name in asked}
    told = f"changed in the same commit as the model ({commit[:12]}); limits are set before."
    return {name: f"{what} {told}" for name, what in moved.items() if what}


def _moved(before: Gate, after: Gate) -> str:
    """What of a gate changed, as the beginning of a sentence; empty where nothing did but its words."""
    keys = [key for key in Gate.model_fields if key != "says" and getattr(before, key) != getattr(after, key)]
    if not keys:
        return ""
    limit = set(keys) <= {"min", "max", "max_drop_vs_current"}
    named = ", ".join(f"`{key}`" for key in keys)
    return "The limit was" if limit else f"What it asks ({named}) was"
