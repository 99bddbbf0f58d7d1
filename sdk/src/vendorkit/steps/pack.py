"""Pack: everything that a milestone delivers, as one archive that is the same byte for byte whoever makes it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters import repository
from vendorkit.adapters.archive import Member, write_archive
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import list_files, working_folder
from vendorkit.documents.delivered import content_of, delivered, milestone_of
from vendorkit.errors import Fault, Refused
from vendorkit.records.canonical import digest_file
from vendorkit.records.manifest import Manifest
from vendorkit.records.pack import GIT_FOLDER, PACK_FILE, PARTS_OF_RELEASE, RELEASES_FOLDER, Pack, PackedRelease
from vendorkit.trust.aliases import LIVE
from vendorkit.trust.log import log_of, refuse_tampered
from vendorkit.trust.people import authority_of
from vendorkit.trust.releases import RELEASE_FILE, find_version, verify_release


@dataclass(frozen=True)
class Packed:
    """A package that was written.

    Args:
        pack: Its record, which is also its first member.
        path: The archive.
        digest: Digest of its bytes.
    """

    pack: Pack
    path: Path
    digest: str


def pack(repo: Path, milestone: str, to: Path | None = None, *, registry: Registry | None = None) -> Packed:
    """Pack a milestone: the whole commit, and the records of each model's live (else newest) release.

    Args:
        repo: The engagement.
        milestone: Id of the milestone.
        to: The archive to write; by default in `.vendorkit/packs/`.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No such milestone.
        Refused: Something that the milestone delivers is missing, or not committed: every part is named.
    """
    manifest = read_manifest(repo)
    wanted = milestone_of(manifest, milestone)
    head = _committed(repo)
    entries = [entry for entry in repository.list_tree(repo, head) if entry.mode != repository.SUBMODULE]
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        root = Path(folder)
        repository.write_content(repo, entries, root / GIT_FOLDER)
        releases = _write_releases(repo, manifest, registry, root / RELEASES_FOLDER)
        files = list_files(root)
        parts, faults = delivered(wanted, content_of(manifest, frozenset(file.path for file in files), releases))
        if faults:
            raise Refused(f"Milestone {milestone} is not complete.", faults)
        record = Pack(
            engagement=manifest.engagement.id,
            milestone=milestone,
            commit=head,
            delivers=parts,
            releases=releases,
            files=files,
        )
        programs = {f"{GIT_FOLDER}/{entry.path}" for entry in entries if entry.mode == "100755"}
        members = {file.path: Member(root / file.path, file.path in programs) for file in files}
        target = to or working_folder(repo) / "packs" / f"{milestone}-{head[:12]}.tar"
        write_archive(target, (PACK_FILE, record.to_bytes()), members)
    return Packed(record, target, digest_file(target))


def _committed(repo: Path) -> str:
    head = repository.head(repo)
    changed = repository.changed_paths(repo) if head else ()
    if head is None or changed:
        faults = [Fault(path, "is not committed.") for path in changed] or [Fault("git", "has no commit.")]
        raise Refused("What is handed over must be committed.", faults, fix="Commit it and pack again.")
    return head.commit


def _write_releases(
    repo: Path, manifest: Manifest, registry: Registry | None, target: Path
) -> tuple[PackedRelease, ...]:
    """Fetch and verify the release of each model and keep its records; models without one are left out."""
    found = []
    for model in (surface.id for surface in manifest.surfaces if surface.kind == "model"):
        registry = registry or Registry.open(repo)
        log = log_of(registry, model)
        refuse_tampered(log, model)
        live = log.move(LIVE, authority_of(repo, manifest))
        numbers = [live.decision.version] if live else [version.number for version in registry.versions(model)][-1:]
        for number in numbers:
            version = find_version(registry, model, number)
            with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
                release = verify_release(registry, version, Path(folder))
                kept = [file.path for file in release.release.files if file.path.startswith(PARTS_OF_RELEASE)]
                for path in (RELEASE_FILE, *kept):
                    copy = target / f"{model}-{number}" / path
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes((release.folder / path).read_bytes())
            decided = [json.loads(signed.to_text()) for signed in log.about(release.release.digest)]
            (target / f"{model}-{number}" / "decisions.json").write_text(json.dumps(decided, indent=1) + "\n")
            found.append(PackedRelease(model=model, version=number, release=release.release.digest))
    return tuple(found)
