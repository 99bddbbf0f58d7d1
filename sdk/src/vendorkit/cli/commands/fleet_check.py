"""Hold every repository of the fleet against the platform's standards, as `vendorkit check` does in each.

Read from the commits of their default branches; nothing of them is run. Ends with 1 when a finding of severity error
fails in one of them.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome
from vendorkit.records.finding import Finding

EXAMPLES = ("vendorkit fleet check", "vendorkit fleet check --id MAN --id DOC-01 --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories (default: all)")
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="a check or family (default: all)")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import brought, opened, reader_of  # noqa: PLC0415
    from vendorkit.documents.plain import clean  # noqa: PLC0415
    from vendorkit.errors import BadInput  # noqa: PLC0415
    from vendorkit.standards.ask import choose  # noqa: PLC0415
    from vendorkit.steps.check import Seen, check_seen  # noqa: PLC0415

    choose(args.id)
    today = datetime.now(UTC).date()
    repos: list[dict[str, Any]] = []
    findings: list[Finding] = []
    lines, passed = [], True
    with opened(args, console) as fleet:
        for row, repository, commit in brought(fleet, args.names):
            try:
                answer = check_seen(Seen(reader_of(repository, row, commit), row.path, {}), args.id, as_of=today)
            except BadInput as error:
                passed = False
                repos.append({"name": row.name, "path": row.path, "ok": False, "counts": None, "error": error.says})
                lines.append(clean(f"{row.name}  cannot be judged: {error.says}"))
                continue
            passed = passed and answer.passed
            stops = [finding for finding in answer.findings if finding.blocks]
            found = [finding.to_value() for finding in answer.findings]
            repos.append({"name": row.name, "path": row.path, "ok": answer.passed, "counts": answer.counts})
            repos[-1] |= {"stage": answer.stage, "findings": found}
            findings += answer.findings
            lines.append(f"{clean(row.name)}  {'passes' if answer.passed else f'{len(stops)} findings stop it'}")
            lines += [f"  {finding.id} {clean(finding.where)}: {clean(finding.says)}" for finding in stops]
    return Outcome({"as_of": today.isoformat(), "repos": repos}, "\n".join(lines), findings, 0 if passed else 1)
