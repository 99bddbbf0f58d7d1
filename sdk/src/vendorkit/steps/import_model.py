"""Import a model that was made without vendorkit: it becomes a candidate that names what nobody told yet.

Nothing is loaded or run here. The gates and publishing refuse the candidate until its description is complete.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from vendorkit.adapters.bundle import copy_hashed, list_regular, read_small
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.mlmodel import describe_mlmodel, find_mlmodel
from vendorkit.adapters.models import FORMATS, stored_as
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import Candidate, Store, list_files, read_record
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.canonical import digest_json
from vendorkit.records.description import DESCRIPTION_FILE, ModelDescription
from vendorkit.records.features import FeatureSet
from vendorkit.records.manifest import Manifest
from vendorkit.records.run import Artifact, Code, Environment, Input, Label, ModelFormat, Person, Run
from vendorkit.records.snapshot import Snapshot
from vendorkit.standards.policy import code_formats, refuse_code

STAGE = "import"
MODULE = "imported"
UNKNOWN_TIME = "1970-01-01T00:00:00Z"
MOST_CODE_BYTES = 1_000_000
ADDRESSES = ("models:/", "runs:/")


@dataclass(frozen=True)
class _Arrived:
    """What was handed over: the files by path, what is said of them, and where paths in it start."""

    found: dict[str, Path]
    description: ModelDescription
    root: PurePosixPath


def import_model(
    repo: Path, source: str, model: str | None = None, describe: Path | None = None, *, registry: Registry | None = None
) -> Candidate:
    """Take a model from elsewhere as a candidate. The same model with the same description is the same candidate.

    Args:
        repo: The engagement.
        source: A folder: of a model or run of MLflow, or with a model file and its `vendorkit-model.json`. Or the
            address of a registered version or run, `models:/NAME/VERSION` or `runs:/ID/PATH`.
        model: Id of the model surface; needed where the engagement has several.
        describe: A description that adds to the one of the folder.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No model, or a description that is not valid or says other than what is there: all is named.
        Refused: The model is stored in a format that carries code, or a digest differs.
    """
    manifest = read_manifest(repo)
    surface = manifest.model(model).id
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        root = Path(source)
        if source.startswith(ADDRESSES):
            root = (registry or Registry.open(repo)).fetch(source, Path(folder) / "fetched")
        arrived = _arrived(root, describe, code_formats(manifest))
        stored_so = ModelFormat(name=arrived.description.format or "", types=())
        refuse_code(stored_so, manifest.engagement.risk_tier, arrived.description.file or "")
        inputs, snapshots, label = _inputs(repo, manifest, surface, arrived.description)
        model_folder = Path(folder) / "model"
        stored = _take_model(arrived, model_folder)
        module = _take_code(arrived, stored, model_folder / "code")
        files = list_files(model_folder)
        features = FeatureSet(model=surface, features=arrived.description.features, definition=_digest_of_code(files))
        run = _run(manifest, surface, arrived.description, features, stored, files)
        code = run.code.model_copy(update={"module": module, "files": _code_files(files)})
        run = run.model_copy(update={"inputs": inputs, "label": label, "code": code})
        return Store(repo).add_candidate(run, features, snapshots, model_folder)


def _arrived(root: Path, describe: Path | None, allowed: Sequence[str]) -> _Arrived:
    """Look at a folder and read what is said of the model in it."""
    if not root.is_dir():
        raise BadInput("There is nothing to import.", [Fault(str(root), "is no folder.")])
    found = list_regular(root)
    place = find_mlmodel(found)
    description = ModelDescription()
    if place is not None:
        description = describe_mlmodel(place, found, read_small, allowed)
    elif DESCRIPTION_FILE not in found and describe is None:
        says = f"holds neither {DESCRIPTION_FILE} nor MLmodel nor what `vendorkit export` writes."
        raise BadInput("There is nothing to import.", [Fault(str(root), says)])
    for path in (found.get(DESCRIPTION_FILE), describe):
        if path is not None:
            description = description.and_also(ModelDescription.parse(read_small(path, path.name), path.name))
    missing = [name for name in ("format", "file") if getattr(description, name) is None]
    if missing:
        raise BadInput("The description is not complete.", [Fault(name, "is missing.") for name in missing])
    return _Arrived(found, description, place or PurePosixPath("."))


def _inputs(
    repo: Path, manifest: Manifest, surface: str, description: ModelDescription
) -> tuple[tuple[Input, ...], tuple[Snapshot, ...], Label | None]:
    """The datasets that a description names, as they are frozen here."""
    faults, inputs, snapshots, label = [], [], [], None
    for named in description.inputs:
        where = f"inputs: {named.dataset}"
        if named.dataset not in manifest.surface(surface).datasets:
            faults.append(Fault(where, f"is not a dataset of {surface}."))
            continue
        entry = manifest.dataset(named.dataset)
        if not (repo / entry.pointer).exists():
            faults.append(Fault(where, "is not frozen.", f"Run `vendorkit snapshot {named.dataset}`."))
            continue
        snapshot = read_record(Snapshot, repo / entry.pointer, entry.pointer)
        if snapshot.content_digest != named.content_digest:
            faults.append(Fault(where, f"is {named.content_digest}; frozen here is {snapshot.content_digest}."))
        inputs.append(
            Input(
                dataset=named.dataset,
                snapshot=snapshot.digest,
                content_digest=snapshot.content_digest,
                rows=snapshot.rows,
                taken_at=snapshot.taken_at,
            )
        )
        snapshots.append(snapshot)
        if entry.label and entry.label.column:
            label = Label(column=entry.label.column, source=entry.label.source, policy=entry.label.policy or "")
    if faults:
        raise BadInput("The description does not fit this engagement.", faults)
    return tuple(inputs), tuple(snapshots), label


def _take_model(arrived: _Arrived, folder: Path) -> ModelFormat:
    """Copy the model file under the name of its format; its digest is verified where one was told."""
    description = arrived.description
    path, name = description.file or "", description.format or ""
    if path not in arrived.found:
        raise BadInput("There is no such file.", [Fault(path, "is named by the description, and not there.")])
    (folder / "code").mkdir(parents=True)
    target = folder / FORMATS[name].FILE
    _, digest = copy_hashed(arrived.found[path], target)
    if description.file_digest not in (None, digest):
        raise Refused(
            "The model is not what was described.", [Fault(path, f"is {digest}, not {description.file_digest}.")]
        )
    if description.kind:
        (folder / "kind.json").write_text(json.dumps(description.kind), encoding="utf-8")
    return stored_as(name, target)


def _take_code(arrived: _Arrived, stored: ModelFormat, folder: Path) -> str:
    """Copy the code that came along, or write the plain `predict` of the format; gives the module."""
    module = arrived.description.predict
    prefix = arrived.root / "code"
    for name, path in arrived.found.items():
        if module and PurePosixPath(name).is_relative_to(prefix) and name.endswith(".py"):
            target = folder / PurePosixPath(name).relative_to(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read_small(path, name, MOST_CODE_BYTES))
    if module and not (folder / f"{module}.py").is_file():
        says = f"is named as `predict`; expected {prefix / module}.py."
        raise BadInput("There is no such module.", [Fault(module, says)])
    if module:
        return module
    names = [feature.name for feature in arrived.description.features]
    head = f'"""Predicts with a model that was imported as {stored.name}; written by vendorkit."""\n\n'
    text = f"{head}COLUMNS = {json.dumps(names, ensure_ascii=False)}\n\n\n{FORMATS[stored.name].PREDICT}"
    (folder / f"{MODULE}.py").write_text(text, encoding="utf-8")
    return MODULE


def _code_files(files: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    return tuple(
        file.model_copy(update={"path": file.path.removeprefix("code/")})
        for file in files
        if file.path.startswith("code/")
    )


def _digest_of_code(files: tuple[Artifact, ...]) -> str:
    return digest_json([file.model_dump() for file in _code_files(files)])


def _run(
    manifest: Manifest,
    surface: str,
    description: ModelDescription,
    features: FeatureSet,
    stored: ModelFormat,
    files: tuple[Artifact, ...],
) -> Run:
    """The run record, without what depends on the engagement's data and code. Nothing in it is of now."""
    author = description.author or Person(name="unknown", email="")
    place = {"lock": description.lock, "python": description.python or "", "platform": ""}
    named = digest_json([description.to_value(), [file.model_dump() for file in files]])
    return Run(
        run_id=str(uuid.uuid5(uuid.NAMESPACE_OID, named)),
        stage=STAGE,
        engagement=manifest.engagement.id,
        model=surface,
        task=manifest.surface(surface).task or "binary",
        inputs=(),
        filters=(),
        features=features.digest,
        prepared=None,
        label=None,
        seed=description.seed or 0,
        parameters=description.parameters,
        code=Code(
            commit=description.commit or "",
            dirty=False,
            committers=(author.email,) if author.email else (),
            module="",
            files=(),
        ),
        environment=Environment(
            id=digest_json(place), lock=description.lock, python=description.python or "", platform=""
        ),
        sdk_version=version("vendorkit"),
        template=None,
        author=author,
        started_at=description.trained_at or UNKNOWN_TIME,
        seconds=0.0,
        model_format=stored,
        artifacts=files,
        gaps=description.gaps,
    )
