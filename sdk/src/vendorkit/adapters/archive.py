"""Tar archives that are the same byte for byte wherever they are made, and read as the hostile input that they are.

Nothing is ever unpacked: members are read one by one, and only regular files with plain names count.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vendorkit.errors import BadInput, Fault
from vendorkit.records.canonical import ALGORITHM
from vendorkit.records.run import Artifact

CHUNK_BYTES = 1 << 20
MOST_MEMBERS = 200_000


@dataclass(frozen=True)
class Member:
    """A file to put into an archive: where it lies now, and whether it is a program."""

    source: Path
    executable: bool = False


def write_archive(target: Path, first: tuple[str, bytes], members: Mapping[str, Member]) -> None:
    """Write a tar archive: one member from memory, then files by sorted name. It appears whole or not at all.

    Times, owners and all of a mode but the right to run are left out, so that equal content gives equal bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as folder:
        making = Path(folder) / target.name
        with tarfile.open(making, "w", format=tarfile.PAX_FORMAT) as archive:
            name, data = first
            archive.addfile(_header(name, len(data), executable=False), io.BytesIO(data))
            for name in sorted(members):
                member = members[name]
                with member.source.open("rb") as file:
                    size = member.source.stat().st_size
                    archive.addfile(_header(name, size, executable=member.executable), file)
        making.replace(target)


def _header(name: str, size: int, *, executable: bool) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, 0, 0o755 if executable else 0o644
    return header


def read_archive(path: Path, first: str, most_bytes: int = 16_000_000) -> tuple[bytes, tuple[Artifact, ...]]:
    """The bytes of one member, and path, size and digest of all others, read in one go.

    Args:
        path: The archive.
        first: Name of the member whose bytes are wanted.
        most_bytes: How long it may be.

    Raises:
        BadInput: No such file, no tar archive, cut short, or members that have no place in it: all are named.
    """
    data: bytes | None = None
    found: dict[str, Artifact] = {}
    faults: list[Fault] = []
    try:
        with tarfile.open(path, "r:") as archive:
            for member in _members(archive):
                says = _odd(member, is_known=member.name in found or (member.name == first and data is not None))
                if says:
                    faults.append(Fault(member.name, says))
                elif member.name == first and member.size <= most_bytes:
                    data = _bytes(archive, member)
                else:
                    found[member.name] = _described(archive, member)
    except FileNotFoundError as error:
        raise BadInput("There is no such package.", [Fault(str(path), "does not exist.")]) from error
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise _unreadable(path, f"{error}") from error
    except (RecursionError, OverflowError, MemoryError) as error:  # `tarfile` reads a header's name whole, in itself
        raise _unreadable(path, "its headers are too long, or too many follow each other") from error
    if data is None:
        faults.append(Fault(path.name, f"holds no {first}."))
    if faults or data is None:
        raise BadInput("The package is not one of ours.", faults)
    return data, tuple(found[name] for name in sorted(found))


def _unreadable(path: Path, why: str) -> BadInput:
    return BadInput("The package cannot be read.", [Fault(path.name, f"is no whole tar archive: {why}.")])


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for count, member in enumerate(archive):
        if count > MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS:,} members")
        yield member


def _odd(member: tarfile.TarInfo, *, is_known: bool) -> str:
    """Why a member has no place in a package; empty when it has."""
    parts = PurePosixPath(member.name).parts
    if not parts or parts[0] == "/" or ".." in parts or str(PurePosixPath(member.name)) != member.name:
        return "leads out of the archive, or is not plainly named."
    if not member.isreg() or member.issparse():
        return "is a link or no regular file."
    return "is there twice." if is_known else ""


def _bytes(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    data = file.read() if file else b""
    if len(data) != member.size:
        raise EOFError("it is cut short")
    return data


def _described(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Artifact:
    file, digest, size = archive.extractfile(member), hashlib.new(ALGORITHM), 0
    while file and (chunk := file.read(CHUNK_BYTES)):
        digest.update(chunk)
        size += len(chunk)
    if size != member.size:
        raise EOFError("it is cut short")
    return Artifact(path=member.name, bytes=size, digest=f"{ALGORITHM}:{digest.hexdigest()}")
