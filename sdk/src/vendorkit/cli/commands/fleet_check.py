"""Hold every repository of the fleet against the platform's standards, as `vendorkit check` does in each.

Read from the commits of their default branches; nothing of them is run. Ends with 1 when a finding of severity error
fails in one of them.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vendorkit.cli.fleet import add_jobs
from vendorkit.cli.output import Console, Outcome
from vendorkit.records.finding import Finding

if TYPE_CHECKING:
    from vendorkit.fleet.inventory import Row
    from vendorkit.steps.check import CheckAnswer

EXAMPLES = ("vendorkit fleet check", "vendorkit fleet check --id MAN --id DOC-01 --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="these repositories (default: all)")
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="a check or family (default: all)")
    add_jobs(parser)


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.cli.fleet import code_of, given_of, of_each, opened, reader_of  # noqa: PLC0415
    from vendorkit.documents.plain import clean  # noqa: PLC0415
    from vendorkit.errors import VendorkitError  # noqa: PLC0415
    from vendorkit.fleet.facts import one_line  # noqa: PLC0415
    from vendorkit.standards.ask import choose  # noqa: PLC0415
    from vendorkit.steps.check import Seen, check_seen  # noqa: PLC0415

    choose(args.id)
    today = datetime.now(UTC).date()
    repos: list[dict[str, Any]] = []
    findings: list[Finding] = []
    lines, errors = [], []

    def judge(row: Row, repository: Path, commit: str) -> CheckAnswer:
        given = partial(given_of(fleet, today), repository, row, commit)
        return check_seen(Seen(reader_of(repository, row, commit), row.path, {}, given=given), args.id, as_of=today)

    with opened(args, console) as fleet:
        for row, answer in of_each(fleet, args.names, judge):
            repos.append({"name": row.name, "path": row.path, "ok": False, "counts": None})
            if isinstance(answer, VendorkitError):
                errors.append(answer)
                repos[-1]["error"] = one_line(answer)
                lines.append(clean(f"{row.name} cannot be judged: {one_line(answer)}"))
                continue
            stops = [finding for finding in answer.findings if finding.blocks]
            repos[-1] |= {"ok": answer.passed, "counts": answer.counts, "stage": answer.stage}
            repos[-1]["findings"] = [finding.to_value() for finding in answer.findings]
            findings += answer.findings
            verdict = (
                "passes"
                if answer.passed
                else f"{len(stops)} {'finding stops' if len(stops) == 1 else 'findings stop'} it"
            )
            lines.append(f"{clean(row.name)}  {verdict}")
            lines += [f"  {finding.id} {clean(finding.where)}: {clean(finding.says)}" for finding in stops]
    code = code_of(errors, no=not all(each["ok"] for each in repos if "error" not in each))
    return Outcome({"as_of": today.isoformat(), "repos": repos}, "\n".join(lines), findings, code)
