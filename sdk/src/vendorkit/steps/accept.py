"""Accept: verify a milestone's package against the repository and the registry, and sign that it was taken over."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.archive import read_archive
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import list_files, working_folder, write_whole
from vendorkit.documents.delivered import content_of, delivered, milestone_of
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.acceptance import Acceptance
from vendorkit.records.base import now
from vendorkit.records.canonical import digest_file
from vendorkit.records.manifest import Manifest
from vendorkit.records.pack import GIT_FOLDER, PACK_FILE, PARTS_OF_RELEASE, RELEASES_FOLDER, Pack, PackedRelease
from vendorkit.trust.acceptances import SignedAcceptance, acceptance_fault, refuse_others, sign_acceptance
from vendorkit.trust.people import Deciding, authority_of
from vendorkit.trust.releases import RELEASE_FILE, find_version, verify_release

RECORDS = "records"
"""Folder of the engagement's own records, reviewed like code."""


@dataclass(frozen=True)
class Accepted:
    """An accepted milestone.

    Args:
        signed: The record and its signature.
        path: Where it lies in the engagement.
        created: False when this very package was accepted before.
    """

    signed: SignedAcceptance
    path: Path
    created: bool


def accept(
    repo: Path, milestone: str, deciding: Deciding, archive: Path | None = None, *, registry: Registry | None = None
) -> Accepted:
    """Verify a package and record that its milestone is accepted.

    Args:
        repo: The engagement.
        milestone: Id of the milestone.
        deciding: Who accepts: the person whom the milestone names.
        archive: The package; by default the one that `vendorkit pack` made of this commit.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No such milestone, or no readable package.
        Refused: Another person, or a package that does not hold what it should: every difference is named.
    """
    manifest = read_manifest(repo)
    wanted, authority = milestone_of(manifest, milestone), authority_of(repo, manifest)
    refuse_others(wanted, deciding.actor)
    found = archive or _newest(repo, milestone)
    pack = verify_pack(repo, manifest, milestone, found, registry)
    path = repo / RECORDS / f"acceptance-{milestone}-{pack.digest[7:19]}.json"
    if path.is_file():
        known = SignedAcceptance.parse(path.read_bytes(), path.name)
        if known.acceptance.pack == pack.digest and acceptance_fault(known, wanted, authority) is None:
            return Accepted(known, path, created=False)
    acceptance = Acceptance(
        engagement=pack.engagement,
        milestone=milestone,
        pack=pack.digest,
        archive=digest_file(found),
        commit=pack.commit,
        releases=tuple(release.release for release in pack.releases),
        actor=deciding.actor,
        reason=deciding.reason,
        at=now(),
    )
    signed = sign_acceptance(acceptance, wanted, authority, deciding)
    write_whole(path, signed.to_bytes() + b"\n")
    return Accepted(signed, path, created=True)


def verify_pack(repo: Path, manifest: Manifest, milestone: str, archive: Path, registry: Registry | None) -> Pack:
    """A package that holds what its record lists, the commit as git has it, and the releases as registered.

    Raises:
        BadInput: It cannot be read.
        Refused: It does not; every difference is named.
    """
    data, members = read_archive(archive, PACK_FILE)
    pack = Pack.parse(data, PACK_FILE)
    held = {member.path: member.digest for member in members}
    listed = {file.path: file.digest for file in pack.files}
    faults = _differences(held, listed, "the record of the package")
    if pack.engagement != manifest.engagement.id or pack.milestone != milestone:
        faults.append(Fault(PACK_FILE, f"is of {pack.milestone} in {pack.engagement}."))
    faults += _git_differences(repo, pack, listed)
    for release in pack.releases:
        registry = registry or Registry.open(repo)
        faults += _release_differences(registry, release, listed)
    content = content_of(manifest, frozenset(held), pack.releases)
    parts, missing = delivered(milestone_of(manifest, milestone), content)
    if not missing and not faults and parts != pack.delivers:
        faults.append(Fault(PACK_FILE, "does not list what the milestone delivers."))
    if faults or missing:
        fix = "Have it packed again with `vendorkit pack`."
        raise Refused(f"The package of {milestone} does not verify.", faults + missing, fix=fix)
    return pack


def _newest(repo: Path, milestone: str) -> Path:
    head = repository.head(repo)
    name = f"{milestone}-{head.commit[:12] if head else ''}.tar"
    path = working_folder(repo) / "packs" / name
    if not path.is_file():
        fix = f"Give --pack FILE, or make it: `vendorkit pack {milestone}`."
        raise BadInput("Which package?", [Fault(str(path.relative_to(repo)), "is not there.", fix)])
    return path


def _differences(held: dict[str, str], listed: dict[str, str], by: str) -> list[Fault]:
    faults = [Fault(path, f"is missing; {by} lists it.") for path in sorted(listed.keys() - held.keys())]
    faults += [Fault(path, f"is not in {by}.") for path in sorted(held.keys() - listed.keys())]
    changed = sorted(path for path in listed.keys() & held.keys() if listed[path] != held[path])
    return faults + [Fault(path, f"is {held[path]}, by {by} {listed[path]}.") for path in changed]


def _git_differences(repo: Path, pack: Pack, listed: dict[str, str]) -> list[Fault]:
    """How the packed code differs from the commit as this repository has it."""
    if repository.resolve(repo, pack.commit) != pack.commit:
        return [Fault(f"commit {pack.commit}", "is not in this repository.", "Fetch it.")]
    entries = [entry for entry in repository.list_tree(repo, pack.commit) if entry.mode != repository.SUBMODULE]
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        repository.write_content(repo, entries, Path(folder))
        wanted = {f"{GIT_FOLDER}/{file.path}": file.digest for file in list_files(Path(folder))}
    packed = {path: digest for path, digest in listed.items() if path.startswith(f"{GIT_FOLDER}/")}
    return _differences(packed, wanted, f"commit {pack.commit[:12]}")


def _release_differences(registry: Registry, packed: PackedRelease, listed: dict[str, str]) -> list[Fault]:
    """How packed records differ from the release as it is registered."""
    version = find_version(registry, packed.model, packed.version)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        release = verify_release(registry, version, Path(folder), used=False).release
    place = f"{RELEASES_FOLDER}/{packed.model}-{packed.version}"
    wanted = {f"{place}/{file.path}": file.digest for file in release.files if file.path.startswith(PARTS_OF_RELEASE)}
    wanted[f"{place}/{RELEASE_FILE}"] = release.digest
    held = {path: listed[path] for path in wanted if path in listed}
    faults = _differences(held, wanted, f"{version.name} in the registry")
    if release.digest != packed.release:
        faults.append(Fault(f"{place}/{RELEASE_FILE}", f"is named {packed.release}, registered is {release.digest}."))
    return faults
