"""Rewriting a graph node by node: the one loop that the passes share."""

from __future__ import annotations

from collections.abc import Callable

from ir.graph import Graph, GraphBuilder, Node

Rule = Callable[["Rewriter", Node], "str | None"]


class Rewriter:
    """A graph under reconstruction: `rule` is asked about every node and returns the value that replaces it, or None to copy."""

    def __init__(self, graph: Graph, pass_name: str) -> None:
        self.graph, self.pass_name = graph, pass_name
        self.builder = GraphBuilder(graph.name, graph.steps, graph.params, graph.dtype)
        self.values: dict[str, str] = {}

    def run(self, rule: Rule) -> Graph:
        """The rewritten graph, or the very same object where no node changed."""
        changed = False
        for node in self.graph.nodes.values():
            value = rule(self, node)
            changed = changed or value is not None
            self.values[node.name] = value if value is not None else self.builder.copy(node, self.inputs(node))
        if not changed:
            return self.graph
        return self.builder.build({name: self.values[value] for name, value in self.graph.outputs.items()})

    def inputs(self, node: Node) -> tuple[str, ...]:
        """A node's operands as they are named in the new graph."""
        return tuple(self.values[name] for name in node.inputs)
