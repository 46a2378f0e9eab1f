"""What the reference engine decides before it runs: which products to merge, which gates not to materialise, when to forget."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from backends.reference.kernels.number_types import travels
from backends.reference.plan.blocks import Block, ordered
from backends.reference.run.counting import FanOut, fan_outs
from ir.analysis.ranges import magnitudes
from ir.analysis.wiring import wiring_of
from ir.graph import Graph, Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Sum, Synapse
from ir.ops.neuron import Gate, Lif
from ir.types import Type

Group = tuple[str, ...]
"""Projections of the same weights into the same population, computed as one product of the summed sources."""


@dataclass(frozen=True)
class Term:
    """One current of a population: an operand (a projection, seen through routing) that stands for a whole group."""

    value: str
    group: Group


@dataclass(frozen=True)
class Step:
    """
    One population.

    terms: currents that add up. enables: of a gate, the enabling ones. arrivals: projections that feed this population and
    none before it, and whose events must be counted one by one. forget: values that nothing needs afterwards.
    """

    node: Node
    terms: tuple[Term, ...]
    enables: tuple[Term, ...]
    arrivals: tuple[str, ...]
    forget: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """
    The steps in order.

    integer: the graph's arithmetic. loops: value on a loop -> its loop, which runs step by step. bounds: value -> largest sum
    of magnitudes (integer graphs). fan_outs: projections whose events follow from spikes. joint: populations that are never
    materialised -> the two values, before their synapses, whose product they emit.
    """

    graph: Graph
    integer: bool
    steps: tuple[Step, ...]
    joint: Mapping[str, tuple[str, str]]
    bounds: Mapping[str, int]
    fan_outs: Mapping[str, FanOut]
    loops: Mapping[str, Block] = field(default_factory=dict[str, Block])
    _largest: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def real(self) -> torch.dtype:
        """The number type of real values: the source's own."""
        return torch.float64 if self.is_wide else torch.float32

    def travels(self, kind: Type) -> torch.dtype:
        """The number type in which values of a type travel between populations."""
        return travels(kind) if self.integer else self.real

    @property
    def is_wide(self) -> bool:
        """Whether the arithmetic is the source's float64."""
        return not self.integer and self.graph.dtype == "float64"

    @property
    def working(self) -> torch.dtype:
        """The number type in which the operations define themselves."""
        return torch.int64 if self.integer else self.real

    def is_materialised(self, node: Node) -> bool:
        """Whether a value ever exists as a tensor of its full size."""
        return node.name not in self.joint and node.op.kind not in ("expand", "synapse")

    def bound(self, terms: Sequence[Term]) -> int:
        """The largest magnitude that the sum of integer terms can reach, partial sums included."""
        return sum(self.bounds[name] for term in terms for name in term.group)

    def largest_bias(self, node: Node) -> int:
        """The largest magnitude of an integer bias."""
        name = node.param("bias")
        return 0 if name is None else self.largest(name)

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """Value -> the nodes that read it."""
        return self.graph.users()

    @cached_property
    def widest(self) -> int:
        """Elements of the largest value of one sample that ever exists."""
        return max(node.type.size for node in self.graph.nodes.values() if self.is_materialised(node))

    @cached_property
    def updates(self) -> dict[str, int]:
        """Population -> neuron updates per sample and step."""
        return {node.name: node.type.size for node in self.graph.nodes.values() if node.op.family == "neuron"}

    def largest(self, name: str) -> int:
        """The largest magnitude of an integer parameter."""
        if name not in self._largest:
            self._largest[name] = int(np.abs(self.graph.params[name].astype(np.int64)).max(initial=0))
        return self._largest[name]


def plan_of(graph: Graph, probes: frozenset[str]) -> Plan:
    """The plan of a synaptic (float) or quantized (integer) graph; probed populations are materialised."""
    integer = graph.is_integer
    order, blocks = ordered(graph)
    loops = {name: block for block in blocks for name in block.names}
    shown = {*probes, *graph.outputs.values(), *loops, *(name for node in graph.loops for name in node.reads)}
    joint = _joint(graph, shown, wide=not integer and graph.dtype == "float64")
    place = {name: index for index, name in enumerate(order)}
    known = fan_outs(graph)
    steps = sorted(_steps(graph, integer, known), key=lambda step: place[step.node.name])
    bounds = magnitudes(graph) if integer else {}
    return Plan(graph, integer, tuple(_with_lifetimes(graph, steps, joint, loops)), joint, bounds, known, loops)


def _joint(graph: Graph, shown: set[str], wide: bool) -> dict[str, tuple[str, str]]:
    """The populations that are never materialised; a sum of float64 payloads has no product that rounds once."""
    readers = graph.users()
    return {
        node.name: operands
        for node in graph.nodes.values()
        if node.name not in shown
        and not (wide and isinstance(node.op, Gate))
        and readers[node.name]
        and all(isinstance(reader.op, Sum) for reader in readers[node.name])
        and (operands := _joint_operands(graph, node)) is not None
    }


def _steps(graph: Graph, integer: bool, known: Collection[str]) -> list[Step]:
    """The populations in order; a projection that feeds several counts with the first."""
    wiring = wiring_of(graph)
    return [
        _step(
            graph,
            graph.nodes[name],
            integer,
            tuple(p for p in wiring.projections(name) if wiring.targets[p][0] == name and p not in known),
        )
        for name in wiring.feeds
    ]


def _step(graph: Graph, node: Node, integer: bool, arrivals: tuple[str, ...]) -> Step:
    count = node.op.enables if isinstance(node.op, Gate) else 0
    payload = node.inputs[: len(node.inputs) - count]
    enables = node.inputs[len(node.inputs) - count :]
    return Step(node, _terms(graph, payload, integer), _terms(graph, enables, integer), arrivals)


def _terms(graph: Graph, operands: tuple[str, ...], merge: bool) -> tuple[Term, ...]:
    """The operands as terms; equal products behind equal routing merge, which only integers allow without rounding anew."""
    groups: dict[object, list[str]] = {}
    for place, operand in enumerate(operands):
        key = _merge_key(graph, operand) if merge else None
        groups.setdefault(place if key is None else key, []).append(operand)
    return tuple(Term(names[0], tuple(_projection(graph, name) or name for name in names)) for names in groups.values())


def _merge_key(graph: Graph, operand: str) -> object | None:
    """What two operands must share to be merged: the routing on the way, the projection's op and its weights."""
    chain: list[object] = []
    node = graph.nodes[operand]
    while node.op.family == "routing" and len(node.inputs) == 1:
        chain.append((node.op, node.params))
        node = graph.nodes[node.inputs[0]]
    weight = node.param("weight")
    return (*chain, node.op, weight) if weight is not None else None


def _projection(graph: Graph, operand: str) -> str | None:
    """The projection behind an operand, through routing of one operand each."""
    node = graph.nodes[operand]
    while node.op.family == "routing" and len(node.inputs) == 1:
        node = graph.nodes[node.inputs[0]]
    return node.name if node.op.family == "projection" else None


def _joint_operands(graph: Graph, node: Node) -> tuple[str, str] | None:
    """The two values whose product a gate emits, or None where it is no such gate."""
    sources = [graph.nodes[name] for name in node.inputs]
    if node.params or len(sources) != 2 or not all(isinstance(source.op, Synapse) for source in sources):
        return None
    spikes = [graph.nodes[source.inputs[0]].type.domain.kind == "spike" for source in sources]
    if isinstance(node.op, Gate):
        return (
            (sources[0].inputs[0], sources[1].inputs[0]) if spikes[1] and _passes_on(graph, node.op, sources) else None
        )
    if all(spikes) and _is_and(node, sources):
        return sources[0].inputs[0], sources[1].inputs[0]
    return None


def _passes_on(graph: Graph, gate: Gate, sources: list[Node]) -> bool:
    """Whether an opened gate emits its payload as it came: unit weights, no shift, nothing to saturate."""
    payload = graph.nodes[sources[0].inputs[0]].type.domain
    bits = payload.bound if payload.kind == "graded" else 2
    weights = [source.op.weight for source in sources if isinstance(source.op, Synapse)]
    return weights == [1, 1] and gate.shift == 0 and bits <= gate.bits


def _is_and(node: Node, sources: list[Node]) -> bool:
    """Whether a neuron without memory fires exactly when both of its synapses carry a spike."""
    first, second = (float(source.op.weight) for source in sources if isinstance(source.op, Synapse))
    if isinstance(node.op, Lif) and (node.op.decay != 1 or not node.op.is_basic(())):
        return False
    if isinstance(node.op, IntegerLif) and not _forgets(node.op, first, second):
        return False
    if not isinstance(node.op, (Lif, IntegerLif)):
        return False
    kind = np.float32 if isinstance(node.op, Lif) else np.int64
    currents = np.array([0, first, second, first + second]).astype(kind).reshape(1, 4, 1)
    return node.op.run((currents,), {}, 1).ravel().tolist() == [0, 0, 0, 1]


def _forgets(op: IntegerLif, first: float, second: float) -> bool:
    """Whether nothing of a current that did not fire is left after one step."""
    if not op.is_basic or op.u0 or op.v0:
        return False
    unit = 1 << op.decay_bits
    largest = (int(abs(first)) + int(abs(second))) << op.shift
    return op.du == unit - 1 and (largest * (unit - op.dv)) >> op.decay_bits == 0


def _with_lifetimes(
    graph: Graph, steps: list[Step], joint: Mapping[str, tuple[str, str]], loops: Mapping[str, Block]
) -> list[Step]:
    """The steps, each with the values, currents apart, that no later step and no output touches."""
    last: dict[str, int] = {}
    for place, step in enumerate(steps):
        roots = (
            (*joint[step.node.name], step.node.name) if step.node.name in joint else (step.node.name, *step.node.inputs)
        )
        touched = set(roots)
        for term in (*step.terms, *step.enables):
            touched |= set(term.group)
        if step.node.name in loops:
            touched |= {*loops[step.node.name].names, *loops[step.node.name].outside}
        for name in _cone(graph, touched, joint):
            last[name] = place
    for name in _cone(graph, set(graph.outputs.values()), joint):
        last.pop(name, None)
    table: dict[int, list[str]] = {}
    for name, place in last.items():
        if graph.nodes[name].type.domain.kind != "current" or isinstance(graph.nodes[name].op, Sum):
            table.setdefault(place, []).append(name)
    return [replace(step, forget=tuple(table.get(place, ()))) for place, step in enumerate(steps)]


def _cone(graph: Graph, roots: set[str], joint: Mapping[str, tuple[str, str]]) -> set[str]:
    """The values that must be at hand to compute `roots`: back to materialised populations and inputs."""
    stack, seen = list(roots), set[str]()
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        node = graph.nodes[name]
        if name in joint:
            stack.extend(joint[name])
        elif node.op.family not in ("neuron", "input"):
            stack.extend(node.reads)
    return seen
