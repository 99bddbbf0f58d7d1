"""Folders of files with digests, as they come from elsewhere: hostile until every digest was verified.

Files are copied and hashed in one pass, so that what is used is what was verified. Links, pipes and files that
nobody listed are refused; nothing is unpacked, loaded or run.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path

from vendorkit.errors import BadInput, Fault
from vendorkit.records.bundle import MOST_FILES, path_faults
from vendorkit.records.run import Artifact

CHUNK_BYTES = 1 << 22
MOST_INDEX_BYTES = 16_000_000


def list_regular(root: Path) -> dict[str, Path]:
    """The regular files below a folder, by path with forward slashes.

    Raises:
        BadInput: There are links, pipes, sockets or devices, or too many files: all are named.
    """
    found: dict[str, Path] = {}
    faults: list[Fault] = []
    waiting = [root]
    while waiting and len(found) <= MOST_FILES:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                name = path.relative_to(root).as_posix()
                if entry.is_symlink():
                    faults.append(Fault(name, "is a link."))
                elif entry.is_dir():
                    waiting.append(path)
                elif entry.is_file():
                    found[name] = path
                else:
                    faults.append(Fault(name, "is neither a file nor a folder."))
    faults += path_faults(found)
    if faults:
        raise BadInput(f"{root} cannot be read.", sorted(faults, key=lambda fault: fault.where))
    return found


def read_small(path: Path, shown: str, limit: int = MOST_INDEX_BYTES) -> bytes:
    """The bytes of a file that is no link and no larger than a limit.

    Raises:
        BadInput: It is.
    """
    try:
        with _open(path) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BadInput(f"{shown} cannot be read.", [Fault(shown, f"{error.strerror or error}.")]) from error
    if len(data) > limit:
        raise BadInput(f"{shown} cannot be read.", [Fault(shown, f"is larger than {limit:,} bytes.")])
    return data


def copy_verified(places: Mapping[str, Path], expected: Sequence[Artifact], target: Path) -> list[Fault]:
    """Copy files whose digests are known; gives a fault for each that is missing, changed or too much.

    Args:
        places: Path in the bundle to the file on disk.
        expected: The files that there should be.
        target: Folder that they are copied to.
    """
    known = {artifact.path: artifact for artifact in expected}
    faults = [Fault(path, "is missing.") for path in sorted(known.keys() - places.keys())]
    faults += [Fault(path, "is not part of the record.") for path in sorted(places.keys() - known.keys())]
    for path in sorted(known.keys() & places.keys()):
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            size, digest = copy_hashed(places[path], copy, known[path].bytes)
        except OSError as error:
            if error.filename != str(places[path]):
                raise
            faults.append(Fault(path, f"cannot be read: {error.strerror}."))
            continue
        if size != known[path].bytes:
            faults.append(Fault(path, f"is not {known[path].bytes} bytes long, as recorded."))
        elif digest != known[path].digest:
            faults.append(Fault(path, f"is {digest}, recorded {known[path].digest}."))
    return faults


def copy_all(source: Path, target: Path) -> tuple[Artifact, ...]:
    """Copy every file below a folder, and hash it on the way.

    Raises:
        BadInput: There are links, pipes, sockets or devices.
    """
    copied = []
    for name, path in sorted(list_regular(source).items()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        size, digest = copy_hashed(path, target / name)
        copied.append(Artifact(path=name, bytes=size, digest=digest))
    return tuple(copied)


def copy_hashed(source: Path, target: Path, limit: int | None = None) -> tuple[int, str]:
    """Copy a file and hash it on the way, side by side; gives size and digest.

    Args:
        source: Is not followed where it is a link.
        target: Must not exist.
        limit: No more bytes than one above this are read.
    """
    hashed = hashlib.sha256()
    size, pending = 0, None
    with _open(source) as file, target.open("xb", buffering=0) as out, ThreadPoolExecutor(1) as beside:
        while limit is None or size <= limit:
            chunk = file.read(CHUNK_BYTES if limit is None else min(CHUNK_BYTES, limit + 1 - size))
            if not chunk:
                break
            size += len(chunk)
            _wait(pending)
            pending = beside.submit(hashed.update, chunk)
            out.write(chunk)
        _wait(pending)
    return size, f"sha256:{hashed.hexdigest()}"


def keep(folder: Path) -> None:
    """See that every file of a folder outlives a loss of power."""
    for path in [*folder.rglob("*"), folder, folder.parent]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _wait(pending: Future[None] | None) -> None:
    if pending is not None:
        pending.result()


def _open(path: Path) -> FileIO:
    """Open a regular file without following a link and without waiting for a pipe."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "is no regular file", str(path))
    return FileIO(handle, "rb")
