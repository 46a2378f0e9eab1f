"""The matrix products of a chip graph alone, on made-up numbers: what a simulation must at least pay."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import torch

from backends.reference.int8 import Int8Weights, fits, is_exact
from backends.reference.plan import plan_of
from backends.reference.product import weighted_sum
from ir.graph import Graph, Node
from ir.ops.linear import Conv, Linear

Run = Callable[[], object]


def float32_products(chip: Graph, steps: int, samples: int, device: torch.device) -> Run:
    """Every weighted product of a window, all steps in the rows of one, in float32."""
    work = [
        (node, _numbers(chip, node, steps, samples).to(device), _weight(chip, node).to(device))
        for node in _weighted(chip)
    ]

    def run() -> None:
        for node, x, weight in work:
            weighted_sum(node, x, weight)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return run


def int8_products(chip: Graph, steps: int, samples: int) -> Run | None:
    """
    The same in bytes on the CPU, convolutions as products with their patches laid out beforehand.

    None where bytes are not summed exactly here, or weights have more than eight bits.
    """
    nodes = _weighted(chip)
    if not nodes or not is_exact() or not all(fits(chip.arrays(node)["weight"]) for node in nodes):
        return None
    work = [_in_bytes(chip, node, steps * samples) for node in nodes]
    return lambda: [packed.product(rows) for packed, rows in work]


def _weighted(chip: Graph) -> list[Node]:
    """One projection of every product that the reference computes; it merges those that share weights and are summed."""
    steps = plan_of(chip, frozenset()).steps
    groups = dict.fromkeys(term.group for step in steps for term in (*step.terms, *step.enables))
    nodes = (chip.nodes[group[0]] for group in groups)
    return [node for node in nodes if isinstance(node.op, (Conv, Linear))]


def _numbers(chip: Graph, node: Node, steps: int, samples: int) -> torch.Tensor:
    shape = (steps, samples, *chip.nodes[node.inputs[0]].type.shape)
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.15).float()


def _weight(chip: Graph, node: Node) -> torch.Tensor:
    return torch.tensor(chip.arrays(node)["weight"]).float()


def _in_bytes(chip: Graph, node: Node, windows: int) -> tuple[Int8Weights, torch.Tensor]:
    """Weights of eight bits as a matrix, and as many rows as the product has."""
    weight = np.asarray(chip.arrays(node)["weight"])
    outputs = len(weight)
    groups = node.op.groups if isinstance(node.op, Conv) else 1
    rows = windows * prod(node.type.shape) // outputs * groups
    matrix = weight.reshape(outputs, -1)[: outputs // groups]
    return Int8Weights(matrix), torch.ones((rows, matrix.shape[1]), dtype=torch.uint8)
