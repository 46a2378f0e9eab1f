"""The loops among the populations: strongly connected components, and how many populations one step must pass in sequence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ir.graph import Graph, Node
from ir.ops.delay import Delay


def components(readers: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """
    The strongly connected components of a directed graph, each before those that it leads to (Kosaraju and Sharir 1981).

    Args:
        readers: every vertex -> the vertices that its edges lead to.
    """
    sources: dict[str, list[str]] = {name: [] for name in readers}
    for name, targets in readers.items():
        for target in targets:
            sources[target].append(name)
    seen, found = set[str](), list[tuple[str, ...]]()
    for root in reversed(_finished(readers)):
        if root not in seen:
            found.append(tuple(_reached(sources, root, seen)))
    return found


def chip_steps(graph: Graph, loop: Collection[str]) -> int:
    """How many populations of a loop depend on each other within one step: back edges and delays cut the sequence."""
    along: dict[str, int] = {}
    for node in graph.nodes.values():
        before = 0 if _is_late(graph, node) else max((along[name] for name in node.inputs), default=0)
        along[node.name] = before + (node.name in loop)
    return max(along[name] for name in loop)


def _is_late(graph: Graph, node: Node) -> bool:
    """Whether a value holds nothing of the same step."""
    own = graph.arrays(node).get("steps")
    return isinstance(node.op, Delay) and (node.op.steps if own is None else int(own.min())) > 0


def _finished(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The vertices in the order in which a depth-first search leaves them."""
    order: list[str] = []
    seen = set[str]()
    for root in edges:
        stack = [] if root in seen else [(root, iter(edges[root]))]
        seen.add(root)
        while stack:
            name, targets = stack[-1]
            fresh = next((target for target in targets if target not in seen), None)
            if fresh is None:
                order.append(name)
                stack.pop()
            else:
                seen.add(fresh)
                stack.append((fresh, iter(edges[fresh])))
    return order


def _reached(edges: Mapping[str, Iterable[str]], root: str, seen: set[str]) -> list[str]:
    """Everything that a vertex leads to and that nobody has seen; now it is."""
    stack, found = [root], list[str]()
    seen.add(root)
    while stack:
        found.append(stack.pop())
        for name in edges[found[-1]]:
            if name not in seen:
                seen.add(name)
                stack.append(name)
    return found
