"""Ask every declared gate of a candidate: may this model ship?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.records.gate_report import GateReport

EXAMPLES = ("vendorkit gate", "vendorkit gate 3fa9c2 --against champion --format markdown")
FORMATS = ("text", "markdown", "html", "json", "junit", "sarif")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", nargs="?", metavar="CANDIDATE", help="digest or its beginning (default: newest)")
    parser.add_argument("--against", default="champion", metavar="ALIAS|VERSION", help="version to compare with")
    parser.add_argument("--format", choices=FORMATS, default="text", help="form of the report on standard output")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.adapters.store import Store  # noqa: PLC0415

    repo = repo_of(args)
    candidate = Store(repo).candidate(args.candidate)
    console.progress("asking the gates ...")
    from vendorkit.tracking.measurement import Measurements  # noqa: PLC0415

    with Measurements() as measurements:  # it loads its libraries while this process loads its own
        from vendorkit.documents.gate_report import findings  # noqa: PLC0415
        from vendorkit.steps.gate import gate  # noqa: PLC0415

        gated = gate(repo, candidate, against=args.against, measurements=measurements)
    report = gated.report
    against = f"{report.against.model}/{report.against.version}" if report.against else None
    result = {
        "candidate": report.candidate,
        "against": against,
        "passed": report.passed,
        "reports": {form: str(path) for form, path in gated.files.items()},
    }
    return Outcome(result, written(report, args.format), findings(report), exit_code=0 if report.passed else 1)


def written(report: GateReport, form: str) -> str:
    """A report in one of FORMATS."""
    from vendorkit.documents import findings as forms  # noqa: PLC0415
    from vendorkit.documents import gate_report  # noqa: PLC0415

    if form in gate_report.FORMATS:
        return gate_report.FORMATS[form](report)
    return forms.FORMATS[form](f"Gates of {report.model}", gate_report.findings(report))
