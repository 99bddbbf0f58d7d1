"""Forward and backward: what was made from a dataset, what a release is made of, where it was live, what it answered.

The answer is what the registry says; `vendorkit trace` verifies one release. The first call reads the whole registry
into an index below .vendorkit/, later ones only what is new.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vendorkit.cli.arguments import repo_of
from vendorkit.cli.output import Console, Outcome

if TYPE_CHECKING:
    from vendorkit.documents.graph import Graph, Node
    from vendorkit.steps.lineage import LineageAnswer, Traced

EXAMPLES = ("vendorkit lineage --dataset sha256:f60223dce6d4", "vendorkit lineage --since 2026-11-01 --json")
FORMATS = ("text", "json", "dot", "svg")
MOST_SHOWN = 30
"""Releases that people are shown; JSON and DOT have all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", metavar="DIGEST", help="digest of a snapshot or its content, or its beginning")
    parser.add_argument("--release", metavar="MODEL/VERSION", help="only this release")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="predictions from then on: RFC 3339, or a date")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="predictions before then")
    parser.add_argument("--format", choices=FORMATS, default="text", help="form on standard output")
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="folder of prediction logs by model")


def run(args: argparse.Namespace, console: Console) -> Outcome:
    import json  # noqa: PLC0415

    from vendorkit.steps.lineage import lineage  # noqa: PLC0415

    answer = lineage(
        repo_of(args),
        dataset=args.dataset,
        release=args.release,
        since=args.since,
        until=args.until,
        logs=args.predictions,
    )
    if args.format == "json":
        text = json.dumps(answer.to_value(), indent=2, ensure_ascii=False)
    elif args.format == "text":
        text = _text(answer)
    else:
        text = _picture(answer, args.format)
    return Outcome(answer.to_value(), text)


def _moment(text: str) -> datetime:
    """A time or a day; UTC where no zone is named."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the first and the last day of the calendar may be none in UTC
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected 2026-11-01 or 2026-11-01T12:00:00Z") from None


def _text(answer: LineageAnswer) -> str:
    from vendorkit.documents.plain import counted, hanging, shortened  # noqa: PLC0415

    if not answer.releases and not answer.candidates:
        return "Nothing is known of it."
    lines = [line for entry in answer.releases[-MOST_SHOWN:] for line in _lines(entry)]
    if len(answer.releases) > MOST_SHOWN:
        lines.insert(0, f"... {len(answer.releases) - MOST_SHOWN} older releases; --json has all")
    lines += [f"candidate {name}, never published" for name in answer.candidates]
    counts = answer.to_value()["counts"]
    told = f"{counted(counts['releases'], 'release')}, {counts['ever_live']} ever live, {counts['live_now']} live now"
    shown = [hanging("  " if line[0] == " " else "", shortened(line)) for line in lines]
    return "\n".join([*shown, f"{told}; {counted(counts['predictions'], 'prediction')}."])


def _lines(entry: Traced) -> list[str]:
    from vendorkit.documents.plain import counted  # noqa: PLC0415
    from vendorkit.steps.lineage import answered_at  # noqa: PLC0415

    known = entry.known
    name = f"{known.model}/{known.version}"
    lines = [f"{name} {known.release} registered {_second(known.created_at)} trained by {known.author}"]
    lines += [f"  from {use.dataset} {use.content_digest}" for use in known.datasets]
    for time in entry.live:
        until = _second(time.until) if time.until else "now"
        lines.append(f"  {time.alias} from {_second(time.since)} to {until} (by {time.by})")
    if entry.predictions:
        seen = entry.predictions
        first, last = answered_at(seen.first), answered_at(seen.last)
        count = counted(seen.count, "prediction")
        lines.append(f"  {count}, {_second(first)} to {_second(last)}; for instance {seen.sample[0]}")
    return lines


def _second(at: str) -> str:
    """A time to the second."""
    return f"{at[:19]}Z"


def _picture(answer: LineageAnswer, form: str) -> str:
    from vendorkit.documents.graph import to_dot  # noqa: PLC0415
    from vendorkit.documents.graph_drawing import to_svg  # noqa: PLC0415

    graph = _graph(answer)
    return (to_dot(graph) if form == "dot" else to_svg(graph)).rstrip("\n")


def _graph(answer: LineageAnswer) -> Graph:
    from vendorkit.documents.graph import Graph, Node, brief  # noqa: PLC0415
    from vendorkit.documents.plain import counted  # noqa: PLC0415

    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []

    def link(source: str, node: Node) -> None:
        nodes.setdefault(node.id, node)
        edges.append((source, node.id))

    for entry in answer.releases:
        known = entry.known
        name = f"{known.model}/{known.version}"
        nodes[name] = Node(name, "release", name, (brief(known.release), known.created_at[:16] + "Z"))
        for use in known.datasets:
            data = f"{use.dataset} {use.content_digest}"
            nodes.setdefault(data, Node(data, "snapshot", use.dataset, (f"content {brief(use.content_digest)}",)))
            edges.append((data, name))
        for place, time in enumerate(entry.live):
            until = f"to {time.until[:16]}Z" if time.until else "to now"
            lines = (f"from {time.since[:16]}Z", until, f"by {time.by}")
            link(name, Node(f"{name} {place}", "alias", f"{known.model}@{time.alias}", lines))
        if entry.predictions:
            count = counted(entry.predictions.count, "prediction")
            link(name, Node(f"{name} answered", "prediction", count, (entry.predictions.first,)))
    title = " ".join(f"{key} {value}" for key, value in answer.asked.items() if value) or "all releases"
    return Graph(f"Lineage: {title}", tuple(nodes.values()), tuple(edges))
