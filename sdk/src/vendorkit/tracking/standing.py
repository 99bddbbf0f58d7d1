"""What a version was made with and judged by, from its records; and which limits moved together with the model."""

from __future__ import annotations

from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.engagement import MANIFEST
from vendorkit.errors import BadInput
from vendorkit.records.features import FeatureSet
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Gate, Manifest, load_manifest
from vendorkit.records.run import Run


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


def moved_questions(
    repo: Path, run: Run, manifest: Manifest, gates: tuple[Gate, ...], live: Run | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Gates that ask something else than of the live version, and those that moved with the model, with a sentence.

    Args:
        repo: The engagement.
        run: Of the candidate; has the commit.
        manifest: Names the model's folder.
        gates: Those that were asked.
        live: Of the live version, whose commit and those before it were judged with it; None: all commits count.
    """
    return _asked_otherwise(repo, live, gates) if live else {}, _moved_with_the_model(repo, run, manifest, gates, live)


def _moved_with_the_model(
    repo: Path, run: Run, manifest: Manifest, gates: tuple[Gate, ...], live: Run | None
) -> dict[str, str]:
    """Gates whose limit, or question, changed in a commit that changed the model's code too."""
    commit, since = run.code.commit, (live.code.commit or "") if live else ""
    if not commit:
        return {}
    model = set(repository.touching(repo, commit, manifest.surface(run.model).path, since))
    found: dict[str, str] = {}
    for both in [each for each in repository.touching(repo, commit, MANIFEST, since) if each in model]:
        before, after = (_gates_at(repo, ref) for ref in (f"{both}^", both))
        for name in {gate.id for gate in gates} & before.keys() & after.keys() - found.keys():
            if what := _moved(before[name], after[name]):
                found[name] = f"{what} changed in the same commit as the model ({both[:12]}); limits are set before."
    return found


def _asked_otherwise(repo: Path, live: Run, gates: tuple[Gate, ...]) -> dict[str, str]:
    """Gates that the live version was asked, too, but with another question than now.

    Their limits are compared elsewhere: they stand in its report, also where its commit is not in the repository.
    """
    before = _gates_at(repo, live.code.commit) if live.code.commit else {}
    found = {}
    for gate in gates:
        keys = _changed(before[gate.id], gate) - LIMITS if gate.id in before else set()
        if keys:
            found[gate.id] = f"It asks something else than of the live version: {_named(keys)} changed."
    return found


def _gates_at(repo: Path, ref: str) -> dict[str, Gate]:
    """The gates that the manifest declared at a commit, by their ids; none where it cannot be read."""
    text = repository.file_at(repo, ref, MANIFEST)
    try:
        return {gate.id: gate for gate in load_manifest(text).gates} if text is not None else {}
    except BadInput:
        return {}


LIMITS = {"min", "max", "max_drop_vs_current"}


def _changed(before: Gate, after: Gate) -> set[str]:
    """Keys of a gate that changed, all but its words."""
    return {key for key in Gate.model_fields if key != "says" and getattr(before, key) != getattr(after, key)}


def _named(keys: set[str]) -> str:
    return ", ".join(f"`{key}`" for key in Gate.model_fields if key in keys)


def _moved(before: Gate, after: Gate) -> str:
    """What of a gate changed, as the beginning of a sentence; empty where nothing did but its words."""
    keys = _changed(before, after)
    if not keys:
        return ""
    return "The limit was" if keys <= LIMITS else f"What it asks ({_named(keys)}) was"
