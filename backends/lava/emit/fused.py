"""The fused emission: the whole network in few processes of our own model, since every process costs time at every step."""

from __future__ import annotations

from collections.abc import Mapping

from backends.lava.core.core import Core, core_groups
from backends.lava.core.dtypes import port_dtype
from backends.lava.core.recording import Recording
from backends.lava.core.stage import READOUT, roots_of
from backends.lava.core.worker import CoreWorker
from backends.lava.emit.blueprint import Blueprint, CorePart, Part, Port, emission_of, finish
from backends.lava.timing import Timing
from ir.analysis.fan_in import fan_in_cone
from ir.graph import Graph
from ir.ops.linear import Linear

NS_PER_SYNAPSE, NS_PER_EVENT_DRIVEN, NS_PER_NEURON = 0.04, 0.005, 8.0
"""
What one core needs, roughly: products at 25 G/s, or by events where a fifth of the inputs are active, and a neuron's update with
the counting of its activity.
"""
NS_WORTH_A_PROCESS = 5e7
"""
Work per step that justifies one more process: keeping it in step with the others costs 0.1 to 0.3 ms, and what goes between them
15 ms at the published size.
"""
MOST_PROCESSES = 3


def fuse(graph: Graph, timing: Timing, recordings: Mapping[str, Recording], processes: int | None = None) -> Blueprint:
    """The network as one to three cores (or as many as `processes` says); `recordings` says what to record."""
    readouts = [name for name in (emission_of(graph, output) for output in graph.outputs) if name.startswith(READOUT)]
    costs = {group: sum(_cost(graph, name) for name in group) for group in core_groups(graph, timing)}
    costs |= {(name,): 0.0 for name in readouts}
    number = processes or min(MOST_PROCESSES, 1 + int(sum(costs.values()) / NS_WORTH_A_PROCESS))
    cores = {f"core{k}": Core(graph, timing, emits, recordings) for k, emits in enumerate(_shares(costs, number))}
    return connect(graph, timing, cores)


def connect(graph: Graph, timing: Timing, cores: Mapping[str, Core]) -> Blueprint:
    """Cores as parts, a wire for every emission that another core or an output reads."""
    outputs = {output: emission_of(graph, output) for output in graph.outputs}
    read = {name for core in cores.values() for name in core.receives} | set(outputs.values())
    sends = {part: tuple(name for name in core.emits if name in read) for part, core in cores.items()}
    port_of: dict[str, Port] = {node.name: ("", node.name) for node in graph.inputs}
    for part, names in sends.items():
        port_of |= {name: (part, f"out_{k}") for k, name in enumerate(names)}
    wires = [(port_of[name], (part, f"in_{k}")) for part, core in cores.items() for k, name in enumerate(core.receives)]
    wires += [(port_of[emission], ("", output)) for output, emission in outputs.items()]
    parts: dict[str, Part] = {part: CorePart(CoreWorker(core, sends[part])) for part, core in cores.items()}
    return finish(graph, timing, parts, wires, port_dtype(graph))


def _cost(graph: Graph, emission: str) -> float:
    """Work per step of one population, in nanoseconds."""
    wiring = fan_in_cone(graph, roots_of(graph, emission)).nodes
    shapes = {name: array.shape for name, array in graph.params.items()}
    products = sum(
        n.op.synapses(graph.args(n), {role: shapes[key] for role, key in n.params})
        * (NS_PER_EVENT_DRIVEN if isinstance(n.op, Linear) else NS_PER_SYNAPSE)
        for n in wiring
    )
    return products + NS_PER_NEURON * graph.nodes[emission].type.size


def _shares(costs: Mapping[tuple[str, ...], float], processes: int) -> list[list[str]]:
    """Consecutive groups of populations, split where the running cost passes equal shares; no share is empty."""
    share = sum(costs.values()) / processes
    shares: list[list[str]] = [[]]
    spent = 0.0
    for names, cost in costs.items():
        if shares[-1] and spent >= share * len(shares) and len(shares) < processes:
            shares.append([])
        shares[-1] += names
        spent += cost
    return shares
