"""
Ports for what is inside a network: spikes of hidden populations, and membranes.

A membrane gets a node beside its population, with the same operands and parameters, which takes the same steps again and emits v:

    %s = integer_lif(%c, bias=@b) {...}    +    %s.v = integer_potential(%c, bias=@b) {...}

v is what the threshold is compared with, before the reset of a spike of the same step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

from ir.analysis.fan_in import populations
from ir.errors import CompileError
from ir.graph import Graph, Node, free_name
from ir.ops import IntegerLeaky, IntegerLif, IntegerPotential, Leaky, Lif
from ir.ops.base import Op
from ir.ops.float_neurons.potential import potential_of


def with_hidden_ports(chip: Graph, spikes: Sequence[str] = (), membranes: Sequence[str] = ()) -> Graph:
    """
    The chip graph with more outputs: NAME for what population NAME emits, NAME.v for its membrane.

    Raises:
        CompileError: there is no such population, it has no membrane to read, or an output of another value has its name.
    """
    for name in (*spikes, *membranes):
        _check(chip, name)
    nodes, wanted = dict(chip.nodes), {name: name for name in spikes}
    for name in membranes:
        membrane = _membrane(chip, chip.nodes[name], nodes)
        nodes[membrane.name] = membrane
        wanted[f"{name}.v"] = membrane.name
    taken = [output for output, value in wanted.items() if chip.outputs.get(output, value) != value]
    if taken:
        what = f"an output of another value is called {taken[0]!r}"
        raise CompileError("lava.port", what, where=str(chip.nodes[wanted[taken[0]]].provenance))
    return replace(chip, nodes=nodes, outputs={**chip.outputs, **wanted})


def _check(chip: Graph, name: str) -> None:
    known = [node.name for node in populations(chip)]
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise CompileError("lava.port", f"no population {name!r} to make a port for", hint=hint)


def _membrane(chip: Graph, node: Node, taken: Collection[str]) -> Node:
    """What emits the membrane of a population: itself, where it has no threshold."""
    if isinstance(node.op, (Leaky, IntegerLeaky)):
        return node
    op = _potential(node)
    shapes = {role: array.shape for role, array in chip.arrays(node).items()}
    return replace(node, name=free_name(f"{node.name}.v", taken), op=op, type=op.infer(chip.args(node), shapes))


def _potential(node: Node) -> Op:
    """The operation that takes the steps of a neuron and emits its membrane."""
    op, where = node.op, f"%{node.name}  {node.provenance}"
    if getattr(op, "micro", 0):
        raise CompileError("lava.port", "a neuron in micro-steps has no membrane to read", where=where)
    if isinstance(op, IntegerLif):
        neuron = {name: value for name, value in op.attributes().items() if name != "micro"}
        return IntegerPotential(**neuron, bits=op.state_bits)
    if type(op) is Lif:
        return potential_of(op, "before")
    raise CompileError("lava.port", f"a neuron of kind {op.kind} has no membrane to read", where=where)
