"""Deploy: verify a release and load it for serving. Nothing is deserialised before everything is verified."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pandas as pd

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.environment import environment
from vendorkit.adapters.models import load_model
from vendorkit.adapters.pipeline import load_pipeline
from vendorkit.adapters.registry import Registry
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import now
from vendorkit.records.contract import Contract
from vendorkit.records.deployment import Deployment
from vendorkit.trust.approvals import usable
from vendorkit.trust.log import Log, decision_fault, read_log
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import find_version


@dataclass(frozen=True)
class Deployed:
    """A verified release, loaded.

    Args:
        contract: What callers may send.
        deployment: The record of this start.
        predict: Takes a DataFrame of features, gives scores row for row.
        folder: The verified files; kept while this value lives.
    """

    contract: Contract
    deployment: Deployment
    predict: Callable[[pd.DataFrame], Any]
    folder: tempfile.TemporaryDirectory[str]


def deploy(
    repo: Path, model: str, alias: str | None, version: int | None, *, registry: Registry | None = None
) -> Deployed:
    """Verify and load a release.

    Args:
        repo: The engagement, whose people and keys count.
        model: Id of the model.
        alias: Alias to serve; or
        version: The version to serve. It needs approval all the same.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: Files, records, approval or the alias do not match; every reason is named.
        BadInput: No such model, alias or version.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    registry = registry or Registry.open(repo / ".vendorkit" / "registry")
    log = read_log(registry.decisions(model), model)
    moves = []
    if version is None:
        version, move = _promoted(registry, log, authority, model, alias or "champion")
        moves = [move]
    found = find_version(registry, model, version)
    folder = tempfile.TemporaryDirectory(prefix="vendorkit-")
    files, approvals = usable(registry, found, Path(folder.name), authority, log)
    root = files.folder / "model"
    pipeline = load_pipeline(root / "code", files.run.code.module, needs=("predict",))
    loaded = load_model(root, files.run.model_format)
    deployment = Deployment(
        model=model,
        version=version,
        alias=alias if moves else None,
        release=files.release.digest,
        decisions=tuple([*(signed.decision.digest for signed in approvals), *moves]),
        environment=environment(repo).id,
        sdk_version=installed("vendorkit"),
        started_at=now(),
    )
    return Deployed(files.contract, deployment, lambda frame: pipeline.predict(loaded, frame), folder)


def _promoted(registry: Registry, log: Log, authority: Authority, model: str, alias: str) -> tuple[int, str]:
    """The version that an alias means by the log, where log and alias agree; and the digest of that decision."""
    known, last = registry.alias(model, alias), log.move(alias)
    if known is None and last is None:
        fix = f"Promote a release: `vendorkit promote {model}/VERSION --alias {alias}`."
        raise BadInput("There is nothing to serve.", [Fault(f"{model}@{alias}", "points nowhere.", fix)])
    if last is None or last.decision.version != known:
        recorded = (
            f"the last recorded move was to version {last.decision.version}"
            if last
            else "no move is recorded"
        )
        fix = f"Promote the right version with `vendorkit promote {model}/VERSION --alias {alias}`."
        says = f"points to version {known}, but {recorded}: it was moved past the rules, or a move was interrupted."
        raise Refused("The alias is not to be believed.", [Fault(f"{model}@{alias}", says)], fix=fix)
    why = decision_fault(last, authority)
    if why:
        fault = Fault(f"{last.decision.kind} by {last.decision.actor}", f"does not count: {why}.")
        raise Refused(f"{model}@{alias} was moved by nobody who may.", [fault])
    return last.decision.version, last.decision.digest
