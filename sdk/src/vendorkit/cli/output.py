"""The one place that prints: people's text, the JSON envelope, and errors.

People read standard output; progress and errors go to standard error. With `--json`, standard output is
exactly one JSON document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vendorkit.errors import VendorkitError
from vendorkit.records.finding import Finding


@dataclass(frozen=True)
class Outcome:
    """What a command found out.

    Args:
        result: The `result` of the JSON envelope.
        text: What people read on standard output.
        findings: Answers of checks or gates.
        exit_code: 0 yes, 1 a verdict says no.
    """

    result: dict[str, Any]
    text: str = ""
    findings: Sequence[Finding] = field(default=())
    exit_code: int = 0


class Console:
    """Writes for one command."""

    def __init__(self, command: str, *, as_json: bool, quiet: bool) -> None:
        self.command = command
        self.as_json = as_json
        self.quiet = quiet

    def progress(self, line: str) -> None:
        """One line of progress on standard error."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def outcome(self, outcome: Outcome) -> int:
        """Show what a command found; gives the exit code."""
        if self.as_json:
            self._envelope(
                outcome.exit_code, outcome.result, [finding.to_value() for finding in outcome.findings]
            )
        elif outcome.text:
            print(outcome.text, flush=True)
        return outcome.exit_code

    def error(self, error: VendorkitError) -> int:
        """Show an error; gives the exit code."""
        if self.as_json:
            faults = [{"where": fault.where, "says": fault.says, "fix": fault.fix} for fault in error.faults]
            result = {"error": error.says, "faults": faults, "fix": error.fix}
            self._envelope(error.exit_code, result, [])
        else:
            print(f"vendorkit {self.command}: {error}", file=sys.stderr, flush=True)
        return error.exit_code

    def _envelope(self, exit_code: int, result: dict[str, Any], findings: list[dict[str, Any]]) -> None:
        envelope = {
            "schema": f"vendorkit/{self.command}/1",
            "ok": exit_code == 0,
            "exit_code": exit_code,
            "result": result,
            "findings": findings,
        }
        print(json.dumps(envelope, indent=2, ensure_ascii=False), flush=True)
