"""Asks checks of a repository: their answers, weighed by the policy pack and the waivers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from vendorkit.errors import BadInput, Fault
from vendorkit.records.finding import Finding
from vendorkit.records.manifest import Engagement, Waiver
from vendorkit.records.manifest.words import Stage, Tier
from vendorkit.standards.base import Check, Part, RepositoryView
from vendorkit.standards.document_checks import DOCUMENT_CHECKS
from vendorkit.standards.gate_checks import GATE_CHECKS
from vendorkit.standards.licence_checks import LICENCE_CHECKS
from vendorkit.standards.manifest_checks import MANIFEST_CHECKS
from vendorkit.standards.policy import Line, Policy
from vendorkit.standards.waivers import covering, holding

_FAMILIES = (MANIFEST_CHECKS, LICENCE_CHECKS, GATE_CHECKS, DOCUMENT_CHECKS)
CHECKS: dict[str, Check] = {check.id: check for family in _FAMILIES for check in family}
"""Every check by its id. A new family is one file, its entries here, and its lines in the pack."""


def choose(ids: Iterable[str]) -> tuple[Check, ...]:
    """The checks with these ids; a family's letters mean all of it, nothing means every check.

    Raises:
        BadInput: There are no such checks; all unknown ids are listed.
    """
    asked = [name.upper() for name in ids]
    known = {name: [check for key, check in CHECKS.items() if name in (key, key[:3])] for name in asked}
    if unknown := [name for name, found in known.items() if not found]:
        listed = f"There are: {', '.join(CHECKS)}."
        raise BadInput("No such check.", [Fault(name, "is not the id of a check.", listed) for name in unknown])
    wanted = {check.id for found in known.values() for check in found}
    return tuple(check for check in CHECKS.values() if not asked or check.id in wanted)


def ask(checks: Iterable[Check], view: RepositoryView, policy: Policy) -> list[Finding]:
    """What each check finds.

    While stage and tier cannot be read, the repository is held to those of a high tier in delivery.
    """
    engagement = view.examined.draft.engagement
    waivers = holding(view.examined.manifest, view.as_of)
    found = []
    for check in checks:
        for part in _parts(check, view, policy, engagement):
            waiver = covering(waivers, check.id, part.target) if part.verdict == "fail" else None
            held = part if waiver is None else _waived(part, waiver)
            found.append(_weighed(check, held, policy.line(check.id), engagement, view.as_of))
    return found


def _parts(check: Check, view: RepositoryView, policy: Policy, engagement: Engagement | None) -> Iterable[Part]:
    if engagement is not None and engagement.operating_model in policy.line(check.id).not_for:
        return [Part("not-applicable", f"Does not apply to the operating model {engagement.operating_model}.")]
    return check.look(view)


def _waived(part: Part, waiver: Waiver) -> Part:
    says = f"{part.says} Waived by {waiver.approved_by} until {waiver.expires} ({waiver.ticket}): {waiver.why}"
    facts = {**part.facts, "waiver": waiver.model_dump(mode="json")}
    return replace(part, verdict="waived", says=says, facts=facts)


def _weighed(check: Check, part: Part, line: Line, engagement: Engagement | None, as_of: date) -> Finding:
    """A part as a finding, with the severity that the pack gives it."""
    stage: Stage = engagement.stage if engagement else "delivery"
    tier: Tier = engagement.risk_tier if engagement else "high"
    facts = {"title": check.title, "capability": check.capability, **part.facts}
    if part.target:
        facts["target"] = part.target
    says = part.says
    later = line.becomes(stage, tier, as_of)
    if later and part.verdict == "fail":
        facts["becomes"] = later
        says = f"{says} This {later}."
    severity = line.severity_at(stage, tier, as_of)
    return Finding(check.id, part.verdict, severity, says, part.where, check.why, part.fix, facts)
