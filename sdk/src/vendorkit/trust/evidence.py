"""The evidence of a release: its verified records with the manifest and the lock file that were published with it."""

from __future__ import annotations

from vendorkit.adapters.engagement import MANIFEST
from vendorkit.adapters.environment import LOCKFILE
from vendorkit.errors import BadInput, Fault
from vendorkit.records.decision import Decision
from vendorkit.records.evidence import Evidence
from vendorkit.records.manifest import load_manifest
from vendorkit.trust.dossier import DECLARED
from vendorkit.trust.releases import ReleaseFiles


def evidence_of(files: ReleaseFiles, decisions: tuple[Decision, ...] = ()) -> Evidence:
    """The evidence of a verified release.

    Args:
        files: The release; its folder must still be there.
        decisions: What was decided about it and counts.

    Raises:
        BadInput: Its manifest or lock file is absent, or the manifest is of another version of vendorkit.
    """
    declared = files.folder / DECLARED
    absent = [name for name in (MANIFEST, LOCKFILE) if not (declared / name).is_file()]
    if absent:
        faults = [Fault(f"{files.version.name}: {DECLARED}/{name}", "is not part of the release.") for name in absent]
        raise BadInput("Its surroundings are not known.", faults)
    return Evidence(
        version=files.version.number,
        release=files.release,
        run=files.run,
        report=files.report,
        features=files.features,
        contract=files.contract,
        snapshots=files.snapshots,
        manifest=load_manifest((declared / MANIFEST).read_bytes(), f"{files.version.name} engagement.yaml"),
        lock=(declared / LOCKFILE).read_bytes(),
        decisions=decisions,
    )
