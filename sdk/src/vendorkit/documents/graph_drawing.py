"""A graph as SVG: boxes in columns, from what came first to what was made of it; no program of others is needed.

The method is that of Sugiyama, Tagawa and Toda (1981) in its simplest form: the longest path gives the column, a long
edge gets a place of its own in every column that it passes (so that no line crosses a box), and boxes of a column
are ordered by the mean place of their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vendorkit.documents.graph import Graph, Node, colour
from vendorkit.documents.plain import markup

BOX, GAP_X, GAP_Y, LINE, PAD, TOP = 230, 64, 16, 15, 8, 46
"""Pixels: width of a box, space between columns and rows, height of a line, space inside a box, height of the title."""
SWEEPS = 6


@dataclass(frozen=True)
class Spot:
    """Where a box lies, in pixels from the left upper corner; a place that a line passes has no height."""

    left: float
    top: float
    height: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def to_svg(graph: Graph) -> str:
    """The graph as an SVG picture of its own."""
    chains = _chains(graph, columns_of(graph))
    spots = layout(graph)
    width = max((spot.left for spot in spots.values()), default=0) + BOX + GAP_X / 2
    height = max((spot.top + spot.height for spot in spots.values()), default=TOP) + GAP_Y
    title = markup(graph.title)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1b1b1b">'
    )
    lines = [_line([spots[name] for name in chain]) for chain in chains]
    boxes = [_box(node, spots[node.id]) for node in graph.nodes]
    return "\n".join([
        head,
        f"<title>{title}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
        f'<text x="{GAP_X / 2:g}" y="28" font-size="16" font-weight="600">{title}</text>',
        *lines,
        *boxes,
        "</svg>",
    ]) + "\n"  # fmt: skip


def columns_of(graph: Graph) -> dict[str, int]:
    """The column of each node: the longest way to it from a beginning; a beginning stands next to what needs it."""
    after: dict[str, list[str]] = defaultdict(list)
    waiting = {node.id: 0 for node in graph.nodes}
    for source, target in graph.edges:
        after[source].append(target)
        waiting[target] += 1
    columns = dict.fromkeys(waiting, 0)
    ready = [name for name, count in waiting.items() if not count]
    begins = list(ready)
    for name in ready:
        for target in after[name]:
            columns[target] = max(columns[target], columns[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for name in begins:
        columns[name] = min((columns[target] - 1 for target in after[name]), default=columns[name])
    return columns


def layout(graph: Graph) -> dict[str, Spot]:
    """Where each node lies, and each place that a long edge passes."""
    columns = columns_of(graph)
    chains = _chains(graph, columns)
    nodes = {node.id: node for node in graph.nodes}
    for chain in chains:
        for step, name in enumerate(chain):
            columns.setdefault(name, columns[chain[0]] + step)
    rows: dict[int, list[str]] = defaultdict(list)
    for name, column in columns.items():
        rows[column].append(name)
    _order(rows, chains)
    heights = {name: _height(nodes.get(name)) for name in columns}
    tall = {column: sum(heights[name] + GAP_Y for name in names) - GAP_Y for column, names in rows.items()}
    spots = {}
    for column, names in rows.items():
        top = TOP + (max(tall.values()) - tall[column]) / 2
        for name in names:
            spots[name] = Spot(GAP_X / 2 + column * (BOX + GAP_X), top, heights[name])
            top += heights[name] + GAP_Y
    return spots


def _chains(graph: Graph, columns: Mapping[str, int]) -> list[list[str]]:
    """Each edge as the places it passes, one in every column."""
    return [
        [source, *(f"{source} > {target} {step}" for step in range(columns[source] + 1, columns[target])), target]
        for source, target in graph.edges
    ]


def _order(rows: dict[int, list[str]], chains: Sequence[Sequence[str]]) -> None:
    """Sort each column by the mean place of the neighbours on one side, to and fro."""
    beside: dict[int, dict[str, list[str]]] = {-1: defaultdict(list), 1: defaultdict(list)}
    for chain in chains:
        for left, right in pairwise(chain):
            beside[1][left].append(right)
            beside[-1][right].append(left)
    for sweep in range(SWEEPS):
        side = 1 if sweep % 2 else -1
        for column in sorted(rows, reverse=side == 1):
            neighbours = rows.get(column + side, [])
            place = {name: index / max(len(neighbours) - 1, 1) for index, name in enumerate(neighbours)}
            own = {name: index / max(len(rows[column]) - 1, 1) for index, name in enumerate(rows[column])}
            means = {name: _mean([place[near] for near in beside[side][name]], own[name]) for name in rows[column]}
            rows[column].sort(key=lambda name, means=means: means[name])  # type: ignore[misc]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _height(node: Node | None) -> float:
    return 2 * PAD + LINE * (1 + len(node.text)) if node else 0


def _box(node: Node, spot: Spot) -> str:
    kind = markup(node.kind)
    edge = "#b3261e" if node.broken else "#8a8a8a"
    lines = [
        f'<text x="{spot.left + PAD:g}" y="{spot.top + PAD + LINE * (place + 1) - 4:g}"{style}>{text}</text>'
        for place, (text, style) in enumerate(
            [(kind, ' font-size="10" fill="#555"'), *((markup(line), "") for line in node.text)]
        )
    ]
    lines[1:2] = [lines[1].replace("<text ", '<text font-weight="600" ', 1)] if len(lines) > 1 else []
    return (
        f'<g><title>{kind} {markup(node.id)}</title><rect x="{spot.left:g}" y="{spot.top:g}" width="{BOX}" '
        f'height="{spot.height:g}" rx="6" fill="{colour(node)}" stroke="{edge}"/>{"".join(lines)}</g>'
    )


def _line(places: Sequence[Spot]) -> str:
    """A curve from the right side of the first box to the left side of the last."""
    at = (places[0].left + BOX, places[0].middle)
    path = f"M{at[0]:g} {at[1]:g}"
    for place in places[1:]:
        bend = (at[0] + place.left) / 2
        path += f" C{bend:g} {at[1]:g} {bend:g} {place.middle:g} {place.left:g} {place.middle:g}"
        at = (place.left + BOX, place.middle)
        path += f" H{at[0]:g}" if place is not places[-1] else ""
    return f'<path d="{path}" fill="none" stroke="#777" marker-end="url(#tip)"/>'
