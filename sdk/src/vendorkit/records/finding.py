"""A finding: the answer to one pass/fail question, by a check or a gate."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "error", "waived", "not-yet", "not-applicable"]
Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True)
class Finding:
    """One answer.

    Args:
        id: Id of the check or gate.
        verdict: `error` means that it could not run; that is never a pass.
        severity: What a `fail` means now, by the policy pack.
        says: One plain sentence.
        where: `file:line`, key path, or empty.
        why: Why it matters.
        fix: One command or edit that mends it.
        facts: More values for `--json`, for instance a gate's `value` and `limit`.
    """

    id: str
    verdict: Verdict
    severity: Severity
    says: str
    where: str = ""
    why: str = ""
    fix: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        """Whether this finding makes the whole answer a no."""
        return self.verdict in ("fail", "error") and self.severity == "error"

    def to_value(self) -> dict[str, Any]:
        """The finding as plain JSON values, with its facts beside the fixed fields."""
        value = asdict(self)
        return {**value.pop("facts"), **value}
