"""Move an alias: promote an approved release (in an emergency before it is), or roll back to the one before.

The log of decisions is the truth and the alias follows it. A move that was killed between the two is completed by
the next, and until then the service refuses the alias.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vendorkit.adapters.engagement import read_manifest
from vendorkit.adapters.openlineage_client import send
from vendorkit.adapters.registry import Registry, Version
from vendorkit.documents.openlineage import decision_events
from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.decision import Decision
from vendorkit.records.manifest import Manifest
from vendorkit.standards.policy import approval_rule, refuse_code
from vendorkit.tracking import measurement
from vendorkit.tracking.golden import changed
from vendorkit.tracking.measurement import Subject
from vendorkit.trust.approvals import emergency_fault, refuse_unusable, standing, usable
from vendorkit.trust.endings import ended, ending_of
from vendorkit.trust.log import Log, append, beside_others, decision_fault, log_of, refuse_tampered
from vendorkit.trust.people import Authority, Deciding, authority_of
from vendorkit.trust.releases import ReleaseFiles, find_version

ANSWER_SECONDS = 300
"""How long a model may take to load and answer its golden rows before a rollback gives it up."""
ALIAS = re.compile(r"(?!latest$|v\d+$)[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Moved:
    """What a move did.

    Args:
        decision: The record of it; the earlier one where it was recorded before.
        changed: False when the alias already pointed there by that record.
        to_review: The approvals that an emergency promotion went without.
        golden_rows: How many golden rows a rollback asked the release first; None where none were due.
    """

    decision: Decision
    changed: bool
    to_review: tuple[Fault, ...] = ()
    golden_rows: int | None = None

    def to_value(self) -> dict[str, Any]:
        """As plain JSON values."""
        decision = self.decision
        return {
            "model": decision.model,
            "version": decision.version,
            "record": decision.digest,
            "actor": decision.actor,
            "alias": decision.alias,
            "from": decision.from_version,
            "to": decision.version,
            "changed": self.changed,
            "to_review": [str(fault) for fault in self.to_review],
            "golden_rows": self.golden_rows,
        }

    def to_text(self) -> str:
        """As one sentence."""
        decision = self.decision
        where = f"{decision.model}@{decision.alias}"
        if not self.changed:
            return f"{where} already points to version {decision.version}, moved by {decision.actor} at {decision.at}."
        was = decision.from_version
        before = f"before it pointed to version {was}" if was else "it pointed nowhere before"
        says = f"{where} now points to version {decision.version}; {before}."
        lines = [f"{says} {decision.kind} {decision.digest}{self._asked}"]
        if self.to_review:
            lines += ["To be reviewed:", *(f"  {fault}" for fault in self.to_review)]
        return "\n".join([*lines, "Restart the services that run: they do not follow by themselves."])

    @property
    def _asked(self) -> str:
        """What a rollback saw of the model before it moved anything."""
        if self.golden_rows is None:
            return ""
        if not self.golden_rows:
            return "\nIt loads; no golden prediction was recorded."
        return f"\nIt loads, and answers {self.golden_rows} golden rows as when it was stored."


def promote(
    repo: Path,
    model: str,
    version: int,
    alias: str,
    deciding: Deciding,
    *,
    emergency: bool = False,
    registry: Registry | None = None,
) -> Moved:
    """Point an alias to an approved release.

    A promotion to where the alias is by the log already is not recorded again; the alias is mended if it was moved.

    Args:
        repo: The engagement.
        model, version: The release.
        alias: The alias that moves.
        deciding: Who, why, and with which key.
        emergency: Go without approvals that are missing. Needs a reason and somebody of
            operations.rollback.authority who did not make the release; everything else is verified as ever.
        registry: An open registry; by default the engagement's.

    Raises:
        BadInput: No such version, no name for an alias, or no reason for an emergency.
        Refused: It is not approved, not what was published, or somebody moved the alias meanwhile.
    """
    _name_of_alias(alias)
    if emergency and not deciding.reason.strip():
        raise BadInput("Why is it an emergency?", [Fault("--reason", "is missing.")])
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    may = authority.rolling_back if emergency else None
    _refuse_outsider(authority, deciding.actor, may, "promote in an emergency")
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    found = find_version(registry, model, version)
    kind: Literal["promotion", "emergency"] = "emergency" if emergency else "promotion"
    return _told(repo, manifest, _move(registry, log, authority, found, alias, kind, deciding))


def rollback(repo: Path, model: str, alias: str, deciding: Deciding, *, registry: Registry | None = None) -> Moved:
    """Point an alias back to the release that it pointed to before. Done twice, it goes back two.

    The release must load here and answer its golden rows as it did when it was stored. A rollback that was recorded,
    but killed before the alias followed, is completed instead.

    Raises:
        BadInput: There is none before.
        Refused: The person has no authority to roll back, or the release before is no longer fit, does not load or
            does not answer as it did.
    """
    manifest = read_manifest(repo)
    authority = authority_of(repo, manifest, approval_rule(manifest))
    _refuse_outsider(authority, deciding.actor, authority.rolling_back if manifest.operations else None, "roll back")
    registry = registry or Registry.open(repo)
    log = log_of(registry, model, repo)
    refuse_tampered(log, model)
    last = log.move(alias, authority)
    if last and last.decision.kind == "rollback" and registry.alias(model, alias) != last.decision.version:
        version = last.decision.version
    else:
        version = _version_before(log, model, alias, authority)
    found = find_version(registry, model, version)
    return _told(repo, manifest, _move(registry, log, authority, found, alias, "rollback", deciding))


def _told(repo: Path, manifest: Manifest, moved: Moved) -> Moved:
    """Tell the catalogue of lineage, where there is one, that an alias moved."""
    if moved.changed:
        send(repo, lambda: decision_events(manifest, moved.decision))
    return moved


def _version_before(log: Log, model: str, alias: str, authority: Authority) -> int:
    """The version that was live before the present one."""
    trail: list[int] = []
    for signed in log.moves(alias):
        if decision_fault(signed, authority):
            continue
        if signed.decision.kind == "rollback":
            trail = trail[:-1]
        elif trail[-1:] != [signed.decision.version]:
            trail.append(signed.decision.version)
    if len(trail) < 2:
        first = "points to the first of its versions, or was rolled back to it."
        faults = [Fault(f"{model}@{alias}", first if trail else "was never promoted to.")]
        raise BadInput("There is nothing to go back to.", faults)
    return trail[-2]


def _move(
    registry: Registry,
    log: Log,
    authority: Authority,
    version: Version,
    alias: str,
    kind: Literal["promotion", "emergency", "rollback"],
    deciding: Deciding,
) -> Moved:
    emergency, last = kind == "emergency", log.move(alias, authority)
    with tempfile.TemporaryDirectory(prefix="vendorkit-") as folder:
        loads = kind == "rollback"
        files, _ = usable(registry, version, Path(folder), authority, log, emergency=emergency, move=last, used=loads)
        _refuse_unfit(files, log, authority, kind, deciding)
        golden = _answering(files) if loads else None

    def decide(newest: Log) -> Moved:
        if newest is not log:  # others decided meanwhile: the files are verified, and the rest is asked again
            refuse_tampered(newest, version.model)
            refuse_unusable(files.subject, newest, authority, emergency=emergency, move=last)
            _refuse_unfit(files, newest, authority, kind, deciding)
        return _decide(registry, newest, authority, files, alias, kind, deciding, golden)

    return beside_others(registry, version.model, log, decide, lambda newer: newer.move(alias, authority) == last)


def _decide(
    registry: Registry,
    log: Log,
    authority: Authority,
    files: ReleaseFiles,
    alias: str,
    kind: Literal["promotion", "emergency", "rollback"],
    deciding: Deciding,
    golden: int | None,
) -> Moved:
    """Record the move of an alias, and let the alias follow."""
    version, last = files.version, log.move(alias, authority)
    missing = standing(files.subject, log, authority).missing
    excused = emergency_fault(last, files.subject, authority) is None
    if last and last.decision.version == version.number and (excused or not missing):
        return Moved(last.decision, _follow(registry, authority, version.model, alias), missing, golden)
    before = last.decision.version if last else None
    # Once all approvals are there, it is no emergency any more.
    recorded = "promotion" if kind == "emergency" and not missing else kind
    signed = append(registry, log, authority, version, recorded, deciding, alias=alias, from_version=before)
    _follow(registry, authority, version.model, alias)
    return Moved(signed.decision, changed=True, to_review=missing, golden_rows=golden)


def _answering(files: ReleaseFiles) -> int:
    """See that a verified release loads here and answers as it did; gives the number of golden rows that were asked.

    Raises:
        Refused: It does not; the rows are named.
    """
    run = files.run
    subject = Subject(
        model_folder=str(files.folder / "model"),
        module=run.code.module,
        shown=f"{files.version.name}/code",
        format_name=run.model_format.name,
        format_types=list(run.model_format.types),
        base=str(files.folder),
        datasets={},
        label=None,
        features=[feature.name for feature in files.features.features],
        seed=run.seed,
    )
    with measurement.Measurements(ANSWER_SECONDS) as process:
        faults = changed(process, subject, files.features.features, run.golden)
    if faults:
        fix = "Run it in the environment that serves the release; if the answers differ there too, do not use it."
        raise Refused(f"{files.version.name} does not answer as it did.", faults, fix=fix)
    return len(run.golden)


def _refuse_unfit(files: ReleaseFiles, log: Log, authority: Authority, kind: str, deciding: Deciding) -> None:
    """What a promotion needs beyond being usable."""
    refuse_code(files.run.model_format, authority.tier, files.version.name)
    name, person = files.version.name, authority.people[deciding.actor]
    if kind == "emergency" and person.email.casefold() in files.subject.authors:
        faults = [Fault(f"people.{deciding.actor}", "trained, published or committed this release.")]
        raise Refused(f"{deciding.actor} cannot promote {name} in an emergency.", faults)
    found = ending_of(files.subject, log, authority)
    if kind != "rollback" and found and found.ending.block_from:
        raise ended(name, found)


def _follow(registry: Registry, authority: Authority, model: str, alias: str) -> bool:
    """Let the alias follow the log until both agree, for another move may be recorded meanwhile; True if it moved."""
    moved = False
    while True:
        last = log_of(registry, model).move(alias, authority)
        if last is None or registry.alias(model, alias) == last.decision.version:
            return moved
        registry.set_alias(model, alias, last.decision.version)
        moved = True


def _name_of_alias(alias: str) -> None:
    """An alias that MLflow takes: `latest` and version numbers have a meaning of their own there."""
    if not ALIAS.fullmatch(alias):
        says = "is no name for an alias; expected small letters, digits, - and _, not latest and not v1."
        raise BadInput("Which alias?", [Fault("--alias", f"{alias!r} {says}")])


def _refuse_outsider(authority: Authority, actor: str, may: tuple[str, ...] | None, what: str = "") -> None:
    if not authority.people[actor].internal:
        says = "works for the vendor; only the client's own people move an alias."
        raise Refused(f"{actor} cannot move an alias.", [Fault(f"people.{actor}", says)])
    if may is not None and actor not in may:
        says = f"is not in operations.rollback.authority: {', '.join(may) or 'nobody is named there'}."
        raise Refused(f"{actor} cannot {what}.", [Fault(f"people.{actor}", says)])
