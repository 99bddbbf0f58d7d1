"""Deploy: verify a release and load it for serving. Nothing is deserialised before everything is verified."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
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
from vendorkit.errors import BadInput, Fault
from vendorkit.records.base import now
from vendorkit.records.contract import Contract
from vendorkit.records.decision import Leave
from vendorkit.records.deployment import Deployment
from vendorkit.standards.policy import approval_rule, refuse_code
from vendorkit.trust.aliases import LIVE, move_to
from vendorkit.trust.approvals import unapproved, usable
from vendorkit.trust.endings import ending_of
from vendorkit.trust.log import Log, Signed, log_of, refuse_tampered
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
        leave: What was decided about its use before it was started.
        look: Gives what was decided by now, and by whom the engagement trusts by now.
    """

    contract: Contract
    deployment: Deployment
    predict: Callable[[pd.DataFrame], Any]
    folder: tempfile.TemporaryDirectory[str]
    leave: Leave
    look: Callable[[], Leave]


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
    authority = authority_of(repo, manifest, approval_rule(manifest))
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    refuse_tampered(log, model)
    move = _promoted(registry, log, authority, model, alias or LIVE) if version is None else None
    found = find_version(registry, model, move.decision.version if move else version or 0)
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="vendorkit-")
        stack.callback(folder.cleanup)
        files, approvals = usable(registry, found, Path(folder.name), authority, log, move=move)
        refuse_code(files.run.model_format, authority.tier, found.name)
        root = files.folder / "model"
        pipeline = load_pipeline(root / "code", files.run.code.module, needs=("predict",))
        loaded = load_model(root, files.run.model_format)
        stack.pop_all()  # it is served from now on, and needs its folder
    allowed_by = [*approvals, *([move] if move else [])]
    deployment = Deployment(
        model=model,
        version=found.number,
        alias=move.decision.alias if move else None,
        release=files.release.digest,
        decisions=tuple(signed.decision.digest for signed in allowed_by),
        environment=environment(repo).id,
        sdk_version=installed("vendorkit"),
        started_at=now(),
    )

    def look() -> Leave:
        present, newest = read_manifest(repo), log_of(registry, model)
        refuse_tampered(newest, model)
        trusted = authority_of(repo, present, approval_rule(present))
        held = ending_of(files.subject, newest, trusted)
        refused = tuple(str(fault) for fault in unapproved(files.subject, newest, trusted, move=move))
        return Leave(ending=held.ending if held else None, refused=refused)

    predict = lambda frame: pipeline.predict(loaded, frame)  # noqa: E731
    return Deployed(files.contract, deployment, predict, folder, look(), look)


def _promoted(registry: Registry, log: Log, authority: Authority, model: str, alias: str) -> Signed:
    """The move that put an alias where it is."""
    move = move_to(registry, log, authority, model, alias)
    if move is None:
        there = ", ".join(str(version.number) for version in registry.versions(model))
        if not there:
            fix = "See `vendorkit releases` for what is registered."
            raise BadInput("There is nothing to serve.", [Fault(model, "has no registered version.")], fix=fix)
        fault = Fault(f"{model}@{alias}", f"points nowhere; registered are: {there}.")
        fix = f"Promote the right version: `vendorkit promote {model}/VERSION --alias {alias}`."
        raise BadInput("There is nothing to serve.", [fault], fix=fix)
    return move
