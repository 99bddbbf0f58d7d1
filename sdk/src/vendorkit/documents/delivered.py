"""What a milestone delivers and where it lies: each part that `delivers` may name, as paths of the package.

Another word is something that people recorded: `records/WORD.json` or `records/WORD-*.json`, for instance
`rehearsal` or `exit-drill`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vendorkit.errors import BadInput, Fault
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.delivery import Milestone
from vendorkit.records.pack import GIT_FOLDER, RELEASES_FOLDER, DeliveredPart, PackedRelease

RUNBOOK = "docs/RUNBOOK.md"
"""Where the template puts it."""


@dataclass(frozen=True)
class Content:
    """What there is to deliver.

    Args:
        manifest: The engagement at the commit.
        files: Paths of the commit.
        releases: Model to the version that is packed.
        records: Paths below `releases/` in the package.
    """

    manifest: Manifest
    files: frozenset[str]
    releases: Mapping[str, int]
    records: frozenset[str]


Found = tuple[list[str], list[Fault]]
"""Paths of the package, and what is missing."""


def milestone_of(manifest: Manifest, name: str) -> Milestone:
    """A milestone of the manifest.

    Raises:
        BadInput: There is none; says which there are.
    """
    for milestone in manifest.milestones:
        if milestone.id == name:
            return milestone
    there = ", ".join(milestone.id for milestone in manifest.milestones)
    raise BadInput("Which milestone?", [Fault(name, f"is not in engagement.yaml; there is: {there}.")])


def content_of(manifest: Manifest, members: frozenset[str], releases: tuple[PackedRelease, ...]) -> Content:
    """What there is to deliver, from the members of a package."""
    below = f"{GIT_FOLDER}/"
    return Content(
        manifest=manifest,
        files=frozenset(name.removeprefix(below) for name in members if name.startswith(below)),
        releases={release.model: release.version for release in releases},
        records=frozenset(name for name in members if not name.startswith(below)),
    )


def delivered(milestone: Milestone, content: Content) -> tuple[tuple[DeliveredPart, ...], list[Fault]]:
    """Where each part of a milestone lies, and a fault for everything that is missing."""
    parts, faults = [], []
    for name in milestone.delivers:
        find = DELIVERABLES.get(name)
        paths, missing = find(content) if find else _recorded(content, name)
        faults += [Fault(f"{milestone.id} delivers {name}", fault.says, fault.fix) for fault in missing]
        parts.append(DeliveredPart(part=name, paths=tuple(sorted(set(paths)))))
    return tuple(parts), faults


def _in_git(content: Content, wanted: Mapping[str, str | None]) -> Found:
    """Files or folders of the commit; `wanted` is what needs it, and where it should lie."""
    paths, faults = [], []
    for who, path in wanted.items():
        below = [file for file in content.files if path and (file == path or file.startswith(f"{path.rstrip('/')}/"))]
        paths += [f"{GIT_FOLDER}/{file}" for file in below]
        if path is None:
            faults.append(Fault("", f"{who} names none in engagement.yaml."))
        elif not below:
            faults.append(Fault("", f"{path} of {who} is not in the commit.", "Write it and commit."))
    return paths, faults


def _code(content: Content) -> Found:
    kinds = ("model", "endpoint", "pipeline", "features")
    return _in_git(content, {one.id: one.path for one in content.manifest.surfaces if one.kind in kinds})


def _tests(content: Content) -> Found:
    names = ("test_*.py", "*_test.py")
    found = [
        f"{GIT_FOLDER}/{path}"
        for path in content.files
        if any(fnmatch.fnmatch(path.rpartition("/")[2], name) for name in names)
    ]
    return found, [] if found else [Fault("", "there is no file test_*.py in the commit.")]


def _environment(content: Content) -> Found:
    declared = content.manifest.reproduce
    return _in_git(content, {"the environment": declared.lockfile if declared else "uv.lock"})


def _dataset_refs(content: Content) -> Found:
    return _in_git(content, {one.id: one.pointer for one in content.manifest.datasets})


def _card(content: Content) -> Found:
    return _in_git(content, {one.id: one.card for one in content.manifest.surfaces if one.kind == "model"})


def _runbook(content: Content) -> Found:
    named = {one.id: one.runbook for one in content.manifest.surfaces if one.runbook}
    return _in_git(content, dict(named) or {"the engagement": RUNBOOK})


def _api_contract(content: Content) -> Found:
    return _in_git(content, {one.id: one.contract for one in content.manifest.surfaces if one.kind == "endpoint"})


def _deploy_manifests(content: Content) -> Found:
    return _in_git(content, {one.id: one.deploy for one in content.manifest.surfaces if one.kind == "endpoint"})


def _of_releases(content: Content, *names: str) -> Found:
    """Records of the packed release of each model."""
    paths, faults = [], []
    for surface in content.manifest.surfaces:
        if surface.kind != "model":
            continue
        folder = f"{RELEASES_FOLDER}/{surface.id}-{content.releases.get(surface.id)}"
        wanted = [f"{folder}/{name}" for name in names]
        if surface.id not in content.releases:
            faults.append(Fault("", f"{surface.id} has no published release.", "Run `vendorkit publish`."))
            continue
        paths += [path for path in wanted if path in content.records]
        faults += [Fault("", f"{path} is missing.") for path in wanted if path not in content.records]
    return paths, faults


def _lineage(content: Content) -> Found:
    return _of_releases(content, "records/run.json", "records/features.json")


def _registry_entry(content: Content) -> Found:
    return _of_releases(content, "release.json")


def _recorded(content: Content, name: str) -> Found:
    found = [
        f"{GIT_FOLDER}/{path}"
        for path in content.files
        if path == f"records/{name}.json" or fnmatch.fnmatch(path, f"records/{name}-*.json")
    ]
    return found, [] if found else [Fault("", f"there is no records/{name}.json or records/{name}-*.json.")]


DELIVERABLES: dict[str, Callable[[Content], Found]] = {
    "code": _code,
    "tests": _tests,
    "environment": _environment,
    "dataset-refs": _dataset_refs,
    "lineage": _lineage,
    "card": _card,
    "runbook": _runbook,
    "registry-entry": _registry_entry,
    "api-contract": _api_contract,
    "deploy-manifests": _deploy_manifests,
}
"""What `delivers` may name, and how it is found."""
