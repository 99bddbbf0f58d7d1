"""What a fleet remembers between calls: one SQLite file in its folder, and the lock that lets one update run at a time.

What it holds can be found out anew, but for the history of runs. Nothing secret is ever in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vendorkit.errors import Refused, Unavailable
from vendorkit.records.base import now

HOME = ".vendorkit"
FILE = "fleet.sqlite"
LAYOUT = 1
SCHEMA = """
CREATE TABLE seen (name PRIMARY KEY, key, facts) WITHOUT ROWID;
CREATE TABLE run (id INTEGER PRIMARY KEY, at, by, target, options, ended, why);
CREATE TABLE outcome (id INTEGER PRIMARY KEY, run INTEGER, name, at, status, target, branch, details);
CREATE INDEX outcome_by_name ON outcome (name, id);
CREATE INDEX outcome_by_run ON outcome (run, name);
CREATE TABLE request (name, branch, details, PRIMARY KEY (name, branch)) WITHOUT ROWID;
CREATE TABLE setting (name PRIMARY KEY, value) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Run:
    """One call of `fleet update`.

    Args:
        id: Its number.
        at: When it began.
        by: Who ran it.
        target: The version that was wanted.
        ended: When it ended; empty where it was killed or goes on.
        why: Why it stopped early; empty where it did not.
    """

    id: int
    at: str
    by: str
    target: str
    ended: str
    why: str


@dataclass(frozen=True)
class Known:
    """What is known of the request of a branch.

    Args:
        url: Its page; empty where there is no forge.
        state: `open`, `merged` or `closed`; for a plain remote `open` while the branch is there.
        checks: `green`, `red`, `running` or `none`.
        draft: Whether it must not be merged yet.
        mergeable: Whether it could be merged without conflicts; None where nobody knows.
        created: When it was opened.
        seen: When it was looked at.
        head: The commit at its branch's tip.
        notes: What was asked of the forge and could not be done.
    """

    url: str
    state: str
    checks: str
    draft: bool
    mergeable: bool | None
    created: str
    seen: str
    head: str
    notes: tuple[str, ...] = ()


class State:
    """The opened state of a fleet. `open_state` opens it."""

    def __init__(self, database: sqlite3.Connection, folder: Path) -> None:
        self._database = database
        self.folder = folder

    def seen(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Name to the key under which a repository was looked at, and what was found."""
        return {row[0]: (row[1], json.loads(row[2])) for row in self._all("SELECT name, key, facts FROM seen")}

    def remember(self, found: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Keep what was found: name, key, facts."""
        rows = [(name, key, json.dumps(facts, ensure_ascii=False)) for name, key, facts in found]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO seen VALUES (?,?,?)", rows)

    def begin(self, by: str, target: str, options: dict[str, Any]) -> int:
        """Begin a run, or go on with the last one where it was cut off with the same target and options."""
        said = json.dumps(options, sort_keys=True)
        last = self._all("SELECT id, target, options, ended FROM run ORDER BY id DESC LIMIT 1")
        if last and last[0][1:] == (target, said, None):
            return int(last[0][0])
        with self._database:
            values = (now(), by, target, said)
            added = self._database.execute("INSERT INTO run (at, by, target, options) VALUES (?,?,?,?)", values)
        return int(added.lastrowid or 0)

    def end(self, run: int, why: str) -> None:
        """A run came to its end; `why` tells why it stopped early, else it is empty."""
        with self._database:
            self._database.execute("UPDATE run SET ended = ?, why = ? WHERE id = ?", (now(), why, run))

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        rows = self._all("SELECT id, at, by, target, ended, why FROM run ORDER BY id")
        return [Run(row[0], row[1], row[2], row[3], row[4] or "", row[5] or "") for row in rows]

    def last_target(self) -> str:
        """The version that the newest update was to bring; resets do not count. Empty where none was named."""
        updates = "SELECT target FROM run WHERE json_extract(options, '$.reset') IS NULL"
        rows = self._all(f"{updates} ORDER BY id DESC LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def add_outcome(self, run: int, name: str, details: dict[str, Any], request: Known | None) -> None:
        """How one repository ended in a run, at once on disk."""
        head = (run, name, now(), details["status"], details["to"], details["branch"])
        with self._database:
            columns = "run, name, at, status, target, branch, details"
            values = (*head, json.dumps(details, ensure_ascii=False))
            self._database.execute(f"INSERT INTO outcome ({columns}) VALUES (?,?,?,?,?,?,?)", values)  # noqa: S608
            if request is not None:
                self._put_request(name, details["branch"], request)

    def outcomes(self, *, run: int | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """Outcomes, oldest first: of a run, of a repository, or all. Each has `name`, `at` and `run` besides."""
        where, values = "1", ()  # type: tuple[str, tuple[Any, ...]]
        if run is not None:
            where, values = "run = ?", (run,)
        elif name is not None:
            where, values = "name = ?", (name,)
        rows = self._all(f"SELECT run, name, at, details FROM outcome WHERE {where} ORDER BY id", values)  # noqa: S608
        return [{**json.loads(row[3]), "run": row[0], "name": row[1], "at": row[2]} for row in rows]

    def last_outcomes(self) -> dict[str, dict[str, Any]]:
        """Name to the newest outcome of an update; resets do not count."""
        newest = "SELECT max(id) FROM outcome WHERE json_extract(details, '$.reset') IS NULL GROUP BY name"
        rows = self._all(f"SELECT name, at, details FROM outcome WHERE id IN ({newest})")  # noqa: S608
        return {row[0]: {**json.loads(row[2]), "at": row[1]} for row in rows}

    def requests(self) -> dict[tuple[str, str], Known]:
        """Name and branch to what is known of the request."""
        return {(row[0], row[1]): _known(row[2]) for row in self._all("SELECT name, branch, details FROM request")}

    def remember_requests(self, found: Iterable[tuple[str, str, Known]]) -> None:
        """Keep what looks at requests gave: name, branch, request."""
        with self._database:
            for name, branch, request in found:
                self._put_request(name, branch, request)

    def _put_request(self, name: str, branch: str, request: Known) -> None:
        values = (name, branch, json.dumps(asdict(request)))
        self._database.execute("INSERT OR REPLACE INTO request VALUES (?,?,?)", values)

    def setting(self, name: str) -> str:
        """A switch of the fleet, for instance `paused`; empty where it is not set."""
        found = self._all("SELECT value FROM setting WHERE name = ?", (name,))
        return str(found[0][0]) if found else ""

    def set(self, name: str, value: str) -> None:
        """Set a switch; empty unsets it."""
        with self._database:
            if value:
                self._database.execute("INSERT OR REPLACE INTO setting VALUES (?,?)", (name, value))
            else:
                self._database.execute("DELETE FROM setting WHERE name = ?", (name,))

    def exported(self) -> dict[str, Any]:
        """Everything in it as plain JSON values."""
        return {
            "schema": "vendorkit/fleet-state/1",
            "repositories": {name: facts for name, (_, facts) in self.seen().items()},
            "runs": [asdict(run) for run in self.runs()],
            "outcomes": self.outcomes(),
            "requests": [
                {"name": name, "branch": branch, **asdict(known)} for (name, branch), known in self.requests().items()
            ],
            "paused": self.setting("paused"),
            "stopped": self.setting("stopped"),
        }

    def _all(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()


def _known(text: str) -> Known:
    value = json.loads(text)
    return Known(**{**value, "notes": tuple(value.get("notes", ()))})


def home_of(fleet: Path) -> Path:
    """The folder with the state and the copies of a fleet; git ignores it."""
    home = fleet / HOME
    home.mkdir(exist_ok=True)
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return home


@contextmanager
def open_state(fleet: Path) -> Iterator[State]:
    """Open the state of a fleet, made if it is not there.

    Args:
        fleet: The folder with `fleet.yaml`.

    Raises:
        Unavailable: The file cannot be used.
    """
    path = home_of(fleet) / FILE
    try:
        with closing(sqlite3.connect(path, timeout=60)) as database:
            _lay_out(database, path)
            yield State(database, path.parent)
    except sqlite3.Error as error:
        fix = f"Where it is damaged, move {path} away: all but the history of runs is found out anew."
        raise Unavailable(f"The state of the fleet cannot be used: {error}.", fix=fix) from error


def _lay_out(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    layout = database.execute("PRAGMA user_version").fetchone()[0]
    if layout == LAYOUT:
        return
    if layout > LAYOUT:
        raise Unavailable(f"{path} was written by a newer vendorkit.", fix="Install that version.")
    with database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
            return
        for statement in SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {LAYOUT}")


@contextmanager
def one_at_a_time(fleet: Path, what: str, *, shard: str = "") -> Iterator[None]:
    """Hold the fleet's lock; it falls when the process ends, however it ends.

    Args:
        fleet: The folder with `fleet.yaml`.
        what: What is being done, for whoever comes second.
        shard: Shards run beside each other, one process each; empty takes the whole fleet.

    Raises:
        Refused: Another process holds it; tells which.
    """
    home = home_of(fleet)
    with contextlib.ExitStack() as held:
        whole = held.enter_context(_locked(home / "fleet.lock", fcntl.LOCK_SH if shard else fcntl.LOCK_EX))
        mine = whole
        if shard:
            mine = held.enter_context(_locked(home / f"fleet-{shard.replace('/', '-of-')}.lock", fcntl.LOCK_EX))
        os.ftruncate(mine, 0)
        os.pwrite(mine, f"process {os.getpid()} since {now()}: {what}".encode(), 0)
        yield


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            held = os.pread(descriptor, 300, 0).decode(errors="replace") or "a shard of it"
            fix = "Wait until it ended. A process that died holds nothing."
            raise Refused(f"The fleet is being updated already: {held}.", fix=fix) from None
        yield descriptor
    finally:
        os.close(descriptor)
