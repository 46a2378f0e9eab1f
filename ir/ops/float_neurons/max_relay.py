"""The neuron that takes the largest of many currents as it is, where a chip compares them one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.ops.base import Shapes, Value
from ir.ops.membrane import ANALOG_BITS
from ir.ops.pool import MaxPool
from ir.ops.population import dendrite_shape, total_current
from ir.types import Type, graded


@dataclass(frozen=True)
class MaxRelay(MaxPool):
    """A memoryless neuron per window of a `MaxPool`, which emits the largest total current in it as a payload."""

    kind = "max_relay"
    family = "neuron"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = dendrite_shape(self, args, params)
        return Type(super().infer((Type(shape),), {}).shape, graded(ANALOG_BITS))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return super().run((total_current(args, params, steps),), {}, steps)

    def neurons(self, result: Type) -> int:
        return result.size
