"""Which populations a current adds up in, by definition: what the engines' event counts are compared with."""

from __future__ import annotations


def populations_behind(graph, projection):
    """How many populations take a projection's current, by following it through routing; at least one."""
    reached, stack = set(), [projection]
    while stack:
        name = stack.pop()
        for node in graph.nodes.values():
            if name in node.reads and node.name not in reached:
                reached.add(node.name)
                stack += [node.name] if node.op.family == "routing" else []
    return max(1, sum(graph.nodes[name].op.family == "neuron" for name in reached))
