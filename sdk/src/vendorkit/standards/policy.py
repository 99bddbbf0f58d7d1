"""The policy pack: which check is how severe, by stage and risk tier, and from when; who approves a release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import ValidationError

from vendorkit.errors import BadInput, Fault, Refused
from vendorkit.records.base import Value, key_path
from vendorkit.records.canonical import digest_json
from vendorkit.records.decision import STRICTEST, ApprovalRule
from vendorkit.records.document_format import DocumentFormats
from vendorkit.records.finding import Severity
from vendorkit.records.licences import LicencePolicy
from vendorkit.records.manifest import Gate, Manifest
from vendorkit.records.manifest.words import (
    BenchmarkKind,
    CheckId,
    Day,
    GateKind,
    Id,
    OperatingModel,
    Stage,
    Tier,
    Version,
    day,
)
from vendorkit.records.run import ModelFormat
from vendorkit.records.yaml_text import read_yaml
from vendorkit.standards.platform_gates import Asking, asked_of

PACK = "platform-standards"
_ORDER: tuple[Severity, ...] = ("notice", "warning", "error")


class Ramp(Value):
    """The dates from which a new check may be a warning, and an error."""

    warning: Day
    error: Day


class Line(Value):
    """What the pack says of one check.

    Args:
        severity: Stage to severity, for all tiers or for each.
        ramp: Dates that hold a new check back.
        not_for: Operating models that it does not apply to.
    """

    severity: dict[Stage, Severity | dict[Tier, Severity]]
    ramp: Ramp | None = None
    not_for: tuple[OperatingModel, ...] = ()

    def severity_at(self, stage: Stage, tier: Tier, as_of: date) -> Severity:
        """How severe a failure is; a stage that the pack does not name counts as an error."""
        given = self.severity.get(stage, "error")
        full: Severity = given.get(tier, "error") if isinstance(given, dict) else given
        return min(full, self._most(as_of), key=_ORDER.index)

    def becomes(self, stage: Stage, tier: Tier, as_of: date) -> str:
        """What a held back severity will be and when: `becomes an error on 2027-01-15`; else empty."""
        if self.ramp is None or self.severity_at(stage, tier, as_of) == self.severity_at(stage, tier, date.max):
            return ""
        nearest = self.ramp.warning if as_of < day(self.ramp.warning) else self.ramp.error
        then = self.severity_at(stage, tier, day(nearest))
        return f"becomes {'an' if then == 'error' else 'a'} {then} on {nearest}"

    def _most(self, as_of: date) -> Severity:
        if self.ramp is None or as_of >= day(self.ramp.error):
            return "error"
        return "warning" if as_of >= day(self.ramp.warning) else "notice"


class Policy(Value):
    """A policy pack.

    Args:
        name: Its name.
        version: Its version, `YYYY.MM`.
        minimum: Oldest version that a repository may be on.
        checks: Check id to what the pack says of it.
        documents: The form of the documents of a release.
        gates: Risk tier to the kinds of gate that a model of it must declare.
        asks: Gates that the platform itself asks of every model, whatever its manifest declares.
        benchmarks: Risk tier to the kinds of benchmark that gates must be asked of.
        licences: What is made of the licences of dependencies.
        approvals: Risk tier to the approvals that a release needs; a tier that is not named needs the strictest.
        carries_code: Risk tier to the formats of models that are allowed although loading them runs code in the file.
    """

    name: Id
    version: Version
    minimum: Version
    checks: Mapping[CheckId, Line]
    documents: DocumentFormats = DocumentFormats()
    licences: LicencePolicy = LicencePolicy()
    approvals: Mapping[Tier, ApprovalRule] = {}
    gates: Mapping[Tier, tuple[GateKind, ...]] = {}
    benchmarks: Mapping[Tier, tuple[BenchmarkKind, ...]] = {}
    asks: tuple[Asking, ...] = ()
    carries_code: Mapping[Tier, tuple[Literal["cloudpickle", "pickle"], ...]] = {}

    @property
    def digest(self) -> str:
        """The digest of what the pack says; comments and layout do not count."""
        return digest_json(self.model_dump(mode="json", exclude_unset=True))

    def line(self, check: str) -> Line:
        """What the pack says of a check; one that it does not name is an error at every stage."""
        return self.checks.get(check, Line(severity={}))

    def gates_for(self, manifest: Manifest, model: str) -> tuple[Gate, ...]:
        """The gates that a model must pass: those of its manifest, then the platform's own."""
        return (*manifest.gates_for(model), *asked_of(self.asks, manifest, model))

    def asked(self, manifest: Manifest) -> dict[str, tuple[Gate, ...]]:
        """Each model of an engagement, and the gates that it must pass."""
        return {model.id: self.gates_for(manifest, model.id) for model in manifest.models()}

    def approval_rule(self, tier: Tier) -> ApprovalRule:
        """The approvals that a release of this risk tier needs."""
        return self.approvals.get(tier, STRICTEST)

    def code_formats(self, tier: str) -> tuple[str, ...]:
        """The formats that carry code and are allowed for this risk tier."""
        return next((formats for name, formats in self.carries_code.items() if name == tier), ())


def load_policy(text: bytes, where: str) -> Policy:
    """Read a policy pack.

    Raises:
        BadInput: It is not valid; all faults are listed with their lines.
    """
    read = read_yaml(text, where)
    try:
        return Policy.model_validate_json(json.dumps(read.value))
    except ValidationError as error:
        faults = [
            Fault(f"{where}: {key_path(fault['loc'])}", f"{fault['msg']}.")
            for fault in error.errors(include_url=False, include_context=False)
        ]
        raise BadInput(f"{where} is not a valid policy pack.", faults) from error


def approval_rule(manifest: Manifest) -> ApprovalRule:
    """The approvals that a release of an engagement needs, by its risk tier. This version's own pack decides."""
    return packaged_policy().approval_rule(manifest.engagement.risk_tier)


def code_formats(manifest: Manifest) -> tuple[str, ...]:
    """The formats that carry code and are allowed for an engagement of this risk tier; by default none."""
    return packaged_policy().code_formats(manifest.engagement.risk_tier)


def refuse_code(stored: ModelFormat, tier: str, name: str) -> None:
    """Go no further towards loading a model in a format that carries code, unless the policy pack allows it.

    Args:
        stored: How the model is stored.
        tier: Risk tier of the engagement.
        name: What the model is called, for the message.

    Raises:
        Refused: The pack does not allow the format.
    """
    if stored.carries_code and stored.name not in packaged_policy().code_formats(tier):
        fault = Fault("model_format", f"is {stored.name}, and the policy pack allows it not for tier {tier}.")
        fix = "Store it as skops, ONNX or in the library's own format, and train again."
        raise Refused(f"{name} carries code; loading it would run that.", [fault], fix=fix)


@cache
def packaged_policy() -> Policy:
    """The policy pack that comes with this version."""
    name = f"{PACK}.yaml"
    return load_policy((resources.files("vendorkit.standards") / "packs" / name).read_bytes(), name)
