"""The one place that prints: people's text, the JSON envelope, and errors.

People read standard output; progress and errors go to standard error. With `--json`, standard output is
exactly one JSON document.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from vendorkit.errors import VendorkitError
from vendorkit.records.finding import Finding

if TYPE_CHECKING:
    from tqdm import tqdm

INTERRUPTED = 130
_PAINT = re.compile(r"(\x1b\[(?:0|31|32|33)m)")
"""The colours that our own reports use."""


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
    """Writes for one command.

    Args:
        command: Its name; empty where the command line has none.
        as_json: Whether standard output is one JSON document.
        quiet: Whether to leave out progress.
        as_text: Whether people read standard output; else it is a form of its own (SVG, Markdown), and left as it is.
    """

    def __init__(self, command: str, *, as_json: bool, quiet: bool = False, as_text: bool = True) -> None:
        self.command = command
        self.as_json = as_json
        self.quiet = quiet
        self.as_text = as_text
        self._begun = ""
        self._bar: tqdm[NoReturn] | None = None

    @property
    def coloured(self) -> bool:
        """Whether people read standard output on a terminal that shows colours (https://no-color.org)."""
        return not self.as_json and sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def progress(self, line: str) -> None:
        """One line of progress on standard error."""
        if not self.quiet:
            if self._bar is not None:
                self._bar.clear()
            _write(harmless(line), sys.stderr)
            if self._bar is not None:
                self._bar.refresh()

    def bar(self, says: str, done: int, of: int | None = None) -> None:
        """How far something is (a `records.progress.Progress`): a bar on a terminal, elsewhere a line as it begins."""
        if self.quiet:
            return
        if says != self._begun:
            self._end_bar()
            self._begun = says
            if sys.stderr.isatty():
                from tqdm import tqdm  # noqa: PLC0415

                many = of is None or of >= 10_000  # 66k of rows, but 6 of repositories
                self._bar = tqdm(
                    total=of, desc=says, file=sys.stderr, leave=False, unit="", unit_scale=many, dynamic_ncols=True
                )
            else:
                _write(says, sys.stderr)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def outcome(self, outcome: Outcome) -> int:
        """Show what a command found; gives the exit code."""
        self._end_bar()
        if self.as_json:
            self._envelope(outcome.exit_code, outcome.result, [finding.to_value() for finding in outcome.findings])
        elif outcome.text:
            _write(self._seen(outcome.text) if self.as_text else outcome.text, sys.stdout)
        return outcome.exit_code

    def _seen(self, text: str) -> str:
        """Text for people, in which only our own colours act on the terminal."""
        if "\x1b" not in text or not self.coloured:
            return harmless(text)
        return "".join(part if place % 2 else harmless(part) for place, part in enumerate(_PAINT.split(text)))

    def error(self, error: VendorkitError) -> int:
        """Show an error; gives the exit code."""
        self._end_bar()
        if self.as_json:
            faults = [{"where": fault.where, "says": fault.says, "fix": fault.fix} for fault in error.faults]
            with suppress(OSError):  # standard output itself may be what refused
                self._envelope(error.exit_code, {"error": error.says, "faults": faults, "fix": error.fix}, [])
                return error.exit_code
        _write(harmless(f"{' '.join(['vendorkit', self.command]).strip()}: {error}"), sys.stderr)
        return error.exit_code

    def interrupted(self) -> int:
        """Say that the person stopped it; gives the exit code."""
        self._end_bar()
        if self.as_json:
            self._envelope(INTERRUPTED, {"error": "Interrupted.", "faults": [], "fix": "Run it again."}, [])
        else:
            _write("interrupted; nothing is left half done", sys.stderr)
        return INTERRUPTED

    def _envelope(self, exit_code: int, result: dict[str, Any], findings: list[dict[str, Any]]) -> None:
        envelope = {
            "schema": f"vendorkit/{self.command.partition(' ')[0] or 'usage'}/1",
            "ok": exit_code == 0,
            "exit_code": exit_code,
            "result": result,
            "findings": findings,
        }
        text = json.dumps(envelope, indent=2, ensure_ascii=False)
        try:
            text.encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError:
            text = json.dumps(envelope, indent=2)
        _write(text, sys.stdout)


def harmless(text: str) -> str:
    """Text for a terminal: what would move, colour, hide or turn what others wrote is written out instead."""
    if text.isascii() and text.replace("\n", "").isprintable():  # most of what there is
        return text
    from vendorkit.documents.plain import visible  # noqa: PLC0415  (seldom)

    return "\n".join(map(visible, text.split("\n")))


def _write(text: str, stream: TextIO) -> None:
    """Print a line. Where nobody reads any more (`| head`), or progress has no place, the exit code still tells.

    Raises:
        OSError: Standard output takes no more: what is there must not pass for the answer.
    """
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        if stream is not sys.stderr and not isinstance(error, BrokenPipeError):
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # or Python complains when it flushes at its end
        os.close(nowhere)
