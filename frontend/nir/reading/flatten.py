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

from frontend.nir.reading.node_check import CheckedNode, check_node
from frontend.nir.reading.ports import source, target
from frontend.nir.reading.raw import MAX_EDGES, MAX_NODES, RawGraph
from ir.errors import CompileError
from ir.graph import free_name

Edge = tuple[str, str]


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """All nodes of a graph and its subgraphs."""

    nodes: Mapping[str, CheckedNode]
    """Unique name -> node."""
    edges: tuple[Edge, ...]
    wires: frozenset[str]
    """The nodes that are ends of subgraphs."""


def flatten(graph: RawGraph) -> FlatGraph:
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
            name = free_name(prefix + key, nodes)
            names[(*path, key)] = name
            nodes[name] = check_node(name, item)
            wires |= {name} if path and item.kind in ("Input", "Output") else set()
            if len(nodes) > MAX_NODES:
                raise CompileError("nir.size", f"the graph has more than {MAX_NODES:,} nodes")
    for path, level in inner_edges:
        edges += _edges(path, level, names)
    return FlatGraph(nodes, tuple(edges), frozenset(wires))


def _edges(path: tuple[str, ...], level: RawGraph, names: Mapping[tuple[str, ...], str]) -> list[Edge]:
    """The edges of one graph between nodes by their unique names."""
    edges: list[Edge] = []
    for edge in level.edges:
        start, end = source(level, edge[0], edge), target(level, edge[1], edge)
        edges.append((names[(*path, *start)], names[(*path, *end)]))
    return edges


def without_wires(graph: FlatGraph) -> tuple[Edge, ...]:
    """
    The edges between nodes that are not wires: one for every way between them.

    Raises:
        CompileError: for a loop of nothing but wires, and beyond `MAX_EDGES`.
    """
    ends: dict[str, list[str]] = {}  # wire -> the nodes to which it leads
    following: dict[str, list[str]] = {wire: [] for wire in graph.wires}
    for start, end in graph.edges:
        if start in graph.wires:
            following[start].append(end)
    for wire in _wires_from_behind(following):
        ends[wire] = _through(following[wire], ends)
    edges = [(start, end) for start, end in graph.edges if start not in graph.wires]
    _check_count([end for _, end in edges], ends)
    return tuple((start, last) for start, end in edges for last in ends.get(end, [end]))


def _wires_from_behind(following: Mapping[str, list[str]]) -> list[str]:
    """The wires, each behind those to which it leads; CompileError for a loop."""
    try:
        return [wire for wire in TopologicalSorter(following).static_order() if wire in following]
    except CycleError as error:
        loop = " -> ".join(reversed(error.args[1]))
        raise CompileError("nir.loop", f"algebraic loop: {loop}", hint="a loop needs a neuron or a delay") from error


def _through(following: list[str], ends: Mapping[str, list[str]]) -> list[str]:
    """The nodes that are reached from a wire, through further wires."""
    _check_count(following, ends)
    return [last for end in following for last in ends.get(end, [end])]


def _check_count(targets: list[str], ends: Mapping[str, list[str]]) -> None:
    """CompileError where edges to so many targets, some of them wires, become too many; they are counted before they are made."""
    if sum(len(ends[end]) if end in ends else 1 for end in targets) > MAX_EDGES:
        raise CompileError("nir.size", f"the graph has more than {MAX_EDGES:,} edges once its subgraphs are resolved")
