"""
Splits a network into phases: each runs on host, chip and host, and hands what it computed over its whole window to the next.

A phase ends where neurons need what only a host can compute from spikes (means over the window, attention over time, products
of two analog values): the chip has to have finished its window first. Neurons whose windows differ in length are phases of their
own, too. A network without such a place is one phase, itself.

    %q = lif(%a) : spike[8]                     phase 1  %q = lif(%a), %m = time_sum(%q)     output m = %m, q = %q
    %m = time_sum(%q) : real[8] static     ->   phase 2  %m = input() : real[8] static
    %f = add(%m, %q) : real[8]                           %q = input() : spike[8]
    %s = lif(%f) : spike[8]                              %f = add(%m, %q), %s = lif(%f)      output s = %s

Each phase is a network for the pipeline by itself. What it reads of earlier ones are its inputs, named like the values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Set

from ir.analysis.reach import downstream, made_of_spikes, upstream
from ir.analysis.windows import in_window, windows_of_neurons
from ir.graph import Graph, GraphBuilder, Node
from ir.ops import BatchNorm, Input, MatMul, Mul, Scale
from ir.ops.over_time.by_step import ByStep
from ir.verify import BETWEEN_NEURONS


def split_phases(graph: Graph) -> tuple[Graph, ...]:
    """
    The phases of a traced network, in order; the last one has the network's outputs.

    A host operation on a loop of neurons is left where it is: `split_host` refuses it.
    """
    numbers = phase_numbers(graph)
    last = max(numbers.values(), default=1)
    return (graph,) if last == 1 else tuple(_phase(graph, numbers, number, last) for number in range(1, last + 1))


def phase_numbers(graph: Graph) -> dict[str, int]:
    """Value -> the number of the phase that computes it, from 1."""
    neurons = {node.name for node in graph.nodes.values() if node.op.family == "neuron"}
    for_the_chip = {node.name for node in graph.nodes.values() if _is_for_the_chip(graph, node)}
    needed = upstream(graph, neurons, within=for_the_chip)
    places = _places(graph, downstream(graph, neurons), needed, for_the_chip)
    used = sorted({places[name] for name in neurons})
    return {name: 1 + bisect_left(used, place) for name, place in places.items()}


def _is_for_the_chip(graph: Graph, node: Node) -> bool:
    """Whether a chip can compute it between neurons; it has no product of two analog values, nor gates for what is no spike."""
    if isinstance(node.op, Mul | MatMul) and not any(_carries_spikes(graph, name) for name in node.inputs):
        return False
    of_steps = isinstance(node.op, ByStep) or (isinstance(node.op, BatchNorm) and node.op.timed)
    if of_steps and not made_of_spikes(graph, node.inputs[0]):
        return False
    return node.op.kind in BETWEEN_NEURONS


def _carries_spikes(graph: Graph, name: str) -> bool:
    """Whether a value is spikes or payloads, by a constant factor or otherwise arranged: lowering multiplies these."""
    node = graph.nodes[name]
    if node.type.is_spiking or not (isinstance(node.op, Scale) or node.op.family == "routing") or not node.inputs:
        return node.type.is_spiking
    return all(_carries_spikes(graph, each) for each in node.inputs)


def _places(graph: Graph, behind: Set[str], needed: Set[str], for_the_chip: Set[str]) -> dict[str, int]:
    """
    Value -> its place in a row that has one for every window of neurons, then these again, and so on; around loops until
    nothing changes.

    Args:
        behind: what is computed from neurons. needed: what neurons read by ways that a chip can compute.
        for_the_chip: what a chip can compute.
    """
    windows = list(dict.fromkeys(windows_of_neurons(graph).values()))
    places, hosted = dict.fromkeys(graph.nodes, 0), set[str]()
    for _ in range(2 + len(graph.loops)):
        before = dict(places)
        for node in graph.nodes.values():
            on_chip = node.name in needed
            later = [places[name] + (on_chip and name in hosted) for name in node.reads]
            place = max([places[node.name], *later])
            steps = node.type.steps or graph.steps
            fits = on_chip and not node.type.static and steps in windows
            places[node.name] = place + (windows.index(steps) - place) % len(windows) if fits else place
            waits = node.name not in for_the_chip or not hosted.isdisjoint(node.reads)
            if node.name in behind and not on_chip and waits:
                hosted.add(node.name)
        if places == before:
            return places
    return dict.fromkeys(graph.nodes, 0)  # a host operation lies on a loop, which no phases could run


def _phase(graph: Graph, numbers: Mapping[str, int], number: int, last: int) -> Graph:
    """The nodes of one phase with what they read as inputs, and as outputs what later phases read, in its own window."""
    steps = next(steps for name, steps in windows_of_neurons(graph).items() if numbers[name] == number)
    graph = in_window(graph, steps)
    own = [node for node in graph.nodes.values() if numbers[node.name] == number and node.op.kind != "input"]
    builder = GraphBuilder(f"{graph.name}.phase{number}", graph.steps, graph.params, graph.dtype)
    outputs = dict(graph.outputs) if number == last else _read_later(graph, numbers, number)
    names = {node.name for node in own}
    read = {name for node in own for name in node.reads} | set(outputs.values())
    for node in graph.nodes.values():
        if node.name in read - names or (number == 1 and node.op.kind == "input"):
            builder.add(Input(str(node.type)), name=node.name, provenance=node.provenance)
        elif node.name in names:
            builder.copy(node, node.inputs)
    return builder.build(outputs)


def _read_later(graph: Graph, numbers: Mapping[str, int], number: int) -> dict[str, str]:
    """What later phases, or the network's outputs, need of a phase."""
    later = (node for node in graph.nodes.values() if numbers[node.name] > number)
    read: Iterable[str] = [*(name for node in later for name in node.reads), *graph.outputs.values()]
    own = [n for n in dict.fromkeys(read) if numbers[n] == number and graph.nodes[n].op.kind != "input"]
    return {name: name for name in own}
