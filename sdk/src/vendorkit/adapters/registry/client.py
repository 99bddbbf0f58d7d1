"""One connection to the registry: versions, aliases and the log of decisions, as they lie in MLflow."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from vendorkit.adapters.registry.connection import insist, own_words, shown, talking
from vendorkit.adapters.registry.embedded import EMBEDDED, embedded
from vendorkit.adapters.registry.turns import Turns
from vendorkit.errors import BadInput, Fault, Refused, Unavailable

TAG = "vendorkit."
_DECISION_TAG = f"{TAG}decision"
_WANTED_TAG = "vendorkit-number"
"""The number that an imported version must have; one with another number is on its way out, and never shown."""
_MODEL_FOLDER = "/model"
_LARGEST_NUMBER = 2**31 - 1
"""Of MLflow's column for versions; databases refuse to look for more."""


@dataclass(frozen=True)
class Version:
    """One registered version of a model. Whatever stands here is a claim until the release is verified.

    Args:
        model: Name of the registered model.
        number: Version number.
        run_id: MLflow run that shows it.
        place: URI of the folder that holds its files.
        tags: The `vendorkit.` tags without that beginning.
        created_at: When it was registered, UTC.
    """

    model: str
    number: int
    run_id: str
    place: str
    tags: Mapping[str, str]
    created_at: str

    @property
    def name(self) -> str:
        """`credit/3`."""
        return f"{self.model}/{self.number}"


class Registry:
    """One connection. What fails in it is `Unavailable`, with the registry's own words and without passwords."""

    def __init__(self, tracking: str, registry: str, folder: Path | None = None) -> None:
        self.tracking = tracking
        self._artifacts = (folder / "artifacts").as_uri() if folder else None
        self._embedded = folder is not None and registry == tracking
        with talking(self.tracking):
            self._client = MlflowClient(tracking, registry)
        self._turns = Turns(self._client, folder if self._embedded else None)

    @classmethod
    def open(cls, repo: Path) -> Registry:
        """Connect as MLflow's own variables say, else to the embedded registry of an engagement (made at first use)."""
        tracking = os.environ.get("MLFLOW_TRACKING_URI")
        if tracking:
            return cls(tracking, os.environ.get("MLFLOW_REGISTRY_URI") or tracking)
        folder = repo / EMBEDDED
        uri = embedded(folder)
        return cls(uri, os.environ.get("MLFLOW_REGISTRY_URI") or uri, folder)

    def publish(
        self,
        model: str,
        engagement: str,
        files: Path,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        metrics: Mapping[str, float],
        *,
        begun: bool,
        number: int | None = None,
    ) -> tuple[Version, bool]:
        """Register a release: files first, then one call that makes the version with all its tags.

        Whoever publishes looks with `find` first, and to an embedded registry holds the engagement's `Store.alone`
        while doing both. On a server two may publish one candidate at the same moment: one version stays. After a
        kill at any point, the same release is completed.

        Args:
            model: Registered model.
            engagement: Name of the MLflow experiment.
            files: Folder of the release's files.
            tags: Without the beginning `vendorkit.`; `candidate` and `release` are needed.
            params, metrics: Shown by MLflow on the run.
            begun: Whether an earlier publish of this very release may have been killed midway.
            number: The number that the version must have; numbers below are left out. Its files are then moved, not
                linked or copied, where that can be done.

        Returns:
            The version and whether it is new.

        Raises:
            Refused: The number was given to another version before.
        """
        with talking(self.tracking):
            run_id, place = self._run(engagement, model, tags["release"], begun=begun)
            if not settle_files(files, place, move=number is not None):
                get_artifact_repository(place, tracking_uri=self.tracking).log_artifacts(str(files))
            now = int(datetime.now(UTC).timestamp() * 1000)
            values = [Metric(name, value, now, 0) for name, value in metrics.items()]
            shown = [Param(_param_name(name), value[:6000]) for name, value in params.items()]
            insist(self._client.log_batch, run_id, values, shown)
            insist(self._client.set_terminated, run_id)
            own = {f"{TAG}{name}": value for name, value in tags.items()}
            made = self._create_numbered(model, place + _MODEL_FOLDER, run_id, own, number)
            if self._embedded and number in (None, made.number):  # who holds `Store.alone` was alone
                return made, True
            kept = self.find(model, tags["candidate"])
            if kept and kept.number != made.number and number is None:
                insist(self._client.delete_model_version, model, str(made.number))
        if not kept and number and made.number > number:
            raise taken(model, number)
        if not kept:
            raise Unavailable(f"{made.name} vanished from the registry while it was made.")
        return kept, kept.number == made.number

    def find(self, model: str, candidate: str) -> Version | None:
        """The version that holds a candidate, if it was published."""
        with talking(self.tracking):
            found = self._search(model, f" and tags.`{TAG}candidate` = '{candidate}'")
        return min(found, key=lambda version: version.number, default=None)

    def versions(self, model: str, *, after: int = 0) -> list[Version]:
        """All versions of a model after a number, oldest first; empty where there is no such model."""
        with talking(self.tracking):
            return sorted(self._search(model, _above(after)), key=lambda version: version.number)

    def version(self, model: str, number: int) -> Version | None:
        """One version, without looking at the others; None where it is not registered."""
        if number > _LARGEST_NUMBER:
            return None
        with talking(self.tracking):
            return next(iter(self._search(model, f" and version_number = {number}")), None)

    def aliases(self, model: str) -> dict[str, int]:
        """Where the aliases of a model point to; empty where there is no such model."""
        with talking(self.tracking):
            try:
                found = self._client.get_registered_model(model).aliases
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                found = {}
        return {alias: int(number) for alias, number in found.items()}

    def alias(self, model: str, alias: str) -> int | None:
        """The version that one alias points to."""
        return self.aliases(model).get(alias)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias to a version."""
        with talking(self.tracking):
            insist(self._client.set_registered_model_alias, model, alias, str(version))

    def download(self, version: Version, folder: Path, parts: Sequence[str] = ("",)) -> Path:
        """Fetch the files of a release; gives the folder that they lie in.

        Args:
            version: The release.
            folder: Where to put them.
            parts: Files and folders of the release, for instance `records`; by default all of it.

        Raises:
            BadInput: Files are gone, or lie elsewhere by a link.
            Unavailable: The store of files does not answer.
        """
        folder.mkdir(parents=True, exist_ok=True)
        says = f"has no files at {shown(version.place)}."
        with talking(self.tracking):
            try:
                store = get_artifact_repository(version.place, tracking_uri=self.tracking)
                if store.list_artifacts():
                    fetched = [store.download_artifacts(part, str(folder)) for part in parts]
                    return Path(fetched[0]) if parts == ("",) else folder
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
                says = own_words(error)
        raise BadInput("The files are not there.", [Fault(version.name, says)])

    def folder(self, version: Version) -> Path | None:
        """The folder that holds the files of a release, where it lies on this machine."""
        address = urlsplit(version.place)
        if address.scheme != "file" or address.netloc not in ("", "localhost"):
            return None
        place = Path(unquote(address.path))
        return place if place.is_dir() else None

    def drop_model(self, version: Version, bundle: str) -> None:
        """Say in a version's tags which bundle holds it, then remove the files of its model. May be done again."""
        with talking(self.tracking):
            tag = f"{TAG}archived"
            insist(self._client.set_model_version_tag, version.model, str(version.number), tag, bundle)
            store = get_artifact_repository(version.place, tracking_uri=self.tracking)
            store.delete_artifacts(_MODEL_FOLDER.removeprefix("/"))

    def restore_model(self, version: Version, folder: Path) -> None:
        """Put the files of a model back, then take away what its version says of a bundle. May be done again."""
        with talking(self.tracking):
            store = get_artifact_repository(version.place, tracking_uri=self.tracking)
            store.log_artifacts(str(folder), _MODEL_FOLDER.removeprefix("/"))
            insist(self._client.delete_model_version_tag, version.model, str(version.number), f"{TAG}archived")

    def fetch(self, address: str, folder: Path) -> Path:
        """Fetch the files at `models:/NAME/VERSION` or `runs:/ID/PATH`; gives the folder that they lie in.

        Raises:
            BadInput: There is nothing at that address.
            Unavailable: The registry or the store of files does not answer.
        """
        folder.mkdir(parents=True, exist_ok=True)
        kind, _, name = address.partition(":/")
        first, _, rest = name.partition("/")
        with talking(self.tracking):
            try:
                if kind == "models":
                    place = self._client.get_model_version_download_uri(first, rest)
                else:
                    place = "/".join(filter(None, [self._client.get_run(first).info.artifact_uri, rest]))
                store = get_artifact_repository(place, tracking_uri=self.tracking)
                return Path(store.download_artifacts("", str(folder)))
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
                raise BadInput("There is nothing to import.", [Fault(address, own_words(error))]) from error

    def decisions(self, model: str, *, after: int = 0) -> list[tuple[int, str]]:
        """The signed decisions about a model as they were written: place, counted from 1, and text; oldest first.

        Args:
            model: Id of the model.
            after: Only those at a later place.
        """
        with talking(self.tracking):
            found = self._search(f"{model}.decisions", _above(after))
        return sorted((entry.number, entry.tags.get("decision", "")) for entry in found)

    def append_decision(self, model: str, text: str, source: Version) -> None:
        """Add a decision to the log in one transaction.

        The text may be added twice where the answer of the first time was lost: the log counts it once.
        """
        with talking(self.tracking):
            place, tags = source.place + _MODEL_FOLDER, {_DECISION_TAG: text}
            self._create_version(f"{model}.decisions", place, source.run_id or None, tags)

    def turn(self, model: str, *, lease: bool = False) -> AbstractContextManager[None]:
        """A turn at the log of a model, as `Turns.one`."""
        return self._turns.one(model, lease=lease)

    def _create_numbered(
        self, model: str, source: str, run_id: str, tags: dict[str, str], number: int | None
    ) -> Version:
        """Make a version that has a number; what MLflow gives below is deleted, and never seen even after a kill."""
        if number is None:
            return self._create_version(model, source, run_id, tags)
        while True:
            made = self._create_version(model, source, run_id, {**tags, _WANTED_TAG: str(number)})
            if made.number == number:
                return made
            insist(self._client.delete_model_version, model, str(made.number))
            if made.number > number:
                return made

    def _create_version(self, model: str, source: str, run_id: str | None, tags: dict[str, str]) -> Version:
        """One call that makes a version with all its tags."""
        arguments = (self._client.create_model_version, model, source, run_id, tags)
        try:
            made = insist(*arguments, await_creation_for=0)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._create_model(model)
            made = insist(*arguments, await_creation_for=0)
        return self._version(made)

    def _create_model(self, model: str) -> None:
        try:
            insist(self._client.create_registered_model, model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _search(self, model: str, more: str = "") -> list[Version]:
        if "'" in model:
            return []  # no id has one, and MLflow's filters cannot quote it
        found, token = [], None
        while True:
            page = self._client.search_model_versions(f"name = '{model}'{more}", page_token=token)
            found += [
                self._version(entry) for entry in page if entry.tags.get(_WANTED_TAG) in (None, str(entry.version))
            ]
            token = page.token
            if not token:
                return found

    def _version(self, entry: Any) -> Version:
        moment = datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC)
        place = (entry.source or "").removesuffix(_MODEL_FOLDER)
        if self._artifacts:  # the engagement's folder may have been moved since
            place = "/".join([self._artifacts, *place.split("/")[-3:]])
        return Version(
            model=entry.name,
            number=int(entry.version),
            run_id=entry.run_id or "",
            place=place,
            tags={key.removeprefix(TAG): value for key, value in entry.tags.items() if key.startswith(TAG)},
            created_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )

    def _run(self, engagement: str, model: str, release: str, *, begun: bool) -> tuple[str, str]:
        """The MLflow run of a release (maybe one that a killed publish left), and where its files belong."""
        experiment = self._experiment(engagement)
        query = f"tags.`{TAG}release` = '{release}'"
        found = self._client.search_runs([experiment], query, max_results=1) if begun else []
        tags = {f"{TAG}release": release, f"{TAG}model": model}
        run = found[0] if found else insist(self._client.create_run, experiment, tags=tags, run_name=model)
        place = f"{self._artifacts}/{engagement}/{run.info.run_id}/artifacts" if self._artifacts else None
        return str(run.info.run_id), place or str(run.info.artifact_uri)

    def _experiment(self, name: str) -> str:
        place = f"{self._artifacts}/{name}" if self._artifacts else None
        try:
            known = self._client.get_experiment_by_name(name)
            return str(known.experiment_id if known else insist(self._client.create_experiment, name, place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._client.get_experiment_by_name(name).experiment_id)


def taken(model: str, number: int) -> Refused:
    """The refusal to give a number twice."""
    says = "was given before: version numbers are never given twice."
    return Refused("The version cannot keep its number.", [Fault(f"{model}/{number}", says)])


def settle_files(files: Path, place: str, *, move: bool) -> bool:
    """Move a folder to where it belongs, or link its files there; False where that cannot be done there.

    What a killed attempt left there is replaced.
    """
    address = urlsplit(place)
    if address.scheme != "file" or address.netloc not in ("", "localhost"):
        return False
    target = Path(unquote(address.path))
    target.parent.mkdir(parents=True, exist_ok=True)
    if files.stat().st_dev != target.parent.stat().st_dev:
        return False
    if target.exists():
        shutil.rmtree(target)
    if move:
        files.rename(target)
        return True
    try:
        shutil.copytree(files, target, copy_function=os.link)
    except OSError:  # a file system without links
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True


def _above(number: int) -> str:
    return f" and version_number > {number}" if number else ""


def _param_name(name: str) -> str:
    """A name that MLflow accepts for a parameter."""
    return re.sub(r"[^\w\-. /:]", "_", name, flags=re.ASCII)[:250]
