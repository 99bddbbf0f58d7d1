"""The MAN family: the manifest, the version of the standards, the template's files, the waivers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from vendorkit.errors import Fault
from vendorkit.records.canonical import digest_bytes, digest_json
from vendorkit.records.manifest import warnings
from vendorkit.records.seen_file import SeenFile
from vendorkit.standards.base import Check, Part, RepositoryView
from vendorkit.standards.waivers import LONGEST_DAYS, NEVER_WAIVED, date_fault

MANIFEST = "engagement.yaml"
UNREADABLE = "Cannot be judged while the manifest does not match its schema."


def _failed(faults: Sequence[Fault], evidence: str) -> list[Part]:
    return [_fault_part(fault, evidence) for fault in faults]


def _fault_part(fault: Fault, evidence: str) -> Part:
    """A fault of the manifest; its key path begins the sentence, its line is the place."""
    place, _, path = fault.where.partition(": ")
    joint = " " if fault.says.startswith(("is ", "has ")) else ": "
    says = f"{path or MANIFEST}{joint}{fault.says}"
    return Part("fail", says, fault.where, fault.fix, path, {"evidence": evidence, "file": place})


class ManifestMatchesSchema:
    """MAN-01."""

    id = "MAN-01"
    title = "Manifest matches schema"
    why = "Every other check, gate and report reads the manifest."
    capability = "C004"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Every fault of the file's shape; else a pass and the sections that are still owed."""
        facts = {"evidence": view.evidence}
        if view.examined.shape or view.examined.manifest is None:
            return _failed(view.examined.shape, view.evidence)
        owed = [
            Part(
                "not-yet",
                f"{section} is still owed; it is required from stage delivery on.",
                f"{MANIFEST}:1: {section}",
                f"Add `{section}` before the stage moves to delivery.",
                section,
                facts,
            )
            for section in view.examined.manifest.owed()
        ]
        return [Part("pass", "The manifest matches its schema.", MANIFEST, facts=facts), *owed]


class PeopleAndIdsResolve:
    """MAN-02."""

    id = "MAN-02"
    title = "People and ids resolve"
    why = "A name that leads nowhere, or to the vendor, leaves nobody inside who answers."
    capability = "C067"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Every fault across the file; else a pass with what is worth a second look."""
        if view.examined.cross:
            return _failed(view.examined.cross, view.evidence)
        if view.examined.manifest is None:
            return [Part("not-yet", UNREADABLE, MANIFEST, "Mend MAN-01 first.")]
        looks = [
            {"where": fault.where, "says": fault.says, "fix": fault.fix}
            for fault in warnings(view.examined.manifest, view.examined.text)
        ]
        facts = {"evidence": view.evidence, "warnings": looks}
        return [Part("pass", "Everyone and everything that is named exists.", MANIFEST, facts=facts)]


class StandardsRecentEnough:
    """MAN-03."""

    id = "MAN-03"
    title = "Standards not older than minimum"
    why = "Old standards miss rules that the platform has since needed."
    capability = "C084"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Whether the standards of the manifest are those of the pack, and not too old."""
        manifest = view.examined.manifest
        if manifest is None:
            return [Part("not-yet", UNREADABLE, MANIFEST, "Mend MAN-01 first.")]
        facts = {"evidence": view.evidence, "minimum": view.least_version}
        wanted = f"Bring the repository up to {view.pack} {view.least_version} and write that under `standards`."
        if manifest.standards is None:
            says = "The manifest does not say which standards it was brought up to."
            return [Part("not-yet", says, f"{MANIFEST}:1: standards", wanted, facts=facts)]
        where = view.examined.text.place(("standards",))
        given = manifest.standards
        if given.pack != view.pack:
            says = f"The standards are {given.pack}; the platform's are {view.pack}."
            return [Part("fail", says, where, wanted, facts=facts)]
        if _numbers(given.version) < _numbers(view.least_version):
            says = f"The standards are of {given.version}; the platform accepts {view.least_version} and later."
            return [Part("fail", says, where, wanted, facts=facts)]
        return [Part("pass", f"The standards are of {given.version}.", where, facts=facts)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class ManagedFilesUnchanged:
    """MAN-04."""

    id = "MAN-04"
    title = "Template-owned files unchanged"
    why = "An edited template file is overwritten or conflicts at the next update, and may switch a rule off."
    capability = "C060 C099"
    needs_template = True

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each managed file that was edited, deleted or replaced; `not-yet` when nothing can be compared."""
        if view.rendered is None:
            says = f"What the template gives is not known: {view.no_render}"
            return [Part("not-yet", says, ".copier-answers.yml", "Mend that and check again.")]
        seen = {path: view.files.get(path, SeenFile("missing")) for path in sorted(view.rendered)}
        parts = [part for path, file in seen.items() for part in _drift(path, file, view.rendered[path])]
        if parts:
            return parts
        facts = {"evidence": digest_json({path: digest_bytes(file.data or b"") for path, file in seen.items()})}
        says = f"{len(seen)} files of the template are as it gives them."
        return [Part("pass", says, ".copier-answers.yml", facts=facts)]


def _drift(path: str, file: SeenFile, wanted: bytes) -> list[Part]:
    """How a managed file differs from the template, if it does."""
    if file.data == wanted and file.kind == "file":
        return []
    line = 1
    if file.kind == "file" and file.data is not None:
        line = _first_difference(file.data, wanted)
        change, says = "edited", f"{path} was edited; it belongs to the template."
    elif file.kind == "missing":
        change, says = "deleted", f"{path} was deleted; it belongs to the template."
    elif file.kind == "link":
        change, says = "link", f"{path} is a symbolic link; the template has a regular file."
    else:
        change, says = "replaced", f"{path} is not a regular file of the template's size."
    facts = {"change": change, "path": path, "expected": digest_bytes(wanted)}
    if file.data is not None:
        facts["evidence"] = digest_bytes(file.data)
    fix = "Restore the template's text; a change for everyone goes into the template."
    return [Part("fail", says, f"{path}:{line}", fix, path, facts)]


def _first_difference(data: bytes, wanted: bytes) -> int:
    pairs = zip_longest(data.splitlines(keepends=True), wanted.splitlines(keepends=True))
    return next((line for line, (one, other) in enumerate(pairs, 1) if one != other), 1)


class WaiversValid:
    """MAN-05."""

    id = "MAN-05"
    title = "Waivers valid"
    why = "An exception without an end or an internal approver is a rule that was switched off."
    capability = "C069"
    needs_template = False

    def look(self, view: RepositoryView) -> Sequence[Part]:
        """Each waiver without an internal approver, that has ended, lasts too long or waives too much."""
        draft = view.examined.draft
        parts = _failed(view.examined.waivers, view.evidence)
        for at, waiver in draft.waivers.items():
            wrong = date_fault(waiver, view.as_of)
            if waiver.check in NEVER_WAIVED:
                wrong = "is for a check that cannot be waived"
            if wrong:
                fix = f"Mend the cause and remove it, or have it granted anew for at most {LONGEST_DAYS} days."
                says = f"The waiver of {waiver.check} ({waiver.ticket}) {wrong}."
                where = view.examined.text.place(("waivers", at))
                parts.append(Part("fail", says, where, fix, waiver.check, {"evidence": view.evidence}))
        if parts:
            return parts
        if view.examined.manifest is None and not draft.whole("waivers"):
            return [Part("not-yet", UNREADABLE, MANIFEST, "Mend MAN-01 first.")]
        says = f"{len(draft.waivers)} waivers hold." if draft.waivers else "There are no waivers."
        return [Part("pass", says, MANIFEST, facts={"evidence": view.evidence})]


MANIFEST_CHECKS: tuple[Check, ...] = (
    ManifestMatchesSchema(),
    PeopleAndIdsResolve(),
    StandardsRecentEnough(),
    ManagedFilesUnchanged(),
    WaiversValid(),
)
