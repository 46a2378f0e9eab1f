"""
Which nodes an edge of a NIR file means: plain names, the port subscripts that NIR documents, and the ends of subgraphs.

A subgraph's ports are its Input and Output nodes: "a.x" is the Input (or Output) "x" of subgraph "a", and "a" alone its only
one. Every other node has one port on each side, "input" and "output". A node's own name wins over a port.
"""

from __future__ import annotations

from frontend.nir.reading.raw import RawGraph, RawNode
from ir.errors import CompileError

SIDES = {"Output": ("source", "output"), "Input": ("target", "input")}
"""Kind of a subgraph's end -> which end of an edge meets it there, and the port's name at other nodes."""


def source(graph: RawGraph, name: str, edge: tuple[str, str]) -> tuple[str, ...]:
    """The node that an edge leaves: its name, or the names of a subgraph and of the Output in it."""
    return _end(graph, name, "Output", edge)


def target(graph: RawGraph, name: str, edge: tuple[str, str]) -> tuple[str, ...]:
    """The node that an edge enters: its name, or the names of a subgraph and of the Input in it."""
    return _end(graph, name, "Input", edge)


def _end(graph: RawGraph, name: str, kind: str, edge: tuple[str, str]) -> tuple[str, ...]:
    """The end of an edge; `kind`: of the nodes that are a subgraph's ports on this side."""
    node, port = _split(graph, name, kind, edge)
    item = graph.nodes[node]
    if isinstance(item, RawNode):
        _check_node(node, item, port, kind, edge)
        return (node,)
    ports = [key for key, inner in item.nodes.items() if isinstance(inner, RawNode) and inner.kind == kind]
    if port in ports:
        return (node, port)
    if len(ports) == 1 and port in ("", SIDES[kind][1]):
        return (node, ports[0])
    listed = ", ".join(f"{node}.{key}" for key in ports[:8]) or "none"
    what = f"edge {edge} does not say which {kind} node of subgraph {node} it means"
    if port or not ports:
        what = f"edge {edge} means an {kind} node {port or kind.lower()!r} that subgraph {node} does not have"
    raise CompileError("nir.port", what, hint=f"there are: {listed}")


def _split(graph: RawGraph, name: str, kind: str, edge: tuple[str, str]) -> tuple[str, str]:
    """A node of the graph and the port at it; the longest name that exists wins."""
    if name in graph.nodes:
        return name, ""
    place = len(name)
    while (place := name.rfind(".", 0, place)) > 0:
        if name[:place] in graph.nodes:
            return name[:place], name[place + 1 :]
    names = ", ".join(list(graph.nodes)[:8]) or "none"
    raise CompileError(
        "nir.edge", f"edge {edge} has the {SIDES[kind][0]} {name!r}, a node that does not exist", hint=f"nodes: {names}"
    )


def _check_node(node: str, item: RawNode, port: str, kind: str, edge: tuple[str, str]) -> None:
    """CompileError where an edge cannot end at a node, or not at this port of it."""
    if item.kind in SIDES and item.kind == kind:
        ends = {"Output": "leaves the Output node", "Input": "enters the Input node"}
        raise CompileError(
            "nir.edge", f"edge {edge} {ends[kind]} {node}", hint="it has an end outside of the graph only"
        )
    if port not in ("", SIDES[kind][1]):
        raise CompileError(
            "nir.port",
            f"edge {edge} means a port {port!r} that node {node} ({item.kind}) does not have",
            hint=f"its only one is {node}.{SIDES[kind][1]}",
        )
