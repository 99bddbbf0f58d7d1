"""The policy pack: severities by stage, tier and date."""

from __future__ import annotations

from datetime import date

import pytest
from vendorkit.errors import BadInput
from vendorkit.standards.policy import load_policy, packaged_policy

PACK = b"""
name: platform-standards
version: "2026.11"
minimum: "2026.06"
checks:
  MAN-04:
    severity: {kickoff: notice, delivery: {low: notice, medium: warning, high: error}}
    ramp: {warning: 2026-12-01, error: 2027-01-15}
    not_for: [vendor-only]
"""


def test_the_packaged_policy() -> None:
    policy = packaged_policy()
    assert (policy.name, policy.version) == ("platform-standards", "2026.11")
    assert policy.digest.startswith("sha256:")
    assert policy.line("MAN-04").severity_at("delivery", "high", date(2026, 11, 22)) == "warning"
    assert policy.line("MAN-01").severity_at("kickoff", "low", date(2026, 11, 22)) == "error"


def test_a_check_that_the_pack_does_not_name_is_an_error() -> None:
    assert packaged_policy().line("XYZ-99").severity_at("kickoff", "low", date(2026, 1, 1)) == "error"


@pytest.mark.parametrize(
    ("day", "severity", "becomes"),
    [
        (date(2026, 11, 30), "notice", "becomes a warning on 2026-12-01"),
        (date(2026, 12, 1), "warning", "becomes an error on 2027-01-15"),
        (date(2027, 1, 15), "error", ""),
    ],
)
def test_a_new_check_gets_severe_by_dates(day: date, severity: str, becomes: str) -> None:
    line = load_policy(PACK, "pack.yaml").line("MAN-04")
    assert line.severity_at("delivery", "high", day) == severity
    assert line.becomes("delivery", "high", day) == becomes
    assert line.severity_at("kickoff", "high", day) == "notice"
    assert line.becomes("kickoff", "high", day) == ""


def test_remarks_do_not_change_the_digest_and_severities_do() -> None:
    policy = load_policy(PACK, "pack.yaml")
    assert load_policy(b"# remark\n" + PACK, "pack.yaml").digest == policy.digest
    assert load_policy(PACK.replace(b"high: error", b"high: warning"), "pack.yaml").digest != policy.digest


def test_a_wrong_pack_is_refused_with_all_faults() -> None:
    with pytest.raises(BadInput) as caught:
        load_policy(PACK.replace(b"high: error", b"high: fatal").replace(b"2026.06", b"soon"), "pack.yaml")
    assert len(caught.value.faults) >= 2
