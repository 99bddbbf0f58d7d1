"""Retire a release: callers are warned from a day, it is blocked from a day, and its replacement is named.

Its model can then go from the registry into a bundle. What is left there still answers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from vendorkit.adapters.bundle import keep, read_small
from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry, Version
from vendorkit.adapters.store import Store, differing_files
from vendorkit.documents.openlineage import decision_events
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.bundle import BUNDLE_FILE, SUMS_FILE, Bundle
from vendorkit.records.decision import Decision, DecisionKind, Ending
from vendorkit.records.manifest import Manifest
from vendorkit.records.manifest.words import day
from vendorkit.standards.policy import approval_rule
from vendorkit.trust.endings import archival_of, ending_of
from vendorkit.trust.log import Log, append, beside_others, log_of, refuse_tampered
from vendorkit.trust.people import Authority, Deciding, authority_of
from vendorkit.trust.releases import ARCHIVED, find_version, subject_of, verify_release


@dataclass(frozen=True)
class Retired:
    """A recorded deprecation, retirement or withdrawal of either."""

    decision: Decision

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        decision = self.decision
        ending = decision.ending or Ending()
        return {
            "model": decision.model,
            "version": decision.version,
            "record": decision.digest,
            "actor": decision.actor,
            "kind": decision.kind,
            **ending.model_dump(mode="json"),
        }

    def to_text(self) -> str:
        """As a few words."""
        decision, ending = self.decision, self.decision.ending
        name = f"{decision.model}/{decision.version}"
        if ending is None:
            return f"{name} is neither deprecated nor retired any more. {decision.kind} {decision.digest}"
        parts = [f"callers are warned from {ending.warn_from}"] if ending.warn_from else []
        parts += [f"it is blocked from {ending.block_from}"] if ending.block_from else []
        parts += [f"its replacement is {ending.replacement}"] if ending.replacement else []
        return f"{name}: {', '.join(parts)}. {decision.kind} {decision.digest}"


@dataclass(frozen=True)
class Archived:
    """A release whose model lies in a bundle, and no longer in the registry.

    Args:
        decision: The record of it; the earlier one where it was recorded before.
        folder: The bundle.
    """

    decision: Decision
    folder: Path

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        decision = self.decision
        return {
            "model": decision.model,
            "version": decision.version,
            "record": decision.digest,
            "actor": decision.actor,
            "kind": decision.kind,
            "archive": str(self.folder),
            "bundle": decision.archive,
        }

    def to_text(self) -> str:
        """As a few words."""
        decision = self.decision
        name = f"{decision.model}/{decision.version}"
        says = f"{name} lies in {self.folder}, bundle {decision.archive}; its model is gone from the registry."
        return f"{says} {decision.kind} {decision.digest}\nKeep that folder: `vendorkit import` of it brings it back."


def retire(
    repo: Path,
    model: str,
    version: int,
    deciding: Deciding,
    *,
    warn_from: str | None = None,
    block_from: str | None = None,
    replacement: tuple[str, int] | None = None,
    force: bool = False,
    registry: Registry | None = None,
) -> Retired:
    """Record the end of a release.

    Args:
        repo: The engagement.
        model, version: The release.
        deciding: Who, why, and with which key: the person of lifecycle.approver.
        warn_from: First day (UTC) of warnings; by default today.
        block_from: First day on which it is no longer used. Without it the release is deprecated where `warn_from`
            is given, else blocked from today.
        replacement: Model and version to use instead.
        force: Block it today although an alias points to it.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No such release or replacement, or days that make no sense; all are named.
        Refused: The person may not, the release is not what was published, or it is live and would go dark.
    """
    manifest = read_manifest(repo)
    authority = _authority(repo, manifest, deciding)
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    refuse_tampered(log, model)
    found = find_version(registry, model, version)
    today = datetime.now(UTC).date()
    faults = _day_faults(warn_from, block_from, today)
    named = f"{replacement[0]}/{replacement[1]}" if replacement else None
    if replacement == (model, version):
        faults.append(Fault("--replacement", "is the release itself."))
    elif replacement:
        faults += _replacement_faults(registry, authority, replacement)
    if faults:
        raise BadInput(f"How does {found.name} end?", faults)
    blocked = block_from or (None if warn_from else today.isoformat())
    ending = Ending(warn_from=warn_from or today.isoformat(), block_from=blocked, replacement=named)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        verify_release(registry, found, Path(folder), used=False)

    def refuse(newest: Log) -> None:
        if ending.blocks(today) and not force:
            _refuse_darkness(newest, authority, found.name, version, named)

    kind: DecisionKind = "retirement" if blocked else "deprecation"
    decision = _end(registry, log, authority, found, kind, deciding, ending, refuse)
    send(repo, lambda: decision_events(manifest, decision))
    return Retired(decision)


def withdraw(repo: Path, model: str, version: int, deciding: Deciding, *, registry: Registry | None = None) -> Retired:
    """Take a deprecation or retirement back.

    Raises:
        BadInput: There is none.
        Refused: The person may not.
    """
    manifest = read_manifest(repo)
    authority = _authority(repo, manifest, deciding)
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    found = find_version(registry, model, version)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        files = verify_release(registry, found, Path(folder), used=False)
    if ending_of(files.subject, log, authority) is None:
        raise BadInput("There is nothing to withdraw.", [Fault(found.name, "is neither deprecated nor retired.")])
    decision = _end(registry, log, authority, found, "withdrawal", deciding)
    send(repo, lambda: decision_events(manifest, decision))
    return Retired(decision)


def _end(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    kind: DecisionKind,
    deciding: Deciding,
    ending: Ending | None = None,
    refuse: Callable[[Log], None] = lambda _log: None,
) -> Decision:
    """Record how a release ends, by the newest log where others decided meanwhile what leaves its end as it was.

    Args:
        refuse: Raises where a log does not allow it.
    """
    subject = subject_of(version)
    held = ending_of(subject, log, authority)

    def decide(newest: Log) -> Decision:
        refuse(newest)
        return append(registry, newest, authority, version, kind, deciding, ending=ending).decision

    return beside_others(
        registry, version.model, log, decide, lambda newer: ending_of(subject, newer, authority) == held
    )


def archive(
    repo: Path,
    model: str,
    version: int,
    deciding: Deciding,
    folder: Path,
    write: Callable[[Path], object],
    *,
    registry: Registry | None = None,
) -> Archived:
    """Move the model of a retired release into a bundle.

    Nothing is removed before the bundle is there whole, was read again and is signed for. A run that was killed is
    completed by the next with the same folder.

    Args:
        repo: The engagement.
        model, version: The release.
        deciding: Who, why, and with which key: the person of lifecycle.approver.
        folder: The bundle. One that an earlier run left there is verified and taken.
        write: Exports the release into a folder that is not there.
        registry: An open registry; by default the engagement's.

    Raises:
        Refused: The person may not, the release is not retired by today or an alias points to it, or what lies in
            the folder is not this release, whole: all is named, and nothing is removed.
    """
    manifest = read_manifest(repo)
    authority = _authority(repo, manifest, deciding)
    registry = registry or Registry.open(repo)
    with Store(repo).alone():
        log = log_of(registry, model, repo)
        refuse_tampered(log, model)
        found = find_version(registry, model, version)
        if ARCHIVED not in found.tags:
            _refuse_in_use(registry, log, authority, found)
            if not folder.exists():
                write(folder)
        bundle = _whole_bundle(folder, found, log)
        before = archival_of(subject_of(found), log, authority)
        if before and before.decision.archive == bundle.digest:
            decision = before.decision
        else:
            keep(folder)
            decision = append(registry, log, authority, found, "archival", deciding, archive=bundle.digest).decision
        registry.drop_model(found, bundle.digest)
    if before is None or before.decision != decision:
        send(repo, lambda: decision_events(manifest, decision))
    return Archived(decision, folder)


def _refuse_in_use(registry: Registry, log: Log, authority: Authority, version: Version) -> None:
    """Only what nobody is to use any more leaves the registry."""
    held = ending_of(subject_of(version), log, authority)
    faults = []
    if held is None or not held.ending.blocks(datetime.now(UTC).date()):
        faults.append(Fault(version.name, "is not retired by today.", f"First `vendorkit retire {version.name}`."))
    moves = {alias: log.move(alias, authority) for alias in log.aliases}
    pointing = {alias for alias, move in moves.items() if move and move.decision.version == version.number}
    pointing |= {alias for alias, number in registry.aliases(version.model).items() if number == version.number}
    faults += [Fault(f"{version.model}@{alias}", "points to it.") for alias in sorted(pointing)]
    if faults:
        raise Refused(f"{version.name} cannot be archived yet.", faults)


def _whole_bundle(folder: Path, version: Version, log: Log) -> Bundle:
    """The index of the bundle in a folder, after every file of it was read.

    Raises:
        BadInput: It is no bundle.
        Refused: It is not whole, or holds something else than this release and what was decided about its model.
    """
    data = {name: read_small(folder / name, name) for name in (BUNDLE_FILE, SUMS_FILE)}
    bundle = Bundle.parse(data[BUNDLE_FILE], BUNDLE_FILE)
    faults = [fault for fault in differing_files(folder, bundle.files) if fault.where not in data]
    if data != {BUNDLE_FILE: bundle.to_bytes(), SUMS_FILE: bundle.sums().encode()}:
        faults.append(Fault(BUNDLE_FILE, f"and {SUMS_FILE} are not as they were written."))
    listed = {file.path: file.digest for file in bundle.files}
    known = tuple(signed.decision.digest for signed in log.accepted)
    parts = {
        "release": (bundle.release, version.tags["release"]),
        "release/release.json": (listed.get("release/release.json"), version.tags["release"]),
        "bundle": (bundle.digest, version.tags.get(ARCHIVED, bundle.digest)),
        "decisions": (bundle.decisions, known[: len(bundle.decisions)]),
    }
    faults += [Fault(part, f"is {is_}, expected {should}.") for part, (is_, should) in parts.items() if is_ != should]
    if faults:
        fix = "Name another folder, or the one that it was archived to."
        raise Refused(f"{folder} is not {version.name}, whole.", faults, fix=fix)
    return bundle


def _authority(repo: Path, manifest: Manifest, deciding: Deciding) -> Authority:
    """Whom the engagement trusts, where it lets this person retire releases."""
    authority = authority_of(repo, manifest, approval_rule(manifest))
    if deciding.actor == authority.ending:
        return authority
    may = authority.ending or "nobody, for engagement.yaml has no lifecycle section"
    fault = Fault(f"people.{deciding.actor}", f"is not lifecycle.approver, who is {may}.")
    raise Refused(f"{deciding.actor} cannot retire a release.", [fault])


def _day_faults(warn_from: str | None, block_from: str | None, today: date) -> list[Fault]:
    faults, days = [], {}
    for option, text in (("--warn-from", warn_from), ("--block-from", block_from)):
        if text is None:
            continue
        try:
            days[option] = day(text)
        except ValueError:
            faults.append(Fault(option, f"is {text!r}, expected a date like 2027-01-31."))
            continue
        if option == "--block-from" and days[option] < today:
            faults.append(Fault(option, f"is {text}; expected today or later."))
    if len(days) == 2 and days["--warn-from"] > days["--block-from"]:
        faults.append(Fault("--warn-from", f"is {warn_from}, after it is blocked on {block_from}."))
    return faults


def _replacement_faults(registry: Registry, authority: Authority, replacement: tuple[str, int]) -> list[Fault]:
    name, number = replacement
    try:
        found = find_version(registry, name, number)
    except BadInput as error:
        return [Fault("--replacement", str(fault)) for fault in error.faults]
    held = ending_of(subject_of(found), log_of(registry, name), authority)
    if held and held.ending.block_from:
        return [Fault("--replacement", f"{found.name} is to be retired itself, on {held.ending.block_from}.")]
    return []


def _refuse_darkness(log: Log, authority: Authority, name: str, version: int, named: str | None) -> None:
    """The service would refuse from now on what an alias points to."""
    moves = [log.move(alias, authority) for alias in sorted(log.aliases)]
    live = [move.decision.alias or "" for move in moves if move and move.decision.version == version]
    if live:
        faults = [Fault(f"{log.accepted[0].decision.model}@{alias}", "points to it.") for alias in live]
        instead = f"`vendorkit promote {named}`" if named else "promote its replacement"
        fix = f"First {instead}, or give a later --block-from; --force retires it all the same."
        raise Refused(f"{name} is live, and would not answer from today on.", faults, fix=fix)
