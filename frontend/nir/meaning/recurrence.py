"""
Where the loops of a NIR network are delayed, and the order in which its nodes can then be computed.

Every edge gets a lag in steps; edges without a lag form no loop. In this order:

1. A Delay of k >= 1 steps (its shortest element) that lies on a loop is where the loop is cut: all edges into it lag k.
2. With a latency, every edge that leaves a spiking neuron lags that many steps (more); with the policy `all`, those on the loops
   that are left lag one at least.
3. What loops are left are closed by back edges, which lag one step: a depth-first search starts from the Input nodes in order
   of their names, then from the ends of the lagging edges in the file's order, then from every other node by name; it follows
   edges in the file's order, and an edge to a node that is still on the search's path is a back edge. With the policy `spikes`
   the lag is not at the back edge itself but at the edges that leave the neurons from which it can be reached without
   passing another neuron.
4. Where every edge out of a stateless node without bias lags equally, its input lags instead: the same values, fewer of them
   analog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

import networkx

from frontend.nir.meaning.neurons import POPULATIONS, SPIKING
from frontend.nir.meaning.projections import is_homogeneous
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNetwork


@dataclass(frozen=True)
class Lags:
    """By how many steps the edges of a network are late; edges are numbered as in the file."""

    lag: tuple[int, ...]
    """Steps by number of the edge."""
    inside: tuple[bool, ...]
    """By number of the edge: whether its ends lie on a common loop, so that only a back edge can delay it."""
    looped: frozenset[str]
    """Nodes that lie on a loop."""
    moved: Mapping[str, int]
    """Delay node -> its first steps, which are in the edges into it."""
    order: tuple[str, ...]
    """The nodes, operands first."""


def lags(network: NirNetwork, semantics: Semantics, shortest: Mapping[str, int]) -> Lags:
    """
    The lags of all edges.

    Args:
        shortest: Delay node -> the steps of its shortest element.
    """
    edges = network.edges
    part = _components(network, range(len(edges)))
    inside = tuple(part[start] == part[end] for start, end in edges)
    lag = [0] * len(edges)
    moved = {
        name: steps
        for name, steps in shortest.items()
        if steps and any(inside[k] and end == name for k, (_, end) in enumerate(edges))
    }
    for k, (_, end) in enumerate(edges):
        lag[k] = moved.get(end, 0)
    _lag_spikes(network, semantics, lag)
    while back := _back_edges(network, lag):
        if semantics.back_edge == "spikes":
            back = _spikes_before(network, back[0], lag)
        for k in back:
            lag[k] = 1
    _retime(network, lag, inside)
    looped = frozenset(start for k, (start, _) in enumerate(edges) if inside[k])
    return Lags(tuple(lag), inside, looped, moved, _order(network, lag, inside))


def _components(network: NirNetwork, chosen: Iterable[int]) -> dict[str, int]:
    """Node -> number of its strongly connected component, over some of the edges; nodes on no loop have one of their own."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(network.nodes)
    graph.add_edges_from(network.edges[k] for k in chosen)
    numbers: dict[str, int] = {}
    for number, part in enumerate(networkx.strongly_connected_components(graph)):
        alone = len(part) == 1 and not graph.has_edge(*(2 * tuple(part)))
        numbers.update(dict.fromkeys(part, -1 - number if alone else number))
    return numbers


def _lag_spikes(network: NirNetwork, semantics: Semantics, lag: list[int]) -> None:
    """Rule 2: edges that leave a spiking neuron."""
    part = _components(network, [k for k in range(len(lag)) if not lag[k]])
    for k, (start, end) in enumerate(network.edges):
        if network.nodes[start].kind in SPIKING:
            least = int(semantics.back_edge == "all" and not lag[k] and part[start] == part[end])
            lag[k] += max(semantics.latency, least)


def _back_edges(network: NirNetwork, lag: list[int]) -> list[int]:
    """Rule 3: the back edges of one depth-first search over the edges without a lag."""
    following: dict[str, list[int]] = {name: [] for name in network.nodes}
    for k, (start, _) in enumerate(network.edges):
        if not lag[k]:
            following[start].append(k)
    restarts = [end for k, (_, end) in enumerate(network.edges) if lag[k]]
    done = set[str]()
    back: list[int] = []
    for root in (*network.inputs, *restarts, *network.nodes):
        if root not in done:
            back += _back_edges_from(root, network, following, done)
    return back


def _back_edges_from(
    root: str, network: NirNetwork, following: Mapping[str, list[int]], done: set[str]
) -> Iterator[int]:
    """The back edges of a depth-first search from one node; nodes that it leaves behind are `done`."""
    path, stack = {root}, [(root, iter(following[root]))]
    while stack:
        name, remaining = stack[-1]
        k = next(remaining, None)
        if k is None:
            stack.pop()
            path.discard(name)
            done.add(name)
            continue
        end = network.edges[k][1]
        if end in path:
            yield k
        elif end not in done:
            path.add(end)
            stack.append((end, iter(following[end])))


def _spikes_before(network: NirNetwork, back: int, lag: list[int]) -> list[int]:
    """The edges out of populations, on the loops of a back edge, that lead to it through stateless nodes only."""
    part = _components(network, [k for k in range(len(lag)) if not lag[k]])
    spikes, waiting, visited = list[int](), [back], set[int]()
    while waiting:
        k = waiting.pop()
        start = network.edges[k][0]
        if k in visited:
            continue
        visited.add(k)
        if network.nodes[start].kind in POPULATIONS:
            spikes.append(k)
            continue
        waiting += [
            edge for edge, (a, b) in enumerate(network.edges) if b == start and not lag[edge] and part[a] == part[b]
        ]
    return spikes


def _retime(network: NirNetwork, lag: list[int], inside: tuple[bool, ...]) -> None:
    """Rule 4, until nothing changes; a lag only ever moves against the edges, so this ends at the neurons."""
    leaving: dict[str, list[int]] = {name: [] for name in network.nodes}
    entering: dict[str, list[int]] = {name: [] for name in network.nodes}
    for k, (start, end) in enumerate(network.edges):
        leaving[start].append(k)
        entering[end].append(k)
    waiting = [name for name in network.nodes if is_homogeneous(network.nodes[name])]
    while waiting:
        name = waiting.pop()
        steps = {lag[k] for k in leaving[name]}
        if len(steps) != 1 or not max(steps) or not all(inside[k] for k in leaving[name]) or len(entering[name]) != 1:
            continue
        for k in leaving[name]:
            lag[k] = 0
        (before,) = entering[name]
        lag[before] += max(steps)
        start = network.edges[before][0]
        waiting += [start] if is_homogeneous(network.nodes[start]) else []


def _order(network: NirNetwork, lag: list[int], inside: tuple[bool, ...]) -> tuple[str, ...]:
    """Operands first; the value at a back edge may be made later, that at a delay line must be there."""
    before: dict[str, list[str]] = {name: [] for name in network.nodes}
    for k, (start, end) in enumerate(network.edges):
        if not (lag[k] and inside[k]):
            before[end].append(start)
    return tuple(TopologicalSorter(before).static_order())
