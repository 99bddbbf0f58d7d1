"""Draft the documents of a candidate, or show those of a release: brief, release notes, model card, datasheets.

They are rendered from the records; only words of the engagement are merged in. What is wrong with these words
(missing, a stub, a figure that differs from the evidence) is listed, and ends the command with 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import model_version, repo_of
from vendorkit.cli.output import Console, Outcome
from vendorkit.errors import BadInput, Fault
from vendorkit.records.finding import Finding

EXAMPLES = ("vendorkit documents --report .vendorkit/drafts", "vendorkit documents credit/3 --show card --format html")
ENDINGS = {"markdown": "md", "html": "html"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "digest of a candidate or its beginning, or a release (default: the newest candidate)"
    parser.add_argument("subject", nargs="?", metavar="CANDIDATE|MODEL/VERSION", help=what)
    parser.add_argument("--show", default="brief", metavar="NAME", help="the one for standard output (default: brief)")
    parser.add_argument("--format", choices=tuple(ENDINGS), default="markdown", help="form on standard output")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write all of them, in every form, into a folder")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.adapters.store import Store  # noqa: PLC0415
    from vendorkit.steps.documents import draft, published  # noqa: PLC0415

    repo = repo_of(args)
    console.progress("rendering the documents ...")
    if args.subject and "/" in args.subject:
        made = published(repo, *model_version(args.subject))
    else:
        made = draft(repo, Store(repo).candidate(args.subject))
    wanted = f"{args.show}.{ENDINGS[args.format]}"
    if wanted not in made.texts:
        raise BadInput("Which document?", [Fault("--show", f"there are: {', '.join(made.names)}.")])
    paths = made.write(args.report) if args.report else {}
    listed = [{"name": name, "path": str(paths[f"{name}.md"]) if paths else None} for name in made.names]
    findings = [
        Finding("words", "fail", "error", fault.says, fault.where, "Publishing refuses it.", fault.fix)
        for fault in made.faults
    ]
    text = made.texts[wanted].rstrip("\n")
    if findings and args.format == "markdown":
        faults = "\n".join(f"- {finding.where}: {finding.says} {finding.fix}".rstrip() for finding in findings)
        text = f"{text}\n\n---\n\nTo mend before it can be published:\n\n{faults}"
    return Outcome({"subject": made.subject, "documents": listed}, text, findings, exit_code=1 if findings else 0)
