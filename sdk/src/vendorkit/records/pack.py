"""A milestone's package: what is handed over, as one archive whose first member lists all others by digest."""

from __future__ import annotations

from typing import ClassVar

from vendorkit.records.base import Digest, Record, Value
from vendorkit.records.run import Artifact

PACK_FILE = "pack.json"
GIT_FOLDER = "git"
RELEASES_FOLDER = "releases"
PARTS_OF_RELEASE = ("records/", "engagement/", "documents/")
"""What is packed of a release beside its record; the model itself stays in the registry, named by digest."""


class DeliveredPart(Value):
    """One thing that the milestone delivers, and where it lies in the archive.

    Args:
        part: As the manifest names it, for instance `card`.
        paths: Members of the archive, sorted; at least one.
    """

    part: str
    paths: tuple[str, ...]


class PackedRelease(Value):
    """A release whose records are in the archive: `releases/MODEL-VERSION/`."""

    model: str
    version: int
    release: Digest


class Pack(Record):
    """The package of a milestone. It has no time: the same content gives the same bytes.

    Args:
        engagement: Id of the engagement.
        milestone: Id of the milestone.
        commit: Commit whose whole content is below `git/`.
        delivers: Every part that the milestone promises, in the order of the manifest.
        releases: Releases whose records are below `releases/`.
        files: Every other member of the archive, by sorted path.
    """

    schema_name: ClassVar[str] = "vendorkit/pack/1"

    engagement: str
    milestone: str
    commit: str
    delivers: tuple[DeliveredPart, ...]
    releases: tuple[PackedRelease, ...]
    files: tuple[Artifact, ...]
