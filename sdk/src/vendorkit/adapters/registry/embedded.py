"""The embedded registry of an engagement: a SQLite database beside a folder, made at first use."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from vendorkit.adapters.registry.connection import talking
from vendorkit.errors import BadInput, Fault

EMBEDDED = ".vendorkit/registry"
"""Folder of the embedded registry in an engagement."""


def embedded(folder: Path) -> str:
    """The address of the embedded registry in a folder; its database is made where there is none.

    Raises:
        BadInput: MLflow cannot read the path, or there is a link: somebody may have committed it, to have us read or
            write elsewhere.
        Unavailable: It cannot be made.
    """
    links = [path for path in (folder.parent, folder, *folder.glob("*")) if path.is_symlink()]
    if links:
        raise BadInput(
            "The registry cannot lie here.", [Fault(str(path), "is a link.", "Remove it.") for path in links]
        )
    if set("%?") & set(str(folder)):
        raise BadInput("The registry cannot lie here.", [Fault(str(folder), "MLflow cannot read a path with % or ?.")])
    database = folder / "mlflow.db"
    with talking(f"sqlite:///{database}"):
        if not database.exists():
            _make_database(database)
        database.open("rb").close()
    return f"sqlite:///{database}"


def _make_database(path: Path) -> None:
    """An empty embedded registry; one process makes it, others wait.

    MLflow makes one by 1,697 statements of migrations. It is made once for each version of MLflow on a machine
    and kept in the user's cache; every further one is a copy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".making").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as folder:
            fresh = Path(folder) / path.name
            _copy_of_empty(fresh)
            fresh.rename(path)


def _copy_of_empty(fresh: Path) -> None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = base / "vendorkit" / f"mlflow-{mlflow.__version__}.db"
    if _usable(cached):
        shutil.copyfile(cached, fresh)
        return
    MlflowClient(f"sqlite:///{fresh}", f"sqlite:///{fresh}").search_experiments()
    with suppress(OSError):  # no cache to write to: the next registry is made the long way too
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            shutil.copyfile(fresh, Path(folder) / cached.name).replace(cached)


def _usable(path: Path) -> bool:
    """Whether a cached database is whole."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            healthy = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            return healthy and bool(connection.execute("SELECT 1 FROM alembic_version").fetchone())
    except sqlite3.Error:
        return False
