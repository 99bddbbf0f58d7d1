"""The checks and the platform's gates, from the code and the policy pack."""

from __future__ import annotations

import inspect
from typing import Any, get_args

from vendorkit.records.manifest import words
from vendorkit.standards.ask import CHECKS
from vendorkit.standards.platform_gates import PREFIX
from vendorkit.standards.policy import Line, Policy, packaged_policy
from vendorkit.standards.waivers import LONGEST_DAYS, NEVER_WAIVED

from generator.form import page, table

STAGES = words.STAGES
TIERS = get_args(words.Tier)


def checks() -> str:
    """`reference/checks.md`, from the checks and the policy pack."""
    pack = packaged_policy()
    head = f"""`vendorkit check` asks each of these of a repository. It runs nothing of the repository, follows no
link and needs no network. A finding has a verdict (`pass`, `fail`, `waived`, `not-yet`, `not-applicable`), and the
policy pack says how severe a `fail` is at the engagement's stage and risk tier. The command ends with 1 when a
finding of severity error fails. Missing evidence is `not-yet`, never a pass.

This is pack `{pack.name}` {pack.version}; repositories on standards older than {pack.minimum} fail MAN-03."""
    waivers = f"""## Waivers

An exception is declared under `waivers` in `engagement.yaml` with a reason, an internal approver, a ticket and
a last day at most {LONGEST_DAYS} days away. It covers one check, or one target of it. {", ".join(NEVER_WAIVED)} cannot
be waived: without them no waiver could be believed."""
    told = (_check(check, pack.line(check.id)) for check in CHECKS.values())
    return page("Checks", head, *told, waivers, _platform_gates(pack))


def _platform_gates(pack: Policy) -> str:
    rows = [
        [f"`{PREFIX}{asking.gate.id}`", asking.gate.kind, f"`{asking.gate.metric}`", asking.benchmark_kind or "none",
         ", ".join(asking.tiers), asking.gate.says]
        for asking in pack.asks
    ]  # fmt: skip
    return f"""## Gates of the platform

Gates that the pack itself asks, on top of those of the manifest. See
[ask a gate of every engagement](../how-to/ask-a-gate-of-every-engagement.md).

{table(["gate", "kind", "metric", "benchmarks of kind", "tiers", "asks"], rows)}"""


def _check(check: Any, line: Line) -> str:
    rows = [[f"{tier} tier", *(_severity(line, stage, tier) for stage in STAGES)] for tier in TIERS]
    if len({tuple(row[1:]) for row in rows}) == 1:
        rows = [["every tier", *rows[0][1:]]]
    skipped = f"\n\nDoes not apply to: {', '.join(line.not_for)}." if line.not_for else ""
    ramp = f"\n\nWarning from {line.ramp.warning}, error from {line.ramp.error}." if line.ramp else ""
    looks = inspect.cleandoc(check.look.__doc__ or "")
    return f"""## {check.id}

**{check.title}.** {check.why}

Answers: {looks}

{table(["severity of a fail", *STAGES], rows)}{skipped}{ramp}"""


def _severity(line: Line, stage: words.Stage, tier: words.Tier) -> str:
    given = line.severity.get(stage, "error")
    return str(given.get(tier, "error") if isinstance(given, dict) else given)
