"""Folders of files with digests, as they come from elsewhere: hostile until every digest was verified.

Files are copied and hashed in one pass, so that what is used is what was verified. Links, pipes and files that
nobody listed are refused; nothing is unpacked, loaded or run.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from pathlib import Path

from vendorkit.errors import BadInput, Fault
from vendorkit.records.bundle import MOST_FILES, path_faults
from vendorkit.records.run import Artifact

CHUNK_BYTES = 1 << 23
"""Bytes that are copied at once; the next are copied while these are hashed."""
HASHED_BYTES = 1 << 18
"""Bytes that are hashed at once: few enough to stay in the processor's cache."""
MOST_INDEX_BYTES = 16_000_000


def list_regular(root: Path, *, foreign: bool = True) -> dict[str, Path]:
    """The regular files below a folder, by path with forward slashes.

    Args:
        root: The folder.
        foreign: Whether it came from elsewhere: then there may not be too many files, nor odd paths.

    Raises:
        BadInput: There are links, pipes, sockets or devices, or too many files: all are named.
    """
    found: dict[str, Path] = {}
    faults: list[Fault] = []
    waiting = [root]
    while waiting and (len(found) <= MOST_FILES or not foreign):
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
    faults += path_faults(found) if foreign else []
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
    """Copy every file below a folder of ours, and hash it on the way.

    Raises:
        BadInput: There are links, pipes, sockets or devices.
    """
    copied = []
    for name, path in sorted(list_regular(source, foreign=False).items()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        size, digest = copy_hashed(path, target / name)
        copied.append(Artifact(path=name, bytes=size, digest=digest))
    return tuple(copied)


def copy_hashed(source: Path, target: Path, limit: int | None = None) -> tuple[int, str]:
    """Copy a file, and hash the copy while it grows; gives size and digest.

    The kernel copies, so that no byte comes through this process but to be hashed, and a file system that shares
    blocks shares them. What is hashed is the copy: whoever writes to the source meanwhile changes nothing of it.

    Args:
        source: Is not followed where it is a link.
        target: Must not exist.
        limit: No more bytes than one above this are read.
    """
    size, hashed = 0, hashlib.sha256()
    buffer = memoryview(bytearray(HASHED_BYTES))

    def hash_next(start: int, count: int) -> None:
        for at in range(start, start + count, HASHED_BYTES):
            part = buffer[: min(HASHED_BYTES, start + count - at)]
            if os.preadv(out.fileno(), [part], at) != len(part):
                raise OSError(errno.EIO, "was changed while it was written", str(target))
            hashed.update(part)

    with _open(source) as file, target.open("x+b", buffering=0) as out, ThreadPoolExecutor(1) as beside:
        written = []
        while limit is None or size <= limit:
            count = _copy(file, out, CHUNK_BYTES if limit is None else min(CHUNK_BYTES, limit + 1 - size))
            if not count:
                break
            if count == CHUNK_BYTES:
                written.append(beside.submit(hash_next, size, count))
            else:  # the end, and mostly all of it: no thread is worth that
                for part in written:
                    part.result()
                hash_next(size, count)
            size += count
        for part in written:
            part.result()
    return size, f"sha256:{hashed.hexdigest()}"


def _copy(source: FileIO, target: FileIO, most: int) -> int:
    """Copy up to so many bytes from where both files stand; gives how many, 0 at the end."""
    with suppress(AttributeError, OSError):  # another system, or files that its kernel does not copy between
        if count := os.copy_file_range(source.fileno(), target.fileno(), most):
            return count
    data = memoryview(source.read(most) or b"")
    done = 0
    while done < len(data):
        done += target.write(data[done:]) or 0
    return done


def keep(folder: Path) -> None:
    """See that every file of a folder outlives a loss of power."""
    for path in [*folder.rglob("*"), folder, folder.parent]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _open(path: Path) -> FileIO:
    """Open a regular file without following a link and without waiting for a pipe."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "is no regular file", str(path))
    return FileIO(handle, "rb")
