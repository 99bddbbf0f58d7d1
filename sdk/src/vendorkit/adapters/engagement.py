"""The folder of an engagement: finds it and reads its manifest and files without following links.

Nothing here runs anything of the repository or looks into its git configuration.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from vendorkit.errors import BadInput, Fault
from vendorkit.records.answers import ANSWERS_FILE, MAX_ANSWERS_BYTES, parse_answers
from vendorkit.records.gate_report import GateReport
from vendorkit.records.manifest import Manifest, load_manifest
from vendorkit.records.seen_file import SeenFile
from vendorkit.records.yaml_text import MAX_BYTES

MANIFEST = "engagement.yaml"
REPORTS = ".vendorkit/reports"
"""Where the gate reports of candidates lie in a working tree."""
MOST_REPORTS = 20


def find_engagement(start: Path | None = None) -> Path:
    """The nearest folder upwards that has an `engagement.yaml`.

    Args:
        start: Where to begin; None means the current folder.

    Raises:
        BadInput: There is no such folder, or `start` is none.
    """
    first = (Path.cwd() if start is None else start).resolve()
    if not first.is_dir():
        raise BadInput("This is not an engagement.", [Fault(str(first), "there is no such folder.")])
    for folder in (first, *first.parents):
        if os.path.lexists(folder / MANIFEST):
            return folder
    says = f"neither it nor a folder above has {MANIFEST}."
    raise BadInput(
        "This is not an engagement.",
        [Fault(str(first), says)],
        fix="Go to one, name it with `--repo DIR`, or make one with `vendorkit new DIR`.",
    )


def read_manifest(repo: Path) -> Manifest:
    """The manifest of an engagement.

    Raises:
        BadInput: It is absent, not a regular file, larger than 1 MB, or not valid; all faults are listed.
    """
    return load_manifest(read_manifest_bytes(repo), MANIFEST)


def read_manifest_bytes(repo: Path) -> bytes:
    """The bytes of an engagement's manifest.

    Raises:
        BadInput: It is absent, not a regular file, or larger than 1 MB.
    """
    return manifest_bytes(read_file(repo, MANIFEST, limit=MAX_BYTES), str(repo / MANIFEST))


def manifest_bytes(seen: SeenFile, where: str) -> bytes:
    """The bytes of what was seen at the manifest's place.

    Raises:
        BadInput: It is absent, not a regular file, or larger than 1 MB.
    """
    if seen.data is not None:
        return seen.data
    says = {
        "missing": "is not there.",
        "link": "is a symbolic link; expected a regular file.",
        "too-large": f"is too long; at most {MAX_BYTES:,} bytes are read.",
    }.get(seen.kind, "is not a regular file.")
    raise BadInput(f"{MANIFEST} cannot be read.", [Fault(where, says)])


def recorded_answers(repo: Path) -> dict[str, object]:
    """The answers that an engagement recorded when it was made from the template.

    Raises:
        BadInput: There is no such file, or it is a link, too long, or not readable.
    """
    return answers_in(read_file(repo, ANSWERS_FILE, limit=MAX_ANSWERS_BYTES))


def answers_in(seen: SeenFile) -> dict[str, object]:
    """The answers in what was seen at the place of the answers file.

    Raises:
        BadInput: There is no such file, or it is a link, too long, or not readable.
    """
    if seen.data is not None:
        return parse_answers(seen.data)
    says = {
        "missing": "no such file; was this made from the template?",
        "link": "is a link.",
        "too-large": f"is longer than {MAX_ANSWERS_BYTES:,} bytes.",
    }.get(seen.kind, "is not a regular file.")
    raise BadInput("The repository has no recorded answers.", [Fault(ANSWERS_FILE, says)])


def read_file(repo: Path, path: str, *, limit: int = 16_000_000) -> SeenFile:
    """What lies at a path inside a folder. Links are never followed, pipes never read.

    Args:
        repo: The folder.
        path: Relative path with forward slashes, without `..`.
        limit: Largest size in bytes that is read.
    """
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts:
        return SeenFile("other")
    place = repo
    for part in parts:
        place = place / part
        try:
            mode = place.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return SeenFile("missing")
        if stat.S_ISLNK(mode):
            return SeenFile("link")
    return _read_regular(place, limit)


def _read_regular(place: Path, limit: int) -> SeenFile:
    """Open without following and without waiting, then look again at what was opened."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not stat.S_ISREG(place.lstat().st_mode):
        return SeenFile("other")
    with os.fdopen(os.open(place, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return SeenFile("other")
        data = file.read(limit + 1)
    return SeenFile("file", data) if len(data) <= limit else SeenFile("too-large")


def newest_reports(repo: Path) -> dict[str, GateReport]:
    """Model to the newest gate report of the working tree; what cannot be read is left out, links too."""
    found: dict[str, GateReport] = {}
    for name in _newest_names(repo, REPORTS):
        seen = read_file(repo, f"{REPORTS}/{name}/gate-report.json")
        try:
            report = GateReport.parse(seen.data or b"", name)
        except BadInput:
            continue
        known = found.get(report.model)
        if known is None or known.asked_at < report.asked_at:
            found[report.model] = report
    return found


def _newest_names(repo: Path, path: str) -> list[str]:
    """Folders in a folder, the newest first, at most MOST_REPORTS; none where a link leads there."""
    place = repo
    for part in PurePosixPath(path).parts:
        place = place / part
        if place.is_symlink():
            return []
    try:
        with os.scandir(place) as entries:
            folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            newest = sorted(folders, key=lambda entry: -entry.stat(follow_symlinks=False).st_mtime_ns)
            return [entry.name for entry in newest[:MOST_REPORTS]]
    except OSError:
        return []
