"""Follow the chain of records from a prediction or a release down to data, code and environment."""

from __future__ import annotations

import argparse
from pathlib import Path

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

EXAMPLES = ("vendorkit trace credit/3", "vendorkit trace 0195f3a0-8c1e-7b7a-9f62-1f0c6b9d2a11 --json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="ID", help="a prediction id, or MODEL/VERSION")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form on standard output")
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="folder of prediction logs by model")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    import json  # noqa: PLC0415

    from vendorkit.steps.trace import trace  # noqa: PLC0415

    answer = trace(repo_of(args), args.subject, logs=args.predictions)
    if args.format == "json":
        text = json.dumps(answer.to_value(), indent=2, ensure_ascii=False)
    else:
        lines = []
        for link in answer.chain:
            who = f" ({link.who})" if link.who else ""
            lines.append(f"{link.kind:<12} {link.digest[:19]:<19}  {link.at:<24}  {link.says}{who}")
        verdict = "The chain is complete." if answer.complete else "The chain is BROKEN:"
        text = "\n".join([*lines, verdict, *(f"  {what}" for what in answer.missing)])
    return Outcome(answer.to_value(), text, exit_code=0 if answer.complete else 1)
