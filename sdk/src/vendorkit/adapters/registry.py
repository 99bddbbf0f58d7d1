"""The model registry: MLflow, embedded (a SQLite file and a folder) or a server. The only file that imports it.

What lies in it for a model `credit`: the registered model `credit`, whose versions point to the files of a
release and carry its digests as tags; and the registered model `credit.decisions`, whose versions are the
signed decisions about `credit`, one each, in the order in which the database accepted them. Version numbers of
MLflow are given by one transaction, so that this log is the compare-and-set that MLflow's aliases lack.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vendorkit.errors import BadInput, Fault, Unavailable

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a registry entry is nobody else's business
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

TAG = "vendorkit."
_DECISION_TAG = "vendorkit.decision"
_TYPES = {
    "number": DataType.double,
    "integer": DataType.long,
    "string": DataType.string,
    "boolean": DataType.boolean,
}


@dataclass(frozen=True)
class Version:
    """One registered version of a model.

    Args:
        model: Name of the registered model.
        number: Version number.
        run_id: MLflow run that holds its files.
        tags: The `vendorkit.` tags without that beginning.
        aliases: Aliases that point to it.
        created_at: When it was registered, UTC.
    """

    model: str
    number: int
    run_id: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    created_at: str


def describe_model(
    folder: Path, fields: tuple[tuple[str, str, bool], ...], requirements: str, python: str, loader: str
) -> None:
    """Write MLflow's own description beside a stored model, so that MLflow can show and load it.

    Args:
        folder: The model folder; gets `MLmodel` and `requirements.txt`.
        fields: Name, type and whether it may be missing, of each feature, from the contract: never inferred.
        requirements: Pinned requirements from the lock.
        python: Python version.
        loader: Module with `_load_pyfunc(path)`.
    """
    columns = [ColSpec(_TYPES[kind], name, required=not nullable) for name, kind, nullable in fields]
    description = Model(signature=ModelSignature(inputs=Schema(columns)))
    description.add_flavor(
        "python_function", loader_module=loader, python_version=python, env="requirements.txt"
    )
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    description.save(str(folder / "MLmodel"))


class Registry:
    """One connection. Its errors are `Unavailable` with the registry's own words."""

    def __init__(self, tracking: str, registry: str, artifacts: str | None) -> None:
        self.tracking = tracking
        self._artifacts = artifacts
        with _talking(tracking):
            self._client = MlflowClient(tracking, registry)

    @classmethod
    def open(cls, folder: Path) -> Registry:
        """Connect as MLflow's own variables say, else to the embedded registry in a folder (made at first use)."""
        tracking = os.environ.get("MLFLOW_TRACKING_URI")
        if tracking:
            return cls(tracking, os.environ.get("MLFLOW_REGISTRY_URI", tracking), None)
        database = folder / "mlflow.db"
        if not database.exists():
            _make_database(database)
        if not os.access(database, os.W_OK) and not os.access(database, os.R_OK):
            raise Unavailable("The registry cannot be read.", [Fault(str(database), "permission denied.")])
        uri = f"sqlite:///{database}"
        return cls(uri, uri, (folder / "artifacts").as_uri())

    def publish(
        self,
        model: str,
        engagement: str,
        files: Path,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        metrics: Mapping[str, float],
    ) -> tuple[Version, bool]:
        """Register a release: files first, then one call that makes the version with all its tags.

        Publishing again the release of the same candidate, even after a kill at any point, gives the same version.

        Args:
            model: Registered model.
            engagement: Name of the MLflow experiment.
            files: Folder of the release's files.
            tags: Without the beginning `vendorkit.`; `candidate` and `release` are needed.
            params: Shown by MLflow on the run.
            metrics: Shown by MLflow on the run.

        Returns:
            The version and whether it is new.
        """
        known = self.find(model, tags["candidate"])
        if known:
            return known, False
        with _talking(self.tracking):
            run_id = self._run(engagement, model, tags["release"])
            self._client.log_artifacts(run_id, str(files))
            now = int(datetime.now(UTC).timestamp() * 1000)
            self._client.log_batch(
                run_id,
                metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
                params=[Param(name, value[:6000]) for name, value in params.items()],
                tags=[RunTag(f"{TAG}files", "complete")],
            )
            self._client.set_terminated(run_id)
            self._ensure_model(model)
            source = f"{self._client.get_run(run_id).info.artifact_uri}/model"
            made = self._client.create_model_version(
                model, source, run_id, tags={f"{TAG}{name}": value for name, value in tags.items()}
            )
            return self._only_one(model, tags["candidate"], int(made.version)), True

    def find(self, model: str, candidate: str) -> Version | None:
        """The version that holds a candidate, if it was published."""
        with _talking(self.tracking):
            found = self._search(model, f" and tags.`{TAG}candidate` = '{candidate}'")
            if not found:
                return None
            return _version(min(found, key=lambda entry: int(entry.version)), self._aliases(model))

    def versions(self, model: str) -> list[Version]:
        """All versions of a model, oldest first; empty where there is no such model."""
        with _talking(self.tracking):
            aliases = self._aliases(model)
            found = self._search(model, "")
        return sorted((_version(entry, aliases) for entry in found), key=lambda version: version.number)

    def models(self) -> list[str]:
        """Names of all models that were published by vendorkit."""
        with _talking(self.tracking):
            names = {entry.name for entry in _pages(self._client.search_registered_models)}
        return sorted(name for name in names if not name.endswith(".decisions"))

    def alias(self, model: str, alias: str) -> int | None:
        """The version that an alias points to."""
        with _talking(self.tracking):
            return self._aliases(model).get(alias)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias to a version."""
        with _talking(self.tracking):
            self._client.set_registered_model_alias(model, alias, str(version))

    def download(self, version: Version, folder: Path) -> Path:
        """Fetch the files of a release; gives the folder that they lie in."""
        folder.mkdir(parents=True, exist_ok=True)
        with _talking(self.tracking):
            root = self._client.get_run(version.run_id).info.artifact_uri
            target = mlflow.artifacts.download_artifacts(
                artifact_uri=root, dst_path=str(folder), tracking_uri=self.tracking
            )
        return Path(target)

    def decisions(self, model: str) -> list[str]:
        """The signed decisions about a model, as they were written, oldest first."""
        with _talking(self.tracking):
            found = self._search(f"{model}.decisions", "")
        ordered = sorted(found, key=lambda entry: int(entry.version))
        return [entry.tags.get(_DECISION_TAG, "") for entry in ordered]

    def append_decision(self, model: str, text: str, source: Version) -> int:
        """Add a decision to the log in one transaction; gives its place, counted from 1."""
        with _talking(self.tracking):
            log = f"{model}.decisions"
            self._ensure_model(
                log, "Signed decisions about releases, in order. Written by vendorkit; not a model."
            )
            uri = f"{self._client.get_run(source.run_id).info.artifact_uri}/model"
            made = self._client.create_model_version(log, uri, source.run_id, tags={_DECISION_TAG: text})
            return int(made.version)

    def _only_one(self, model: str, candidate: str, made: int) -> Version:
        """Of two publishes of one candidate at the same moment, the lower number stays."""
        kept = self.find(model, candidate)
        if kept is None:
            raise Unavailable(f"{model} {made} vanished from the registry while it was made.")
        if kept.number != made:
            self._client.delete_model_version(model, str(made))
        return kept

    def _search(self, model: str, more: str) -> list[Any]:
        return list(_pages(self._client.search_model_versions, filter_string=f"name = '{model}'{more}"))

    def _aliases(self, model: str) -> dict[str, int]:
        try:
            entry = self._client.get_registered_model(model)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {}
            raise
        return {alias: int(number) for alias, number in entry.aliases.items()}

    def _ensure_model(self, model: str, description: str | None = None) -> None:
        try:
            self._client.create_registered_model(model, description=description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _run(self, engagement: str, model: str, release: str) -> str:
        """The MLflow run of a release: the one that a killed publish left, else a new one."""
        experiment = self._experiment(engagement)
        found = self._client.search_runs([experiment], f"tags.`{TAG}release` = '{release}'", max_results=1)
        if found:
            return str(found[0].info.run_id)
        tags = {f"{TAG}release": release, f"{TAG}model": model}
        return str(self._client.create_run(experiment, tags=tags, run_name=model).info.run_id)

    def _experiment(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        if known:
            return str(known.experiment_id)
        try:
            place = f"{self._artifacts}/{name}" if self._artifacts else None
            return str(self._client.create_experiment(name, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._client.get_experiment_by_name(name).experiment_id)


def _pages(call: Any, **arguments: Any) -> Iterator[Any]:
    token = None
    while True:
        page = call(**arguments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _version(entry: Any, aliases: Mapping[str, int]) -> Version:
    number = int(entry.version)
    moment = datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC)
    return Version(
        model=entry.name,
        number=number,
        run_id=entry.run_id or "",
        tags={key.removeprefix(TAG): value for key, value in entry.tags.items() if key.startswith(TAG)},
        aliases=tuple(sorted(alias for alias, target in aliases.items() if target == number)),
        created_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


@contextmanager
def _talking(uri: str) -> Iterator[None]:
    """Turn whatever MLflow and what lies under it raise into `Unavailable`."""
    try:
        yield
    except MlflowException as error:
        says = str(error).splitlines()[0][:300]
        raise Unavailable(f"The registry at {_shown(uri)} refused.", [Fault("mlflow", says)]) from error
    except OSError as error:
        raise Unavailable(f"The registry at {_shown(uri)} failed.", [Fault("mlflow", str(error))]) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("sqlalchemy", "requests", "urllib3", "sqlite3"):
            raise
        says = str(error).splitlines()[0][:300]
        raise Unavailable(f"The registry at {_shown(uri)} failed.", [Fault("mlflow", says)]) from error


def _shown(uri: str) -> str:
    """A registry address without its password."""
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri


def _make_database(path: Path) -> None:
    """An empty embedded registry.

    MLflow makes one by 1,697 statements of migrations. It is made once for each version of MLflow on a machine
    and kept in the user's cache; every further one is a copy.
    """
    if path.parent.is_file():
        raise BadInput("There is no place for the registry.", [Fault(str(path.parent), "is a file.")])
    path.parent.mkdir(parents=True, exist_ok=True)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = base / "vendorkit" / f"mlflow-{mlflow.__version__}.db"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".making-")
    os.close(handle)
    making = Path(name)
    try:
        if not _usable(cached):
            _fill_cache(cached)
        shutil.copyfile(cached, making)
        path.hardlink_to(making)
    except OSError:
        # Another process was first, and its database stays; or there is no cache to write to, or no hard link
        # on this file system: then MLflow makes its own at first use.
        return
    finally:
        making.unlink()


def _fill_cache(cached: Path) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        fresh = Path(folder) / "mlflow.db"
        with _talking("the new embedded registry"):
            MlflowClient(f"sqlite:///{fresh}", f"sqlite:///{fresh}").search_experiments()
        fresh.replace(cached)


def _usable(path: Path) -> bool:
    """Whether a cached database is whole."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            healthy = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            return healthy and bool(connection.execute("SELECT 1 FROM alembic_version").fetchone())
    except sqlite3.Error:
        return False
