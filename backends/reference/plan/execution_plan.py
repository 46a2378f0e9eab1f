"""What the reference engine decides before it runs: which products to merge, which gates not to materialise, when to forget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from backends.event_driven.eight_bits import row_shifts
from backends.reference.kernels.values import travel_dtype
from backends.reference.plan.equal_products import equal_events, equal_products
from backends.reference.plan.loop_blocks import LoopBlock, ordered
from backends.reference.plan.steps import Step, steps_of
from backends.trace import trace_dtype
from ir.analysis.and_gates import contractible_gates
from ir.analysis.fan_out import UniformFanOut, fan_out, uniform_fan_outs
from ir.analysis.ranges import magnitudes
from ir.analysis.weight_groups import WeightGroup
from ir.analysis.wiring import populations_fed, wiring_of
from ir.graph import Array, Graph, Node
from ir.ops.linear import Conv
from ir.ops.neuron import Gate
from ir.types import Type


@dataclass(frozen=True)
class ExecutionPlan:
    """How a graph is computed: its populations in order."""

    graph: Graph
    integer: bool
    """Whether the graph's arithmetic is that of the chip's integers."""
    steps: tuple[Step, ...]
    contracted: Mapping[str, tuple[str, str]]
    """Populations that are never materialised -> the two values, before their synapses, whose product they emit."""
    bounds: Mapping[str, int]
    """Value -> largest sum of magnitudes, for integer graphs."""
    fan_outs: Mapping[str, UniformFanOut]
    """Projections whose events follow from spikes."""
    loops: Mapping[str, LoopBlock]
    """Value on a loop -> its loop, which runs step by step."""
    products: Mapping[str, str]
    """Projection -> the one whose product it shares, which is kept until its last reader."""
    equal_events: Mapping[str, str]
    """Projection -> the counted one that has as many events for every population."""
    _largest: dict[str, int] = field(default_factory=dict[str, int])
    _rows: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    @property
    def is_wide(self) -> bool:
        """Whether the arithmetic is the source's float64."""
        return not self.integer and self.graph.dtype == "float64"

    @property
    def real_dtype(self) -> torch.dtype:
        """The dtype of real values: the source's own."""
        return torch.float64 if self.is_wide else torch.float32

    @property
    def definition_dtype(self) -> torch.dtype:
        """The dtype in which the operations define themselves."""
        return torch.int64 if self.integer else self.real_dtype

    def travel_dtype(self, type_: Type) -> torch.dtype:
        """The dtype in which values of a type travel between populations."""
        return travel_dtype(type_) if self.integer else self.real_dtype

    def stored_dtype(self, node: Node) -> torch.dtype:
        """The dtype in which a trace keeps a population."""
        return torch.from_numpy(np.empty(0, trace_dtype(self.graph, node.type))).dtype

    def is_materialised(self, node: Node) -> bool:
        """Whether a value ever exists as a tensor of its full size."""
        return node.name not in self.contracted and node.op.kind not in ("expand", "synapse")

    def bound(self, terms: Sequence[WeightGroup]) -> int:
        """The largest magnitude that the sum of integer terms can reach, partial sums included."""
        return sum(self.bounds[name] for term in terms for name in term.projections)

    def largest(self, param: str) -> int:
        """The largest magnitude in an integer parameter."""
        if param not in self._largest:
            self._largest[param] = int(np.abs(self.graph.params[param].astype(np.int64)).max(initial=0))
        return self._largest[param]

    def largest_mantissa(self, param: str) -> int:
        """
        The largest weight of a matrix, powers of two that its row shares apart.

        A float that holds every sum of the mantissas of a row holds every sum of its weights.
        """
        return self._of_rows(param, "mantissa", lambda rows: np.abs(rows).max(axis=1, initial=0))

    def largest_row_sum(self, param: str) -> int:
        """The largest sum of magnitudes of a row, powers of two that the row shares apart."""
        return self._of_rows(param, "row sum", lambda rows: np.abs(rows).sum(axis=1))

    def _of_rows(self, param: str, what: str, number: Callable[[Array], Array]) -> int:
        if (param, what) not in self._rows:
            weight = self.graph.params[param]
            rows = weight.reshape(len(weight), -1).astype(np.int64)
            self._rows[param, what] = int((number(rows) >> row_shifts(weight)).max(initial=0))
        return self._rows[param, what]

    def largest_bias(self, node: Node) -> int:
        """The largest magnitude of an integer bias."""
        param = node.param("bias")
        return 0 if param is None else self.largest(param)

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

    @cached_property
    def populations_fed(self) -> dict[str, int]:
        """Projection -> how many populations its synapses lead to."""
        return populations_fed(self.graph)

    @cached_property
    def arriving_synapses(self) -> dict[str, int]:
        """Projection of `arrivals`, convolutions apart -> synapses per element that it reads, into one population."""
        names = (name for step in self.steps for name in step.arrivals)
        nodes = [node for node in map(self.graph.nodes.__getitem__, names) if not isinstance(node.op, Conv)]
        return {node.name: int(fan_out(self.graph, node).item()) for node in nodes}


def plan_of(graph: Graph, probes: frozenset[str]) -> ExecutionPlan:
    """The plan of a synaptic (float) or quantized (integer) graph; probed populations are materialised."""
    integer, fan_outs = graph.is_integer, uniform_fan_outs(graph)
    order, blocks = ordered(graph)
    loops = {name: block for block in blocks for name in block.names}
    contracted = _contracted(graph, {*probes, *loops}, wide=not integer and graph.dtype == "float64")
    products = equal_products(graph, without=loops.keys())
    events = equal_events(graph, wiring_of(graph).targets.keys() - fan_outs.keys())
    return ExecutionPlan(
        graph=graph,
        integer=integer,
        steps=steps_of(graph, order, {*fan_outs, *events}, contracted, loops, products),
        contracted=contracted,
        bounds=magnitudes(graph) if integer else {},
        fan_outs=fan_outs,
        loops=loops,
        products=products,
        equal_events=events,
    )


def _contracted(graph: Graph, materialised: Collection[str], wide: bool) -> dict[str, tuple[str, str]]:
    """The populations that are never materialised; a sum of float64 payloads has no product that rounds once."""
    gates = contractible_gates(graph, materialised)
    return {
        name: gate.operands for name, gate in gates.items() if not (wide and isinstance(graph.nodes[name].op, Gate))
    }
