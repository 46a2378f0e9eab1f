"""
Subgraphs -> one flat graph: the node "b" of the subgraph "a" becomes "a.b".

The Input and Output nodes of subgraphs stay in the flat graph as `wires` at first, so that the shapes which they record are
checked like all others; `without_wires` then turns every way through wires into one edge.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from frontend.nir.fresh import fresh
from frontend.nir.reading.checked import CheckedNode, checked_node
from frontend.nir.reading.ports import source, target
from frontend.nir.reading.raw import MAX_EDGES, MAX_NODES, RawGraph
from ir.errors import CompileError

Edge = tuple[str, str]


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """Checked nodes by unique names, the edges between them, and which nodes are ends of subgraphs."""

    nodes: Mapping[str, CheckedNode]
    edges: tuple[Edge, ...]
    wires: frozenset[str]


def flattened(graph: RawGraph) -> FlatGraph:
    """
    The flat graph; names of outer nodes are kept where an inner name would be the same.

    Raises:
        CompileError: for nodes that are not valid, for edges to nodes or ports that do not exist, and beyond `MAX_NODES`.
    """
    nodes: dict[str, CheckedNode] = {}
    edges: list[Edge] = []
    wires: set[str] = set()
    names: dict[tuple[str, ...], str] = {}
    levels: deque[tuple[tuple[str, ...], str, RawGraph]] = deque([((), "", graph)])
    inner_edges: list[tuple[tuple[str, ...], RawGraph]] = []
    while levels:
        path, prefix, level = levels.popleft()
        inner_edges.append((path, level))
        for key, item in level.nodes.items():
            if isinstance(item, RawGraph):
                levels.append(((*path, key), f"{prefix}{key}.", item))
                continue
            name = fresh(prefix + key, nodes)
            names[(*path, key)] = name
            nodes[name] = checked_node(name, item)
            wires |= {name} if path and item.kind in ("Input", "Output") else set()
            if len(nodes) > MAX_NODES:
                raise CompileError("nir.size", f"the graph has more than {MAX_NODES:,} nodes")
    for path, level in inner_edges:
        edges += _edges(path, level, names)
    return FlatGraph(nodes, tuple(edges), frozenset(wires))


def _edges(path: tuple[str, ...], level: RawGraph, names: Mapping[tuple[str, ...], str]) -> list[Edge]:
    found: list[Edge] = []
    for edge in level.edges:
        start, end = source(level, edge[0], edge), target(level, edge[1], edge)
        found.append((names[(*path, *start)], names[(*path, *end)]))
    return found


def without_wires(graph: FlatGraph) -> tuple[Edge, ...]:
    """
    The edges between nodes that are not wires: one for every way between them.

    Raises:
        CompileError: for a loop of nothing but wires, and beyond `MAX_EDGES`.
    """
    ways: dict[str, list[str]] = {}
    following: dict[str, list[str]] = {wire: [] for wire in graph.wires}
    for start, end in graph.edges:
        if start in graph.wires:
            following[start].append(end)
    for wire in _wires_from_behind(following):
        ways[wire] = _ends(following[wire], ways)
    return tuple((start, last) for start, end in _bounded(graph, ways) for last in ways.get(end, [end]))


def _bounded(graph: FlatGraph, ways: Mapping[str, list[str]]) -> list[Edge]:
    edges = [(start, end) for start, end in graph.edges if start not in graph.wires]
    _check_count(sum(len(ways[end]) if end in ways else 1 for _, end in edges))
    return edges


def _wires_from_behind(following: Mapping[str, list[str]]) -> list[str]:
    try:
        return [wire for wire in TopologicalSorter(following).static_order() if wire in following]
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        raise CompileError("nir.loop", f"algebraic loop: {loop}", hint="a loop needs a neuron or a delay") from error


def _ends(following: list[str], ways: Mapping[str, list[str]]) -> list[str]:
    _check_count(sum(len(ways[end]) if end in ways else 1 for end in following))
    return [last for end in following for last in ways.get(end, [end])]


def _check_count(edges: int) -> None:
    if edges > MAX_EDGES:
        raise CompileError("nir.size", f"the graph has more than {MAX_EDGES:,} edges once its subgraphs are resolved")
