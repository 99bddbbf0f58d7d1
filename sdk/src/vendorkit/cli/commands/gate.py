"""Ask every declared gate of a candidate: may this model ship?"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit gate --report .vendorkit/gate", "vendorkit gate 3fa9c2 --against champion --format markdown")
FORMATS = ("text", "markdown", "html", "json", "junit", "sarif", "prometheus")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", nargs="?", metavar="CANDIDATE", help="digest or its beginning (default: newest)")
    parser.add_argument("--model", help="only candidates of this model (default: any)")
    parser.add_argument("--against", default="champion", metavar="ALIAS|VERSION", help="version to compare with")
    parser.add_argument("--format", choices=FORMATS, default="text", help="form of the report on standard output")
    says = "seconds that one measurement may take; after them its gate is an error (default: 1800)"
    parser.add_argument("--time-limit", type=time_limit, default=1800.0, metavar="SECONDS", help=says)
    parser.add_argument("--report", metavar="DIR", type=Path, help="write every form into this folder as well")


def time_limit(text: str) -> float:
    """A number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.adapters.store import Store  # noqa: PLC0415

    repo = repo_of(args)
    candidate = Store(repo).candidate(args.candidate, args.model)
    from vendorkit.tracking.measurement import Measurements  # noqa: PLC0415

    with Measurements(args.time_limit) as measurements:  # it loads its libraries while this process loads its own
        from vendorkit.documents.gate_report import FORMATS as FORMS  # noqa: PLC0415
        from vendorkit.documents.gate_report import findings, to_text  # noqa: PLC0415
        from vendorkit.steps.gate import gate  # noqa: PLC0415

        gated = gate(repo, candidate, against=args.against, measurements=measurements, progress=console.bar)
    report = gated.report
    files = dict(gated.files)
    if args.report:
        args.report.mkdir(parents=True, exist_ok=True)
        files = {form: Path(shutil.copyfile(path, args.report / path.name)) for form, path in files.items()}
        console.progress(f"reports are in {args.report}")
    against = f"{report.against.model}/{report.against.version}" if report.against else None
    result = {
        "candidate": report.candidate,
        "against": against,
        "passed": report.passed,
        "reports": {form: str(path) for form, path in files.items()},
    }
    text = to_text(report, colour=console.coloured) if args.format == "text" else FORMS[args.format](report)
    return Outcome(result, text.rstrip("\n"), findings(report), exit_code=0 if report.passed else 1)
