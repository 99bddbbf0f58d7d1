"""Graphs as DOT and SVG: complete, safe to show, and without overlaps however the graph looks."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import combinations

import pytest
from lxml import etree
from vendorkit.documents.graph import Graph, Node, chain_graph, release_graph, to_dot
from vendorkit.documents.graph_drawing import BOX, columns_of, layout, to_svg
from vendorkit.records.evidence import Evidence

SVG = "{http://www.w3.org/2000/svg}"


def some_graph(seed: int) -> Graph:
    """A graph of up to 30 nodes without circles."""
    chance = random.Random(seed)
    count = chance.randint(1, 30)
    nodes = tuple(Node(f"n{i}", "run", f"node {i}", ("x",) * chance.randint(0, 3)) for i in range(count))
    edges = tuple((f"n{a}", f"n{b}") for a, b in combinations(range(count), 2) if chance.random() < 2 / count)
    return Graph("some", nodes, edges)


def boxes(text: str) -> list[tuple[float, float, float, float]]:
    found = []
    for group in etree.fromstring(text.encode()).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        left, top, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((left, top, left + width, top + height))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_no_two_boxes_overlap_and_all_lie_inside(seed: int) -> None:
    graph = some_graph(seed)
    text = to_svg(graph)
    found = boxes(text)
    assert len(found) == len(graph.nodes)
    root = etree.fromstring(text.encode())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(a[0] >= 0 and a[2] <= width and a[1] >= 0 and a[3] <= height for a in found)
    apart = [a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for a, b in combinations(found, 2)]
    assert all(apart)


@pytest.mark.parametrize("seed", range(25))
def test_edges_lead_to_the_right_and_pass_no_box(seed: int) -> None:
    graph = some_graph(seed)
    columns, spots = columns_of(graph), layout(graph)
    assert all(columns[source] < columns[target] for source, target in graph.edges)
    ids = {node.id for node in graph.nodes}
    passing = [spot for name, spot in spots.items() if name not in ids]
    for spot in passing:
        beside = [spots[name] for name in ids if spots[name].left == spot.left]
        assert not any(box.top <= spot.middle <= box.top + box.height for box in beside)


def test_a_release_shows_every_record(evidence: Evidence) -> None:
    graph = release_graph(evidence)
    kinds = {node.kind for node in graph.nodes}
    assert kinds >= {"snapshot", "benchmark", "code", "environment", "feature-set", "run", "gate-report", "contract"}
    assert kinds >= {"release", "approval", "promotion"}
    ids = {node.id for node in graph.nodes}
    assert len(ids) == len(graph.nodes)
    assert {end for edge in graph.edges for end in edge} == ids
    text = to_svg(graph)
    assert "credit/1" in text
    assert max(box[2] - box[0] for box in boxes(text)) == BOX


def test_text_from_records_is_only_text() -> None:
    nasty = Node('a"\\', "run", '<script>alert("x")</script>\u202e', ('"]; node [shape=x', "\x1b[31m"))
    graph = Graph('<b>"t', (nasty,), ())
    svg = to_svg(graph)
    assert {element.tag.removeprefix(SVG) for element in etree.fromstring(svg.encode()).iter()} <= {
        "svg", "title", "defs", "marker", "path", "rect", "text", "g"
    }  # fmt: skip
    assert "\u202e" not in svg
    assert "\x1b" not in svg
    assert to_dot(graph).count("\n") == 6


def test_dot_is_read_by_graphviz(evidence: Evidence) -> None:
    if not shutil.which("dot"):
        pytest.skip("needs Graphviz: apt-get install graphviz")
    graph = release_graph(evidence)
    done = subprocess.run(["dot", "-Tplain"], input=to_dot(graph), capture_output=True, text=True, check=True)
    assert sum(line.startswith("node ") for line in done.stdout.splitlines()) == len(graph.nodes)


def test_a_broken_chain_ends_in_what_is_broken() -> None:
    graph = chain_graph([("prediction", "id", "credit/1 answered 0.2", "now")], ["model.skops: is changed"], None)
    assert [node.broken for node in graph.nodes] == [True, False]
    assert graph.edges == (("broken 0", "id"),)
    assert "model.skops" in to_svg(graph)
