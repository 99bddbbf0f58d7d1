"""Follow the chain of records from a prediction or a release down to data, code and environment.

The text shows digests by their first 12 digits and times to the second; the other forms have them in full.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.steps.trace import TraceAnswer

EXAMPLES = ("vendorkit trace credit/3", "vendorkit trace 0195f3a0-8c1e-7b7a-9f62-1f0c6b9d2a11 --format svg > why.svg")
FILES = {
    "text": "trace.txt",
    "json": "trace.json",
    "dot": "lineage.dot",
    "svg": "lineage.svg",
    "openlineage": "openlineage.ndjson",
    "cyclonedx": "bom.cdx.json",
    "in-toto": "attestations.intoto.jsonl",
}
"""Format and the file that `--report` writes."""
OF_A_WHOLE_CHAIN = ("openlineage", "cyclonedx", "in-toto")
"""Formats that tell of a release; there is nothing to tell when its records do not hold."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="ID", help="a prediction id, or MODEL/VERSION")
    parser.add_argument("--format", choices=tuple(FILES), default="text", help="form on standard output")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write every format into this folder")
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="folder of prediction logs by model")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    from vendorkit.errors import Fault, Refused  # noqa: PLC0415
    from vendorkit.steps.trace import trace  # noqa: PLC0415

    wanted = args.report is not None or args.format not in ("text", "json")
    answer = trace(repo_of(args), args.subject, logs=args.predictions, with_evidence=wanted)
    if args.format in OF_A_WHOLE_CHAIN and answer.evidence is None:
        why = "its surroundings are not known" if answer.untold else "the chain is broken"
        faults = answer.untold or [Fault(args.subject, what) for what in answer.missing]
        raise Refused(f"There is nothing to show as {args.format}: {why}.", faults)
    renderers = _renderers()
    if args.report:
        args.report.mkdir(parents=True, exist_ok=True)
        for name, file in FILES.items():
            if answer.evidence or name not in OF_A_WHOLE_CHAIN:
                (args.report / file).write_text(renderers[name](answer), encoding="utf-8")
    return Outcome(
        answer.to_value(), renderers[args.format](answer).rstrip("\n"), exit_code=0 if answer.complete else 1
    )


def _text(answer: TraceAnswer) -> str:
    """The chain as people read it: digests by their beginning and times to the second; JSON has them in full."""
    from vendorkit.documents.plain import clean, hanging, shortened  # noqa: PLC0415

    lines = []
    for link in answer.chain:
        says = link.says.removeprefix(link.kind).lstrip(":, ")  # a decision's sentence begins with its kind
        seen = f"{clean(link.at)[:19]}Z  {shortened(clean(link.digest))}  {clean(link.who)}".rstrip()
        lines += [hanging(f"{clean(link.kind):<12} ", shortened(says)), f"{'':<12} {seen}"]
    verdict = "The chain is complete." if answer.complete else "The chain does not hold:"
    return "\n".join([*lines, verdict, *(hanging("  ", what) for what in answer.missing)]) + "\n"


def _renderers() -> dict[str, Callable[[TraceAnswer], str]]:
    """Each format and how an answer becomes text in it."""
    import json  # noqa: PLC0415

    from vendorkit.documents.cyclonedx import bill_of_materials  # noqa: PLC0415
    from vendorkit.documents.graph import Graph, chain_graph, to_dot  # noqa: PLC0415
    from vendorkit.documents.graph_drawing import to_svg  # noqa: PLC0415
    from vendorkit.documents.intoto import statements  # noqa: PLC0415
    from vendorkit.documents.openlineage import events_of  # noqa: PLC0415
    from vendorkit.records.evidence import Evidence  # noqa: PLC0415

    def as_json(value: object, indent: int | None = 2) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=False) + "\n"

    def graph(answer: TraceAnswer) -> Graph:
        links = [(link.kind, link.digest, link.says, link.at) for link in answer.chain]
        return chain_graph(links, answer.missing, answer.evidence)

    def told(render: Callable[[Evidence], object], *, by_line: bool = False) -> Callable[[TraceAnswer], str]:
        def text(answer: TraceAnswer) -> str:
            value = render(answer.evidence) if answer.evidence else []
            return (
                "".join(as_json(part, None) for part in value)
                if by_line and isinstance(value, list)
                else as_json(value)
            )

        return text

    return {
        "text": _text,
        "json": lambda answer: as_json(answer.to_value()),
        "dot": lambda answer: to_dot(graph(answer)),
        "svg": lambda answer: to_svg(graph(answer)),
        "openlineage": told(events_of, by_line=True),
        "cyclonedx": told(bill_of_materials),
        "in-toto": told(statements, by_line=True),
    }
