"""Export: everything about a release in one folder, in standard formats, with the same bytes each time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vendorkit.adapters.oci import Described, write_layout
from vendorkit.adapters.registry import Registry
from vendorkit.adapters.store import MAKING, describe_file
from vendorkit.documents import handover
from vendorkit.errors import BadInput, Fault
from vendorkit.records.bundle import BUNDLE_FILE, SUMS_FILE, Bundle, path_faults
from vendorkit.records.evidence import Evidence
from vendorkit.trust.evidence import evidence_of
from vendorkit.trust.log import Log, log_of, refuse_tampered
from vendorkit.trust.releases import RELEASE_FILE, ReleaseFiles, find_version, verify_release

FOLDER, OCI = "folder", "oci"
FORMS = (FOLDER, OCI)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        bundle: The index.
        places: Form to the folder that has it.
        manifest: Digest of the OCI manifest, where there is one.
    """

    bundle: Bundle
    places: dict[str, Path]
    manifest: str | None


def export(
    repo: Path,
    model: str,
    number: int,
    target: Path,
    forms: Sequence[str] = (FOLDER,),
    *,
    registry: Registry | None = None,
) -> Exported:
    """Write a release and everything about it.

    It is written aside and renamed, so that the target is whole or not there. With several forms, each has a folder
    of its name in the target.

    Args:
        repo: The engagement.
        model: Id of the model.
        number: Its version.
        target: Folder that does not exist yet, or is empty.
        forms: `folder`, `oci` or both.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No such version or form, or the target is there.
        Refused: The release is not what was published, or its decisions were tampered with.
    """
    _refuse_target(target, forms)
    registry = registry or Registry.open(repo)
    log = log_of(registry, model)
    refuse_tampered(log, model)
    version = find_version(registry, model, number)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=MAKING) as folder:
        files = verify_release(registry, version, Path(folder) / "fetched")
        bundle = _write_folder(Path(folder) / FOLDER, files, log)
        manifest = _write_oci(Path(folder), files, bundle) if OCI in forms else None
        _finish(Path(folder), target, forms, files.release.published_at)
    places = {form: target / form if len(forms) > 1 else target for form in forms}
    return Exported(bundle, places, manifest)


def _refuse_target(target: Path, forms: Sequence[str]) -> None:
    faults = [Fault("--as", f"{form!r} is not known; expected folder or oci.") for form in forms if form not in FORMS]
    if not forms or len(set(forms)) != len(forms):
        faults.append(Fault("--as", "names no form, or one twice."))
    if os.path.lexists(target) and not (target.is_dir() and not target.is_symlink() and not any(target.iterdir())):
        faults.append(Fault(str(target), "is there already.", "Name a folder that is not."))
    if faults:
        raise BadInput("The release cannot be exported so.", faults)


def _write_folder(root: Path, files: ReleaseFiles, log: Log) -> Bundle:
    """Write the bundle into a new folder; the fetched files of the release are moved into it."""
    root.mkdir()
    evidence = _evidence(files, log)
    files.folder.rename(root / "release")
    (root / "decisions").mkdir()
    for place, signed in enumerate(log.accepted, 1):
        (root / f"decisions/{place:04}.json").write_text(signed.to_text(), encoding="utf-8")
    run, name = files.run, files.version.name
    (root / "README.md").write_text(handover.readme(name, run, files.release), encoding="utf-8")
    (root / "training.json").write_bytes(handover.to_json(handover.training(run)))
    deployment = handover.deployment(name, run, files.contract, evidence.manifest.operations if evidence else None)
    (root / "deployment.json").write_bytes(handover.to_json(deployment))
    (root / "lineage").mkdir()
    for file, data in (handover.lineage(evidence) if evidence else {}).items():
        (root / "lineage" / file).write_bytes(data)
    return _index(root, files, log)


def _index(root: Path, files: ReleaseFiles, log: Log) -> Bundle:
    """Write the index of what lies in a folder. The files of the release were just verified: they are not hashed."""
    run, name = files.run, files.version.name
    own = [root / "release" / RELEASE_FILE, *root.glob("decisions/*"), *root.glob("lineage/*"), *root.glob("*.*")]
    known = [file.model_copy(update={"path": f"release/{file.path}"}) for file in files.release.files]
    listed = sorted([*known, *(describe_file(path, root) for path in own)], key=lambda file: file.path)
    faults = path_faults([*(file.path for file in listed), BUNDLE_FILE, SUMS_FILE])
    if faults:
        raise BadInput(f"{name} has files that not every system can hold.", faults)
    bundle = Bundle(
        model=run.model,
        version=files.version.number,
        engagement=run.engagement,
        release=files.release.digest,
        tags=dict(files.version.tags),
        decisions=tuple(signed.decision.digest for signed in log.accepted),
        aliases=tuple(alias for alias in sorted(log.aliases) if _last(log, alias) == files.version.number),
        files=tuple(listed),
    )
    (root / BUNDLE_FILE).write_bytes(bundle.to_bytes())
    (root / SUMS_FILE).write_text(bundle.sums(), encoding="utf-8")
    return bundle


def _last(log: Log, alias: str) -> int:
    return log.moves(alias)[-1].decision.version


def _evidence(files: ReleaseFiles, log: Log) -> Evidence | None:
    """What lineage is rendered from; None where the manifest that was published with it cannot be read any more."""
    try:
        return evidence_of(files, tuple(signed.decision for signed in log.about(files.release.digest)))
    except BadInput:
        return None


def _write_oci(folder: Path, files: ReleaseFiles, bundle: Bundle) -> str:
    run, release = files.run, files.release
    described = Described(
        name=run.model,
        version=str(bundle.version),
        created_at=release.published_at,
        authors=tuple(dict.fromkeys((run.author.email, release.publisher.email))),
        family=run.task,
        format=run.model_format.name,
        revision=run.code.commit,
        annotations={
            "release": release.digest,
            "candidate": release.candidate,
            "gate-report": release.gate_report,
            "contract": release.contract,
            "engagement": run.engagement,
        },
    )
    return write_layout(folder / FOLDER, bundle, described, folder / OCI)


def _finish(folder: Path, target: Path, forms: Sequence[str], at: str) -> None:
    """Give all files one time and one mode, and let them appear at once."""
    whole = folder / forms[0]
    if len(forms) > 1:
        whole = folder / "whole"
        whole.mkdir()
        for form in forms:
            (folder / form).rename(whole / form)
    moment = datetime.fromisoformat(at).timestamp()
    for path in [*whole.rglob("*"), whole]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (moment, moment))
    whole.rename(target)
