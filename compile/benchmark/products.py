"""The matrix products of a chip graph alone, on made-up numbers: what a simulation must at least pay."""

from __future__ import annotations

from collections.abc import Callable

import torch

from backends.event_driven.eight_bits import fits
from backends.reference.kernels.int8 import Int8Weights, int8_kernels, is_exact
from backends.reference.kernels.product import weighted_sum
from backends.reference.plan.execution_plan import plan_of
from ir.graph import Array, Graph, Node
from ir.ops.base import Op
from ir.ops.linear import Conv, Linear

Run = Callable[[], object]


def float32_products(chip: Graph, steps: int, samples: int, device: torch.device) -> Run:
    """Every weighted product of a window, all steps in the rows of one, in float32."""
    work = [
        (node, _numbers(chip, node, steps, samples).to(device), _weight(chip, node).to(device))
        for node in weighted_nodes(chip)
    ]

    def run() -> None:
        for node, x, weight in work:
            weighted_sum(node, x, weight)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def int8_products(chip: Graph, steps: int, samples: int) -> Run | None:
    """
    The same in bytes on the CPU.

    None where bytes are not summed exactly here, weights have more than eight bits, or a convolution is none for bytes.
    """
    nodes = weighted_nodes(chip)
    weights = [chip.arrays(node)["weight"] for node in nodes]
    if not nodes or not is_exact() or not all(map(fits, weights)):
        return None
    products = [_in_bytes(node.op, weight) for node, weight in zip(nodes, weights, strict=True)]
    work = [
        (product, _as_bytes(node.op, _numbers(chip, node, steps, samples)))
        for node, product in zip(nodes, products, strict=True)
        if product is not None
    ]
    if len(work) < len(nodes):
        return None

    def run() -> None:
        for product, x in work:
            product(x)

    return run


def weighted_nodes(chip: Graph) -> list[Node]:
    """One projection of every product that the reference computes; it merges those that share weights and are summed."""
    steps = plan_of(chip, frozenset()).steps
    groups = dict.fromkeys(term.projections for step in steps for term in (*step.terms, *step.enables))
    nodes = (chip.nodes[group[0]] for group in groups)
    return [node for node in nodes if isinstance(node.op, (Conv, Linear))]


def _numbers(chip: Graph, node: Node, steps: int, samples: int) -> torch.Tensor:
    shape = (steps, samples, *chip.nodes[node.inputs[0]].type.shape)
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.15).float()


def _weight(chip: Graph, node: Node) -> torch.Tensor:
    return torch.tensor(chip.arrays(node)["weight"]).float()


def _in_bytes(op: Op, weight: Array) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The product with packed weights."""
    if isinstance(op, Conv):
        kernels = int8_kernels(op, weight)
        return None if kernels is None else kernels.convolve
    return Int8Weights(weight).product


def _as_bytes(op: Op, x: torch.Tensor) -> torch.Tensor:
    """What it takes, laid out as it wants it."""
    rows = x.to(torch.uint8)
    if not isinstance(op, Conv):
        return rows.reshape(-1, x.shape[-1])
    images = rows.flatten(0, 1)
    return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images
