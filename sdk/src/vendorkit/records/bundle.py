"""The index of an exported release: every file with its digest, and what the registry said of it.

A bundle is the release as it is registered, the decisions about its model with their signatures, and documents for
those who have no vendorkit. What may be the path of a file in it is decided here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import ClassVar

from vendorkit.errors import Fault
from vendorkit.records.base import Digest, Record
from vendorkit.records.run import Artifact

BUNDLE_FILE = "bundle.json"
SUMS_FILE = "SHA256SUMS"
MOST_FILES = 10_000
LONGEST_PATH = 400
LONGEST_PART_BYTES = 200
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\:]")


class Bundle(Record):
    """The index of a bundle.

    Args:
        model: Id of the model.
        version: Number in the registry that it was exported from.
        engagement: Id of the engagement.
        release: Digest of the Release record.
        tags: What the registry showed, without the beginning `vendorkit.`.
        decisions: Digests of all decisions about the model, oldest first.
        aliases: Aliases that point to this version by these decisions.
        files: Every other file of the bundle but `SHA256SUMS`, by sorted path.
    """

    schema_name: ClassVar[str] = "vendorkit/bundle/1"

    model: str
    version: int
    engagement: str
    release: Digest
    tags: dict[str, str]
    decisions: tuple[Digest, ...]
    aliases: tuple[str, ...]
    files: tuple[Artifact, ...]

    def sums(self) -> str:
        """The text of `SHA256SUMS`, which `sha256sum --check` reads."""
        digests = {artifact.path: artifact.digest for artifact in self.files} | {BUNDLE_FILE: self.digest}
        return "".join(f"{digest.removeprefix('sha256:')}  {path}\n" for path, digest in sorted(digests.items()))


def path_fault(path: str) -> str | None:
    """Why a text may not be the path of a file in a bundle; None when it may."""
    parts = path.split("/")
    if path.startswith("/"):
        return "is an absolute path."
    if ".." in parts:
        return "leads out of its folder."
    if "" in parts or "." in parts or PurePosixPath(path).as_posix() != path:
        return "is not a plain path."
    if _UNFIT.search(path):
        return "holds a character that is not allowed in a path."
    if len(path) > LONGEST_PATH or any(len(part.encode("utf-8", "replace")) > LONGEST_PART_BYTES for part in parts):
        return f"is too long; at most {LONGEST_PATH} characters, {LONGEST_PART_BYTES} bytes for each part."
    return None


def path_faults(paths: Iterable[str]) -> list[Fault]:
    """Everything that is wrong with the paths of a bundle together."""
    listed = list(paths)
    if len(listed) > MOST_FILES:
        return [Fault("files", f"there are {len(listed)}; at most {MOST_FILES}.")]
    faults = [Fault(repr(path)[1:-1], says) for path in listed if (says := path_fault(path))]
    seen: dict[str, str] = {}
    for path in listed:
        if path.casefold() in seen:
            faults.append(Fault(repr(path)[1:-1], f"is there twice, also as {seen[path.casefold()]!r}."))
        seen[path.casefold()] = path
    for path in listed:
        inside = [str(parent).casefold() for parent in PurePosixPath(path).parents]
        faults += [Fault(seen[above], f"is a file and the folder of {path}.") for above in inside if above in seen]
    return faults
