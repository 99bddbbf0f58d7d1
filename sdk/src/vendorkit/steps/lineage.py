"""Lineage: forward from a dataset to releases, where they were live and what they answered; backward to the data.

Answers come from an index of what the registry says. They are claims: `trace` verifies one release with its files,
records and signatures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vendorkit.adapters import predictions
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.lineage_index import Known, LineageIndex, Move, open_index
from vendorkit.adapters.predictions import Answered
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import working_folder
from vendorkit.errors import BadInput, Fault

RELEASE = re.compile(r"([^/@\s]+)/([0-9]+)")
DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
Logged = dict[tuple[str, int], Answered]


@dataclass(frozen=True)
class Live:
    """A time during which an alias pointed to a release; `until` is None while it does."""

    alias: str
    since: str
    until: str | None
    by: str


@dataclass(frozen=True)
class Traced:
    """A release with what it was made of and what came of it.

    Args:
        known: What the registry says of it.
        live: When which alias pointed to it, oldest first.
        predictions: What it answered in the window; None where nothing.
    """

    known: Known
    live: tuple[Live, ...]
    predictions: Answered | None

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        value = {**asdict(self.known), "live": [asdict(entry) for entry in self.live], "predictions": None}
        if self.predictions:
            value["predictions"] = {
                "count": self.predictions.count,
                "first": {"id": self.predictions.first, "at": answered_at(self.predictions.first)},
                "last": {"id": self.predictions.last, "at": answered_at(self.predictions.last)},
                "sample": self.predictions.sample,
            }
        return value


@dataclass(frozen=True)
class LineageAnswer:
    """What was asked, and what is known about it.

    Args:
        asked: The dataset, release and window.
        releases: By model and version.
        candidates: Digests of candidates of this engagement that used the dataset and were never published.
    """

    asked: dict[str, str | None]
    releases: tuple[Traced, ...]
    candidates: tuple[str, ...] = ()

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "asked": self.asked,
            "counts": {
                "releases": len(self.releases),
                "ever_live": sum(bool(entry.live) for entry in self.releases),
                "live_now": sum(any(time.until is None for time in entry.live) for entry in self.releases),
                "predictions": sum(entry.predictions.count for entry in self.releases if entry.predictions),
                "candidates": len(self.candidates),
            },
            "releases": [entry.to_value() for entry in self.releases],
            "candidates": list(self.candidates),
        }


def lineage(
    repo: Path,
    *,
    dataset: str | None = None,
    release: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    logs: Path | None = None,
    registry: Registry | None = None,
) -> LineageAnswer:
    """What was made from a dataset, or what a release is made of, and what came of it.

    Args:
        repo: The engagement.
        dataset: Digest of a snapshot or of its content, or the beginning of one (6 digits or more).
        release: MODEL/VERSION.
        since, until: Window of the predictions. Without dataset and release, the releases that were registered,
            live or answered in it.
        logs: Folder that holds prediction logs by model; by default the engagement's.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: A digest or release that is none, or a release that is not registered.
    """
    models = [surface.id for surface in read_manifest(repo).models()]
    wanted, named = _parsed(dataset, release, since, until)
    registry = registry or Registry.open(repo)
    with open_index(working_folder(repo), registry.tracking) as index:
        index.fill(registry, sorted({*models, *([named[0]] if named else [])}))
        found = _found(index, wanted, named)
        live = _lives(index.moves())
    answered = _answered(logs or working_folder(repo) / "predictions", since, until)
    window = (_shown(since), _shown(until))
    traced = [
        Traced(known, tuple(live.get((known.model, known.version), ())), answered.get((known.model, known.version)))
        for known in found
    ]
    if not wanted and not named:
        traced = [entry for entry in traced if _within(entry, *window)]
    asked = {"dataset": dataset, "release": release, "since": window[0], "until": window[1]}
    unpublished = _candidates(repo, wanted, found) if wanted else ()
    return LineageAnswer(asked, tuple(traced), tuple(unpublished))


def answered_at(prediction_id: str) -> str:
    """When a prediction was answered, by its id."""
    milliseconds = int(prediction_id[:8] + prediction_id[9:13], 16)
    return str(_shown(datetime.fromtimestamp(milliseconds / 1000, UTC)))


def _parsed(
    dataset: str | None, release: str | None, since: datetime | None, until: datetime | None
) -> tuple[str, tuple[str, int] | None]:
    """The digits of the dataset, and model and version of the release."""
    digits = DIGEST.fullmatch(dataset) if dataset is not None else None
    named = RELEASE.fullmatch(release) if release is not None else None
    faults = []
    if dataset is not None and digits is None:
        says = f"{dataset!r} is no digest; expected sha256: and 6 to 64 hexadecimal digits."
        faults.append(Fault("--dataset", says))
    if release is not None and named is None:
        faults.append(Fault("--release", f"{release!r} is not MODEL/VERSION."))
    if dataset is not None and release is not None:
        faults.append(Fault("--release", "cannot stand beside --dataset."))
    if since and until and until <= since:
        faults.append(Fault("--until", "is not after --since."))
    if faults:
        raise BadInput("The lineage of what?", faults)
    return digits[1] if digits else "", (named[1], int(named[2])) if named else None


def _found(index: LineageIndex, digits: str, named: tuple[str, int] | None) -> list[Known]:
    if digits:
        return index.that_used(digits)
    if named is None:
        return index.releases()
    found = index.releases("r.model = ? AND r.version = ?", *named)
    if not found:
        raise BadInput("No such version.", [Fault(f"{named[0]}/{named[1]}", "is not registered.")])
    return found


def _lives(moves: dict[tuple[str, str], list[Move]]) -> dict[tuple[str, int], list[Live]]:
    """The times during which aliases pointed to each version, by the log of decisions."""
    found: dict[tuple[str, int], list[Live]] = {}
    for (model, alias), trail in moves.items():
        for place, move in enumerate(trail):
            ended = trail[place + 1].at if place + 1 < len(trail) else None
            found.setdefault((model, move.version), []).append(Live(alias, move.at, ended, move.actor))
    return found


def _answered(logs: Path, since: datetime | None, until: datetime | None) -> Logged:
    folders = sorted(path for path in logs.glob("*") if path.is_dir())
    return {
        (folder.name, version): found
        for folder in folders
        for version, found in predictions.count(folder, since, until).items()
    }


def _within(entry: Traced, since: str | None, until: str | None) -> bool:
    """Whether a release was registered, live or asked in a window."""

    def overlaps(start: str, end: str | None) -> bool:
        return (until is None or start < until) and (since is None or end is None or end >= since)

    registered = overlaps(entry.known.created_at, entry.known.created_at)
    return registered or entry.predictions is not None or any(overlaps(time.since, time.until) for time in entry.live)


def _candidates(repo: Path, digits: str, found: Sequence[Known]) -> Iterator[str]:
    """Candidates in the working folder that used a dataset and that no release holds."""
    published = {known.candidate for known in found}
    for path in sorted((working_folder(repo) / "candidates").glob("*/run.json")):
        name = f"sha256:{path.parent.name}"
        if name not in published and _read(path, digits):
            yield name


def _read(path: Path, digits: str) -> bool:
    """Whether the run record of a candidate names a dataset."""
    try:
        inputs: Iterable[dict[str, str]] = json.loads(path.read_bytes())["inputs"]
        digests = [source[key] for source in inputs for key in ("snapshot", "content_digest")]
    except (ValueError, KeyError, TypeError, OSError):
        return False
    return any(digest.startswith(f"sha256:{digits}") for digest in digests)


def _shown(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
