"""The index of lineage: what the registry says about every release, in one SQLite file that answers at once.

It lies in `.vendorkit/lineage.sqlite`, is filled with what is new in the registry whenever it is asked, and can be
deleted at any time. It holds what tags and decisions say: claims, which `trace` verifies for one release.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vendorkit.errors import Unavailable

FILE = "lineage.sqlite"
LAYOUT = 1
"""Number of the tables' layout; a file of another one is made anew."""
SCHEMA = """
CREATE TABLE release (registry, model, version INTEGER, release, candidate, gate_report, author, commit_id,
    environment, created_at, PRIMARY KEY (registry, model, version)) WITHOUT ROWID;
CREATE TABLE used (registry, model, version INTEGER, dataset, content, snapshot);
CREATE INDEX used_by_content ON used (registry, content);
CREATE INDEX used_by_snapshot ON used (registry, snapshot);
CREATE INDEX used_by_release ON used (registry, model, version);
CREATE TABLE decision (registry, model, place INTEGER, kind, version INTEGER, alias, actor, at,
    PRIMARY KEY (registry, model, place)) WITHOUT ROWID;
CREATE INDEX decision_by_alias ON decision (registry, model, alias, place);
"""
RELEASES = """
SELECT r.model, r.version, r.release, r.candidate, r.gate_report, r.author, r.commit_id, r.environment, r.created_at,
    u.dataset, u.content, u.snapshot
FROM release r LEFT JOIN used u USING (registry, model, version) WHERE r.registry = ?
"""


class _Entry(Protocol):
    """A registered version as the registry gives it."""

    @property
    def model(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def created_at(self) -> str: ...


class Source(Protocol):
    """What the index is filled from: the registry."""

    @property
    def tracking(self) -> str: ...
    def versions(self, model: str, *, after: int = 0) -> list[Any]: ...
    def decisions(self, model: str, *, after: int = 0) -> list[tuple[int, str]]: ...


@dataclass(frozen=True)
class Use:
    """A dataset that a release was made from; `snapshot` is empty in old releases."""

    dataset: str
    content_digest: str
    snapshot: str


@dataclass(frozen=True)
class Known:
    """A release as the registry's tags tell of it."""

    model: str
    version: int
    release: str
    candidate: str
    gate_report: str
    author: str
    commit: str
    environment: str
    created_at: str
    datasets: tuple[Use, ...]


_Facts = tuple[str, int, str, str, str, str, str, str, str]
"""What `Known` holds besides the datasets."""


@dataclass(frozen=True)
class Move:
    """An alias that was pointed to a version."""

    model: str
    alias: str
    version: int
    kind: str
    actor: str
    at: str


class LineageIndex:
    """The index of one engagement. `open_index` opens it."""

    def __init__(self, database: sqlite3.Connection, registry: str) -> None:
        self._database = database
        self._registry = registry

    def fill(self, source: Source, models: Iterable[str]) -> None:
        """Take over what is new in the registry; all of a model where its last known version is another one now."""
        for model in models:
            last = self._last("release", "version", model)
            new = source.versions(model, after=max(last - 1, 0))
            if last and not (new and new[0].number == last and new[0].tags.get("release", "") == self._release(model)):
                self._forget(model)
                new = source.versions(model)
            with self._database:
                for entry in new:
                    self._add(entry)
            decisions = source.decisions(model, after=self._last("decision", "place", model))
            with self._database:
                rows = [row for place, text in decisions for row in self._decision_rows(model, place, text)]
                self._database.executemany("INSERT OR REPLACE INTO decision VALUES (?,?,?,?,?,?,?,?)", rows)

    def releases(self, where: str = "1", *values: object) -> list[Known]:
        """Releases by model and version; `where` is a condition on the table `release`."""
        query = f"{RELEASES} AND {where} ORDER BY r.model, r.version"
        found: dict[tuple[str, int], tuple[_Facts, list[Use]]] = {}
        for row in self._database.execute(query, (self._registry, *values)):
            uses = found.setdefault((row[0], row[1]), (row[:9], []))[1]
            if row[9] is not None:
                uses.append(Use(*row[9:]))
        return [Known(*facts, tuple(uses)) for facts, uses in found.values()]

    def that_used(self, digest: str) -> list[Known]:
        """Releases made from a dataset, by its content digest, its snapshot's digest, or the beginning of one."""
        low, high = f"sha256:{digest}", f"sha256:{digest}g"  # g comes after the hexadecimal digits
        either = " UNION ".join(
            f"SELECT model, version FROM used WHERE registry = ? AND {column} >= ? AND {column} < ?"  # noqa: S608
            for column in ("content", "snapshot")
        )
        return self.releases(f"(r.model, r.version) IN ({either})", *(self._registry, low, high) * 2)

    def moves(self) -> dict[tuple[str, str], list[Move]]:
        """All moves of all aliases by model and alias, oldest first."""
        query = (
            "SELECT model, alias, version, kind, actor, at FROM decision WHERE registry = ? AND alias IS NOT NULL "
            "ORDER BY model, alias, place"
        )
        found: dict[tuple[str, str], list[Move]] = {}
        for row in self._database.execute(query, (self._registry,)):
            found.setdefault((row[0], row[1]), []).append(Move(*row))
        return found

    def _last(self, table: str, column: str, model: str) -> int:
        query = f"SELECT max({column}) FROM {table} WHERE registry = ? AND model = ?"  # noqa: S608  (names are ours)
        return self._database.execute(query, (self._registry, model)).fetchone()[0] or 0

    def _release(self, model: str) -> str:
        query = "SELECT release FROM release WHERE registry = ? AND model = ? ORDER BY version DESC LIMIT 1"
        return str(self._database.execute(query, (self._registry, model)).fetchone()[0])

    def _forget(self, model: str) -> None:
        with self._database:
            for table in ("release", "used", "decision"):
                query = f"DELETE FROM {table} WHERE registry = ? AND model = ?"  # noqa: S608  (names are ours)
                self._database.execute(query, (self._registry, model))

    def _add(self, entry: _Entry) -> None:
        tags, key = entry.tags, (self._registry, entry.model, entry.number)
        names = ("release", "candidate", "gate_report", "author", "commit", "environment")
        facts = (*key, *(tags.get(name, "") for name in names), entry.created_at)
        self._database.execute("DELETE FROM used WHERE registry = ? AND model = ? AND version = ?", key)
        self._database.execute("INSERT OR REPLACE INTO release VALUES (?,?,?,?,?,?,?,?,?,?)", facts)
        uses = [part.split() for part in tags.get("datasets", "").split(", ") if part.strip()]
        snapshots = tags.get("snapshots", "").split()
        rows = [
            (*key, use[0], use[-1], snapshots[place] if place < len(snapshots) else "")
            for place, use in enumerate(uses)
        ]
        self._database.executemany("INSERT INTO used VALUES (?,?,?,?,?,?)", rows)

    def _decision_rows(self, model: str, place: int, text: str) -> Iterator[tuple[Any, ...]]:
        """The row of an entry of the log; none where it is no decision, which `trace` complains of."""
        try:
            decision = json.loads(text)["decision"]
            version, *words = (decision[name] for name in ("version", "kind", "alias", "actor", "at"))
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        # What SQLite would refuse must not end every filling from here on.
        if isinstance(version, int) and abs(version) < 2**63 and all(_is_word(word) for word in words):
            yield (self._registry, model, place, words[0], version, *words[1:])


def _is_word(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.isascii())


@contextmanager
def open_index(folder: Path, registry: str) -> Iterator[LineageIndex]:
    """Open the index in a folder, made if it is not there or is of another layout.

    Args:
        folder: `.vendorkit` of the engagement.
        registry: Address of the registry; several may share one file.

    Raises:
        Unavailable: The file cannot be written or is no database.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database:
            _lay_out(database)
            yield LineageIndex(database, registry)
    except sqlite3.Error as error:
        fix = f"Delete {path}; it is made anew from the registry."
        raise Unavailable(f"The index of lineage cannot be used: {error}.", fix=fix) from error


def _lay_out(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA synchronous = OFF")  # it can be made anew
    if database.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
        return
    with database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
            return
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            database.execute(f'DROP TABLE "{name}"')
        for statement in SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {LAYOUT}")
