"""A graph of records as Graphviz DOT, and what a release looks like as one; `graph_drawing` makes it a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vendorkit.documents.plain import clean, counted, short
from vendorkit.records.evidence import Evidence

WIDTH = 34
"""Characters of a line in a box; of its title, which is bold, four less."""


@dataclass(frozen=True)
class Node:
    """One record, dataset or prediction.

    Args:
        id: Unique in its graph, usually a digest.
        kind: What it is, for instance `snapshot`.
        title: Its name for people.
        lines: What else stands in its box.
        broken: Whether it is missing or was changed.
    """

    id: str
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    broken: bool = False

    @property
    def text(self) -> tuple[str, ...]:
        """The lines of its box, cut to its width and safe to show."""
        return (short(self.title, WIDTH - 4), *(short(line, WIDTH) for line in self.lines if line))


@dataclass(frozen=True)
class Graph:
    """Records and the way from what was made of them.

    Args:
        title: What it shows.
        nodes: All nodes.
        edges: Ids: the second was made from, or rests on, the first.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


COLOURS = {
    "snapshot": "#d6eadf",
    "benchmark": "#d6eadf",
    "code": "#e8e2f4",
    "environment": "#e8e2f4",
    "feature-set": "#dbe9f6",
    "run": "#dbe9f6",
    "gate-report": "#fdf0cf",
    "contract": "#dbe9f6",
    "release": "#c9dff2",
    "alias": "#fbe3d0",
    "deployment": "#fbe3d0",
    "prediction": "#fbe3d0",
}
DECIDED = "#fdf0cf"
BROKEN = "#f9c9c5"


def colour(node: Node) -> str:
    """What its box is filled with; decisions of every kind look alike."""
    return BROKEN if node.broken else COLOURS.get(node.kind, DECIDED)


def brief(digest: str) -> str:
    """The beginning of a digest, as people compare it."""
    return digest.removeprefix("sha256:")[:12]


def to_dot(graph: Graph) -> str:
    """The graph in the DOT language of Graphviz."""
    lines = [
        f"digraph {_quoted(clean(graph.title))} {{",
        "  rankdir=LR;",
        f"  label={_quoted(clean(graph.title))}; labelloc=t;",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=10];',
    ]
    for node in graph.nodes:
        label = _quoted("\n".join((node.kind, *node.text)))
        lines.append(f"  {_quoted(node.id)} [label={label}, fillcolor={_quoted(colour(node))}];")
    lines += [f"  {_quoted(source)} -> {_quoted(target)};" for source, target in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def release_graph(evidence: Evidence, after: Iterable[Node] = ()) -> Graph:
    """All records of a release, from its data to what was decided about it.

    Args:
        evidence: The release.
        after: What rests on the release, each on the one before: its deployment and a prediction, say.
    """
    release, run, report = evidence.release, evidence.run, evidence.report
    nodes = [_snapshot(evidence, place) for place in range(len(evidence.snapshots))]
    nodes += [
        Node("code", "code", f"commit {run.code.commit[:12]}", (counted(len(run.code.files), "file"),)),
        Node(run.environment.id, "environment", run.environment.python, (f"lock {brief(run.environment.lock or '')}",)),
        Node(run.features, "feature-set", counted(len(evidence.features.features), "feature"), (brief(run.features),)),
        Node(run.digest, "run", f"trained {run.started_at[:16]}Z", (f"by {run.author.email}", f"seed {run.seed}")),
    ]
    passed = sum(result.verdict == "pass" for result in report.results)
    nodes += [Node(f"benchmark {use.id}", "benchmark", use.id, (counted(use.rows, "row"), brief(use.content_digest)))
              for use in report.benchmarks]  # fmt: skip
    nodes += [
        Node(report.digest, "gate-report", f"{passed} of {len(report.results)} gates passed", (brief(report.digest),)),
        Node(evidence.contract.digest, "contract", counted(len(evidence.contract.fields), "field"), ()),
        Node(release.digest, "release", evidence.name, (brief(release.digest), f"by {release.publisher.email}")),
    ]
    edges = [(snapshot.digest, run.digest) for snapshot in evidence.snapshots]
    edges += [(source, run.digest) for source in ("code", run.environment.id)]
    edges += [(run.features, run.digest), (run.features, evidence.contract.digest), (run.digest, report.digest)]
    edges += [(f"benchmark {use.id}", report.digest) for use in report.benchmarks]
    edges += [(part, release.digest) for part in (report.digest, evidence.contract.digest)]
    for decision in evidence.decisions:
        moved = (decision.alias,) if decision.alias else ()
        lines = (*moved, f"{decision.at[:16]}Z", decision.reason)
        nodes.append(Node(decision.digest, decision.kind, f"by {decision.actor}", lines))
        edges.append((release.digest, decision.digest))
    before = release.digest
    for node in after:
        nodes.append(node)
        edges.append((before, node.id))
        before = node.id
    return Graph(f"Lineage of {evidence.name}", tuple(nodes), tuple(edges))


def _snapshot(evidence: Evidence, place: int) -> Node:
    snapshot = evidence.snapshots[place]
    lines = (counted(snapshot.rows, "row"), f"content {brief(snapshot.content_digest)}")
    return Node(snapshot.digest, "snapshot", snapshot.dataset, lines)


Said = tuple[str, str, str, str]
"""A link of a traced chain: kind, digest, what it says, when."""


def chain_graph(chain: Sequence[Said], missing: Sequence[str], evidence: Evidence | None) -> Graph:
    """A traced chain. With the release's records it shows all of them, else the links as far as they hold.

    Args:
        chain: The links, from what was asked for downwards.
        missing: What is broken or absent.
        evidence: The records of the release, where they hold.
    """
    asked = [_of_link(link) for link in chain]
    broken = [Node(f"broken {place}", "broken", what, (), broken=True) for place, what in enumerate(missing)]
    if evidence:
        served = [node for node in reversed(asked) if node.kind in ("deployment", "prediction")]
        whole = release_graph(evidence, served)
        edges = tuple((evidence.release.digest, node.id) for node in broken)
        return Graph(whole.title, (*whole.nodes, *broken), (*whole.edges, *edges))
    nodes = [*reversed(broken), *reversed(asked)]
    links = [(before.id, after.id) for before, after in pairwise(nodes)]
    return Graph("A broken chain" if broken else "A chain of records", tuple(nodes), tuple(links))


def _of_link(link: Said) -> Node:
    kind, digest, says, at = link
    return Node(digest, kind, says, (at,))
