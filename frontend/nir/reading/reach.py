"""What of a flat graph counts: loops that no state breaks are refused, nodes that influence no output are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from frontend.nir.reading.flatten import Edge, FlatGraph
from frontend.nir.reading.node_check import CheckedNode
from ir.errors import CompileError


def check_loops(nodes: Mapping[str, CheckedNode], edges: tuple[Edge, ...]) -> None:
    """
    Every loop needs a node with state: a neuron, an integrator or a delay above 0.

    Raises:
        CompileError: naming the nodes of a loop that has none.
    """
    stateless = {name for name, node in nodes.items() if not node.primitive.stateful(node.params)}
    before: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        if start in stateless and end in stateless:
            before[end].append(start)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        loop = " -> ".join(error.args[1])
        raise CompileError(
            "nir.loop", f"algebraic loop: {loop}", hint="a loop needs a neuron or a delay above 0"
        ) from error


def influential(nodes: Mapping[str, CheckedNode], edges: tuple[Edge, ...]) -> set[str]:
    """The nodes from which an Output can be reached, and every Input."""
    ends = {kind: {name for name, node in nodes.items() if node.kind == kind} for kind in ("Input", "Output")}
    return _reaching(ends["Output"], edges) | ends["Input"]


def _reaching(ends: set[str], edges: tuple[Edge, ...]) -> set[str]:
    """The ends, and all that lies before them."""
    before: dict[str, list[str]] = defaultdict(list)
    for start, end in edges:
        before[end].append(start)
    reaching, waiting = set(ends), list(ends)
    while waiting:
        for name in before[waiting.pop()]:
            if name not in reaching:
                reaching.add(name)
                waiting.append(name)
    return reaching


def check_ports(graph: FlatGraph) -> None:
    """
    Every Input and Output of a subgraph that counts has a source.

    Raises:
        CompileError: naming the end of the subgraph whose value nothing determines.
    """
    outputs = {name for name, node in graph.nodes.items() if node.kind == "Output" and name not in graph.wires}
    fed = {end for _, end in graph.edges}
    for name in sorted((_reaching(outputs, graph.edges) & graph.wires) - fed):
        raise CompileError(
            "nir.port",
            f"no edge leads to {name}, an {graph.nodes[name].kind} node of a subgraph",
            hint="connect it, or remove what reads it",
        )


def check_fed(nodes: Mapping[str, CheckedNode], edges: tuple[Edge, ...], names: set[str]) -> None:
    """
    All nodes in `names`, those that count, have an input; a neuron may do without, its current is then 0.

    Raises:
        CompileError: naming the node whose value nothing determines.
    """
    fed = {end for _, end in edges}
    for name in sorted(names - fed):
        node = nodes[name]
        if node.kind == "Output":
            raise CompileError(
                "nir.output", f"no edge leads to the Output node {name}", hint="every output needs a source"
            )
        if node.kind != "Input" and not node.primitive.stateful(node.params):
            raise CompileError(
                "nir.input",
                f"node {name} ({node.kind}) has no incoming edge, but others read it",
                hint="connect it, or remove it",
            )
