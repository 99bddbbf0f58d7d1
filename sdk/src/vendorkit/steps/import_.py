"""Import: take back what `export` wrote, as a folder or an OCI image layout, after every digest was verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vendorkit.adapters.bundle import copy_verified, list_regular, read_small
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.oci import is_layout, read_layout
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Store
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.bundle import BUNDLE_FILE, SUMS_FILE, Bundle, path_faults
from vendorkit.records.canonical import digest_bytes
from vendorkit.records.run import Artifact
from vendorkit.trust.entry import Entry, entry_of
from vendorkit.trust.log import Log, Signed, decision_fault, log_of, read_log, refuse_tampered
from vendorkit.trust.people import Authority, authority_of
from vendorkit.trust.releases import ARCHIVED, ReleaseFiles, verify_files

RELEASE = "release/"
MEND = "Have it exported again; do not use it."
BARE = "With --without-decisions it is registered under the next free number, to be approved anew."


@dataclass(frozen=True)
class Imported:
    """What was registered.

    Args:
        version: The version in this registry.
        release: Digest of its Release record.
        bundle: Digest of the bundle.
        created: False when it was there before.
        restored: Whether the model of an archived release was brought back.
        decisions: How many decisions were added to the log.
        aliases: Aliases that were moved, as these decisions say.
    """

    version: Version
    release: str
    bundle: str
    created: bool
    restored: bool
    decisions: int
    aliases: tuple[str, ...]


def is_bundle(folder: Path) -> bool:
    """Whether `export` may have written a folder."""
    return (folder / BUNDLE_FILE).exists() or (folder / "oci-layout").exists()


def import_bundle(
    repo: Path, folder: Path, *, with_decisions: bool = True, registry: Registry | None = None
) -> Imported:
    """Register what an export holds, under the number that it had.

    Importing the same again changes nothing; what was archived gets its model back. An import that was killed is
    completed by the next.

    Args:
        repo: The engagement, whose people and keys count.
        folder: A bundle as a folder or as an OCI image layout.
        with_decisions: Whether the decisions come along; without them the version takes the next free number.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: It is no bundle, or files that nobody listed, links or unfit paths are in it: all are named.
        Refused: Files differ from their digests, decisions do not count or do not fit those that are here, or the
            number was given before: all is named, and nothing is changed.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest)
    places = _places(folder)
    index = read_small(places[BUNDLE_FILE], BUNDLE_FILE)
    bundle = Bundle.parse(index, BUNDLE_FILE)
    manifest.model(bundle.model)
    _refuse_index(bundle, index, places)
    store = Store(repo)
    with store.alone(), store.receiving() as received:
        wanted = {path: place for path, place in places.items() if path not in (BUNDLE_FILE, SUMS_FILE)}
        faults = copy_verified(wanted, bundle.files, received)
        if faults:
            raise Refused(f"{folder} is not what was exported.", faults, fix=MEND)
        files = _verified_release(bundle, received)
        theirs = _decisions(bundle, files, received, authority) if with_decisions else ()
        registry = registry or Registry.open(repo)
        log = log_of(registry, bundle.model)
        missing = _missing(log, theirs, bundle.model)
        version, created = _register(registry, bundle, files, with_decisions=with_decisions)
        restored = ARCHIVED in version.tags
        if restored:
            registry.restore_model(version, files.folder / "model")
        for signed in missing:
            registry.append_decision(bundle.model, signed.to_text(), version)
        aliases = _follow(registry, bundle.model, authority) if theirs else ()
    return Imported(version, files.release.digest, digest_bytes(index), created, restored, len(missing), aliases)


def _places(folder: Path) -> dict[str, Path]:
    """Where each file of a bundle lies."""
    if not folder.is_dir():
        raise BadInput("There is nothing to import.", [Fault(str(folder), "is no folder.")])
    found = list_regular(folder)
    places = read_layout(found, read_small) if is_layout(found) else found
    missing = [Fault(name, "is missing.") for name in (BUNDLE_FILE, SUMS_FILE) if name not in places]
    if missing:
        raise BadInput(f"{folder} was not written by `vendorkit export`.", missing)
    return places


def _refuse_index(bundle: Bundle, index: bytes, places: Mapping[str, Path]) -> None:
    """The index is what was written: canonical, with fit paths, and what the sums say."""
    faults = path_faults([file.path for file in bundle.files])
    if any(file.path in (BUNDLE_FILE, SUMS_FILE) for file in bundle.files):
        faults.append(Fault("files", f"list {BUNDLE_FILE} or {SUMS_FILE}."))
    if faults:
        raise BadInput(f"{BUNDLE_FILE} is not valid.", faults)
    sums = read_small(places[SUMS_FILE], SUMS_FILE).decode("utf-8", "replace")
    if index != bundle.to_bytes() or sums != bundle.sums():
        lines = sorted(set(sums.splitlines()) ^ set(bundle.sums().splitlines()))
        names = sorted({line[66:] for line in lines} or {BUNDLE_FILE})
        faults = [Fault(name, f"has other digests in {BUNDLE_FILE} and {SUMS_FILE}.") for name in names[:20]]
        raise Refused("The index is not what was exported.", faults, fix=MEND)


def _verified_release(bundle: Bundle, received: Path) -> ReleaseFiles:
    """The release in a bundle, verified as one from the registry is, and against what the bundle says of it."""
    held = tuple(
        Artifact(path=file.path.removeprefix(RELEASE), bytes=file.bytes, digest=file.digest)
        for file in bundle.files
        if file.path.startswith(RELEASE)
    )
    version = Version(bundle.model, bundle.version, "", "", bundle.tags, "")
    files = verify_files(version, received / "release", held)
    shown = entry_of(files.run, files.report, files.release).tags
    pairs = [("release", bundle.release, files.release.digest)]
    pairs += [("engagement", bundle.engagement, files.run.engagement)]
    pairs += [(f"tags.{name}", bundle.tags.get(name, ""), text) for name, text in shown.items()]
    faults = [
        Fault(f"{BUNDLE_FILE}: {name}", f"is {is_}, expected {want}.") for name, is_, want in pairs if is_ != want
    ]
    if faults:
        raise Refused("The index is not what the records say.", faults, fix=MEND)
    return files


def _decisions(bundle: Bundle, files: ReleaseFiles, received: Path, authority: Authority) -> tuple[Signed, ...]:
    """The decisions in a bundle: one chain, all signed by people whom this engagement trusts."""
    found = sorted((received / "decisions").glob("*")) if (received / "decisions").is_dir() else []
    texts = [(place, path.read_text("utf-8", "replace")) for place, path in enumerate(found, 1)]
    log = read_log(texts, bundle.model)
    faults = list(log.faults)
    if tuple(signed.decision.digest for signed in log.accepted) != bundle.decisions:
        faults.append(Fault("decisions", f"are not the chain that {BUNDLE_FILE} names."))
    for place, signed in enumerate(log.accepted, 1):
        decision, why = signed.decision, decision_fault(signed, authority)
        if why:
            faults.append(Fault(f"decisions/{place:04}.json", f"does not count here: {why}."))
        if (decision.version == bundle.version) != (decision.release == files.release.digest):
            faults.append(Fault(f"decisions/{place:04}.json", f"is about other bytes than {files.version.name}."))
    if faults:
        raise Refused("The decisions cannot come along.", faults, fix=BARE)
    return log.accepted


def _missing(log: Log, theirs: tuple[Signed, ...], model: str) -> tuple[Signed, ...]:
    """What the log here lacks; the shorter one of both must be the beginning of the longer one."""
    refuse_tampered(log, model)
    for place, (ours, other) in enumerate(zip(log.accepted, theirs, strict=False), 1):
        if ours.decision != other.decision:
            decision = ours.decision
            says = f"here it is the {decision.kind} of version {decision.version} by {decision.actor}."
            faults = [Fault(f"decisions/{place:04}.json", f"is not the decision that stands here; {says}")]
            raise Refused(f"Other things were decided about {model} here.", faults, fix=BARE)
    return theirs[len(log.accepted) :]


def _register(registry: Registry, bundle: Bundle, files: ReleaseFiles, *, with_decisions: bool) -> tuple[Version, bool]:
    known = registry.find(bundle.model, files.release.candidate)
    if known and known.tags.get("release") != files.release.digest:
        says = f"holds the same candidate with another release record, {known.tags.get('release')}."
        fix = f"The model is here: decide about {known.name} anew, with `vendorkit approve`."
        raise Refused("The candidate was published here already.", [Fault(known.name, says)], fix=fix)
    if known and with_decisions and known.number != bundle.version:
        faults = [Fault(known.name, f"is the same release; in the bundle it is version {bundle.version}.")]
        raise Refused("The version cannot keep its number.", faults, fix=BARE)
    if known:
        return known, False
    for version in registry.versions(bundle.model) if with_decisions else ():
        if version.number >= bundle.version:
            says = f"is registered; {bundle.model}/{bundle.version} would have to come before it."
            raise Refused("The version cannot keep its number.", [Fault(version.name, says)], fix=BARE)
    entry: Entry = entry_of(files.run, files.report, files.release)
    return registry.publish(
        model=bundle.model,
        engagement=bundle.engagement,
        files=files.folder,
        tags={**bundle.tags, **entry.tags},
        params=entry.params,
        metrics=entry.metrics,
        begun=True,
        number=bundle.version if with_decisions else None,
    )


def _follow(registry: Registry, model: str, authority: Authority) -> tuple[str, ...]:
    """Let aliases follow the log, where it names versions that are here."""
    log, here = log_of(registry, model), {version.number for version in registry.versions(model)}
    pointing, moved = registry.aliases(model), []
    for alias in sorted(log.aliases):
        last = log.move(alias, authority)
        if last and last.decision.version in here and pointing.get(alias) != last.decision.version:
            registry.set_alias(model, alias, last.decision.version)
            moved.append(alias)
    return tuple(moved)
