"""The embedded registry of an engagement from below: its SQLite file and its folder, to look at or to break."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from mlflow.store.db import utils
from sqlalchemy import event
from vendorkit.adapters.registry import EMBEDDED, Registry
from vendorkit.adapters.store import list_files
from vendorkit.trust.log import Log, log_of

from tests.support.world import World


def remember_schema() -> None:
    """Let MLflow look once for the newest of its migrations. It reads them all for each database that is opened."""
    utils._get_latest_schema_revision = functools.cache(utils._get_latest_schema_revision)


def registry_of(world: World) -> Registry:
    """A connection to the registry of an engagement."""
    return Registry.open(world.repo)


def read(world: World, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the embedded database."""
    with closing(sqlite3.connect(world.repo / EMBEDDED / "mlflow.db")) as database:
        return database.execute(query, values).fetchall()


def write(world: World, statement: str, *values: Any) -> None:
    """Change the embedded database behind everybody's back."""
    with closing(sqlite3.connect(world.repo / EMBEDDED / "mlflow.db")) as database:
        database.execute(statement, values)
        database.commit()


def files_of(world: World, version: int = 1) -> Path:
    """The folder of a release's files in the embedded registry."""
    found = next(entry for entry in registry_of(world).versions("credit") if entry.number == version)
    return world.repo / EMBEDDED / Path(*Path(found.place).parts[-4:])


def state(world: World) -> tuple[Any, ...]:
    """What is registered and which files are kept: equal before and after something that must not change it."""
    tables = ("model_versions", "model_version_tags", "registered_models", "registered_model_aliases", "runs")
    return (
        *(read(world, f"SELECT * FROM {table}") for table in tables),
        list_files(world.repo / EMBEDDED / "artifacts"),
    )


def log(world: World) -> Log:
    """The log of decisions about credit."""
    return log_of(registry_of(world), "credit")


def decision_text(world: World, place: int) -> str:
    """An entry of the log as it is kept."""
    query = "SELECT value FROM model_version_tags WHERE name = 'credit.decisions' AND version = ?"
    return str(read(world, query, place)[0][0])


def rewrite_decision(world: World, place: int, **changes: Any) -> None:
    """Change fields of a decision in the log and leave its signature."""
    value = json.loads(decision_text(world, place))
    value["decision"].update(changes)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    statement = "UPDATE model_version_tags SET value = ? WHERE name = 'credit.decisions' AND version = ?"
    write(world, statement, text, place)


def flip(path: Path, at: int | None = None) -> None:
    """Change one byte of a file, the one in the middle if none is named; done twice, it is as it was."""
    data = bytearray(path.read_bytes())
    if len(data) < 2:
        path.write_bytes(b"" if data else b"x")
        return
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the SQL statements (by verb and table) and the commits of this process."""
    seen: Counter[str] = Counter()

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        words = text.split()
        seen["statements"] += 1
        seen[f"{words[0]} {words[2] if words[0] == 'INSERT' else words[1]}"] += 1

    def commit(_connection: Any) -> None:
        seen["commits"] += 1

    event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", statement)
    event.listen(sqlalchemy.engine.Engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(sqlalchemy.engine.Engine, "before_cursor_execute", statement)
        event.remove(sqlalchemy.engine.Engine, "commit", commit)
