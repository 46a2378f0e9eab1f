"""What a plan needs on a device: parameters, packed weights, routes; each converted once and kept for all runs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from backends.reference.kernels.device_kernels import DeviceKernels, WeightedProjection
from backends.reference.kernels.product import (
    accumulator,
    exact_weighted_sum,
    largest_term_sum,
    weighted_sum,
)
from backends.reference.kernels.routing import Route, route_of
from backends.reference.kernels.values import OwnNumbers
from backends.reference.kernels.weighted_products import BYTES, SourceSum, ValueOf, WeightedProduct
from backends.reference.plan.execution_plan import ExecutionPlan
from ir.analysis.ranges import fits_float32
from ir.graph import Node
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear

MOST_IN_A_BYTE = 127
"""The largest sum of magnitudes that bytes of either sign hold."""


class DeviceParameters:
    """The parameters of a plan on a device, and its products in that device's kernels."""

    def __init__(self, plan: ExecutionPlan, device: torch.device, kernels: DeviceKernels) -> None:
        self.plan, self.device, self.kernels = plan, device, kernels
        self._tensors: dict[tuple[str, torch.dtype], torch.Tensor] = {}
        self._products: dict[tuple[str, ...], WeightedProduct] = {}
        self._routes: dict[str, Route] = {}

    def tensor(self, param: str, dtype: torch.dtype) -> torch.Tensor:
        """A weight or bias in a dtype."""
        if (param, dtype) not in self._tensors:
            self._tensors[param, dtype] = torch.tensor(self.plan.graph.params[param]).to(self.device, dtype)
        return self._tensors[param, dtype]

    def tensors(self, node: Node) -> dict[str, torch.Tensor]:
        """A node's parameters by role, in the dtype of its definition; delays are whole numbers in any network."""
        dtype = self.plan.definition_dtype
        return {role: self.tensor(param, torch.int64 if role == "steps" else dtype) for role, param in node.params}

    def bias(self, node: Node, dtype: torch.dtype) -> torch.Tensor | None:
        """A population's bias, or None where it has none."""
        param = node.param("bias")
        return None if param is None else self.tensor(param, dtype)

    def own_numbers(self, op: IntegerLif, node: Node, dtype: torch.dtype) -> OwnNumbers:
        """What single neurons of a population of plain ones have."""
        param = node.param("vth")
        level = None if param is None else op.level({"vth": self.tensor(param, torch.int64)}).to(dtype)
        return OwnNumbers(self.bias(node, dtype), level)

    def product(self, projections: tuple[str, ...]) -> WeightedProduct:
        """The product of projections that share their weights: by a kernel that is proven exact, or by its definition."""
        if projections not in self._products:
            self._products[projections] = self._prepared(projections)
        return self._products[projections]

    def route(self, node: Node) -> Route:
        """How a routing node acts; integers are merged in a dtype that holds the sum of their bounds."""
        if node.name not in self._routes:
            of_currents = self.plan.integer and node.type.domain.kind == "current"
            dtype = accumulator(self.plan.bounds[node.name]) if of_currents else self.plan.travel_dtype(node.type)
            self._routes[node.name] = route_of(node, self.tensors(node), dtype if self.plan.integer else None)
        return self._routes[node.name]

    def _prepared(self, projections: tuple[str, ...]) -> WeightedProduct:
        plan, node = self.plan, self.plan.graph.nodes[projections[0]]
        sources = self._sources(projections)
        param = node.param("weight")
        if not plan.integer or not isinstance(node.op, Linear | Conv) or param is None:
            return DefinedProduct(self, node, projections, sources)
        reach = sum(plan.bounds[plan.graph.nodes[name].inputs[0]] for name in projections)
        if not fits_float32(plan.largest_row_sum(param) * reach):
            return DefinedProduct(self, node, projections, sources)
        weight, device_weight = plan.graph.params[param], self.tensor(param, torch.float32)
        in_int8 = self._in_int8(sources)
        return self.kernels.product(WeightedProjection(node.op, sources, weight, device_weight, in_int8))

    def _sources(self, projections: tuple[str, ...]) -> SourceSum:
        """What the projections read, to be added up exactly."""
        names = tuple(self.plan.graph.nodes[name].inputs[0] for name in projections)
        most = sum(self.plan.bounds[name] for name in names) if len(names) > 1 else 0
        return SourceSum(names, accumulator(most) if most > MOST_IN_A_BYTE else None)

    def _in_int8(self, sources: SourceSum) -> bool:
        """Whether int8 holds the sum of the sources."""
        dtypes = [self.plan.travel_dtype(self.plan.graph.nodes[name].type) for name in sources.names]
        if dtypes == [torch.int8]:
            return True
        return set(dtypes) <= set(BYTES) and sum(self.plan.bounds[name] for name in sources.names) <= MOST_IN_A_BYTE


@dataclass(frozen=True)
class DefinedProduct:
    """Projections for which no kernel is proven exact: in a dtype that is exact, or rounds once, their definition."""

    parameters: DeviceParameters
    node: Node
    """The first of the projections."""
    projections: tuple[str, ...]
    sources: SourceSum
    scale: int = 1

    def current(self, value: ValueOf) -> torch.Tensor:
        """The current (T, B, ...), in the dtype of the sum, or of real values."""
        x, plan, param = self.sources.total(value), self.parameters.plan, self.node.param("weight")
        dtype = self._accumulator(x)
        weight = None if param is None else self.parameters.tensor(param, dtype)
        if plan.is_wide:
            return exact_weighted_sum(self.node, x, weight)
        y = weighted_sum(self.node, x.to(dtype), weight)
        return y if plan.integer else y.to(torch.float32)

    unscaled = current

    def _accumulator(self, x: torch.Tensor) -> torch.dtype:
        """The dtype in which the sums are exact (integers), or rounded only once (the source's arithmetic)."""
        plan = self.parameters.plan
        if not plan.integer:
            return torch.float64
        dtype = accumulator(sum(plan.bounds[name] for name in self.projections))
        is_dense = isinstance(self.node.op, Linear)
        if dtype == torch.float32 or not is_dense or not self.parameters.kernels.reads_values:
            return dtype
        return accumulator(largest_term_sum(x, plan.largest_mantissa(dict(self.node.params)["weight"])))
