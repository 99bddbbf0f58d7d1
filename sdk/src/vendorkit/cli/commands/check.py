"""Hold the repository against the platform's standards.

Nothing of the repository is run. Ends with 1 when a finding of severity error fails.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from vendorkit.cli.output import Console, Outcome

EXAMPLES = (
    "vendorkit check                                 all checks, as of today",
    "vendorkit check MAN-04 --format sarif           one check, for a code scanner",
)

FORMATS = ("text", "json", "junit", "sarif", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check`."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="checks or families to ask (default: all)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="what to write (default: text)")
    parser.add_argument("--report", metavar="DIR", type=Path, help="write every format into this folder as well")
    parser.add_argument("--as-of", metavar="YYYY-MM-DD", type=_day, help="the date to judge by (default: today, UTC)")


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date like 2026-11-22, not {text!r}") from None


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """Ask, render, answer."""
    from vendorkit.adapters.engagement import find_engagement  # noqa: PLC0415
    from vendorkit.documents import findings as documents  # noqa: PLC0415
    from vendorkit.steps.check import check  # noqa: PLC0415

    repo = find_engagement(Path(args.repo) if args.repo else None)
    answer = check(repo, args.ids, as_of=args.as_of or datetime.now(UTC).date())
    if args.report:
        args.report.mkdir(parents=True, exist_ok=True)
        for name, write in documents.FORMATS.items():
            text = write(answer.title, answer.findings)
            (args.report / documents.FILE_NAMES[name]).write_text(f"{text}\n", encoding="utf-8")
        console.progress(f"reports are in {args.report}")
    result = {
        "policy": answer.policy,
        "as_of": answer.as_of,
        "engagement": answer.engagement,
        "stage": answer.stage,
        "counts": answer.counts,
    }
    text = documents.FORMATS[args.format](answer.title, answer.findings)
    return Outcome(result, text, answer.findings, 0 if answer.passed else 1)
