"""The synaptic filter whose input holds its own leak back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.membrane import ANALOG_BITS
from ir.ops.population import State, Stepwise, check_params, dendrite_shape
from ir.types import Type, graded


@dataclass(frozen=True)
class GatedFilter(Stepwise):
    """
    i <- i - (1 - x) i decay + x, from 0; i is emitted at every step. Spikes x: i + 1 at a spike, (1 - decay) i without.

    It does not commute with weights, as a linear filter would: it must stand where the model has it, between spikes and
    weights.
    """

    kind = "gated_filter"
    decay: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        shape = dendrite_shape(self, args, params)
        check_params(self, params, (), shape)
        expect(0 <= self.decay <= 1, "gated_filter.decay", f"a decay of {self.decay} is not from 0 to 1")
        return Type(shape, graded(ANALOG_BITS))

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        return State(array_namespace(x).zeros_like(x))

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        v = state.v - (1.0 - x) * state.v * self.decay + x
        return v, State(v)
