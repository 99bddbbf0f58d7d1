"""Documents: draft those of a candidate as publishing would write them, or fetch those of a release."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.environment import requirements
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Candidate, Store, write_whole
from vendorkit.documents.release_documents import release_documents, rendered
from vendorkit.errors import Fault, Refused
from vendorkit.standards.policy import approval_rule, packaged_policy
from vendorkit.trust.aliases import live_version
from vendorkit.trust.candidacy import candidacy_of
from vendorkit.trust.fitness import words_faults
from vendorkit.trust.people import authority_of
from vendorkit.trust.releases import find_version, verify_what_is_left


@dataclass(frozen=True)
class Documents:
    """The documents of a candidate or release.

    Args:
        subject: Digest of the candidate, or MODEL/VERSION.
        texts: File name to text, in every form: `card.md`, `card.html`.
        faults: What is wrong with the words that people wrote; publishing refuses it.
    """

    subject: str
    texts: Mapping[str, str]
    faults: tuple[Fault, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The documents without the endings of their files."""
        return tuple(dict.fromkeys(file.rpartition(".")[0] for file in self.texts))

    def write(self, folder: Path) -> dict[str, Path]:
        """Write all of them into a folder; gives file name to path."""
        for name, text in self.texts.items():
            write_whole(folder / name, text.encode())
        return {name: folder / name for name in self.texts}


def draft(repo: Path, candidate: Candidate | None = None, *, registry: Registry | None = None) -> Documents:
    """The documents of a candidate, as publishing it now would write them.

    Args:
        repo: The engagement.
        candidate: By default the newest.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: The live version, which they compare with, is not what was published, or not where it was promoted.
    """
    manifest, policy = read_manifest(repo), packaged_policy()
    candidacy = candidacy_of(repo, manifest, candidate or Store(repo).candidate(None))
    registry = registry or Registry.open(repo)
    live_now = live_version(registry, authority_of(repo, manifest), candidacy.candidate.run.model)
    candidacy = replace(candidacy, live=live_now)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        live = candidacy.live_dossier(registry, Path(scratch))
    dossier = candidacy.dossier(requirements(repo), approval_rule(manifest))
    texts = rendered(release_documents(dossier, live, policy.documents))
    case = candidacy.case(policy.documents, policy.gates_for(manifest, candidacy.candidate.run.model))
    return Documents(candidacy.candidate.digest, texts, tuple(words_faults(case)))


def published(repo: Path, model: str, number: int, *, registry: Registry | None = None) -> Documents:
    """The documents of a release, as they were published; of an archived one too.

    Raises:
        BadInput: No such version.
        Refused: The release is not what was published, or has no documents.
    """
    registry = registry or Registry.open(repo)
    version = find_version(registry, model, number)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as scratch:
        files = verify_what_is_left(registry, version, Path(scratch))
        paths = [files.folder / document.path for document in files.release.documents]
        both = [path for stem in paths for path in (stem, stem.with_suffix(".html")) if path.is_file()]
        texts = {path.name: path.read_text("utf-8") for path in both}
    if not texts:
        raise Refused(f"{version.name} has no documents.", [Fault(version.name, "its record names none.")])
    return Documents(version.name, texts)
