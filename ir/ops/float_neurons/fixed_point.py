"""The neuron that counts in steps of a grid, as a chip does, although its numbers are floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.neuron import Lif
from ir.ops.population import State
from ir.types import Type


@dataclass(frozen=True)
class FixedPointLif(Lif):
    """
    A `Lif` of form sum behind a current, with current, membrane and input cut to multiples of 1 / grid, toward zero ([.]):

    j <- [(1 - current_decay) j] + [x];  v <- [(1 - decay) v] + j;  then as `Lif`.
    """

    kind = "fixed_point_lif"
    grid: int = 4096

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        plain = (self.form, self.current_form, self.order, self.gain, self.current_gain, self.leak, self.v0)
        legal = self.grid > 0 and plain == ("sum", "sum", "current_first", 1.0, 1.0, 0.0, 0.0)
        expect(legal, "fixed_point_lif.option", "counts in form sum, without gains, leak and start value")
        return super().infer(args, params)

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        return State(zero, zero)

    def _synapse(self, j: Value | None, x: Value, params: Mapping[str, Value]) -> Value:
        return self._cut((1 - self.constant("current_decay", params)) * j) + self._cut(x)

    def _leak(self, v: Value, i: Value, params: Mapping[str, Value]) -> Value:
        return self._cut((1 - self.constant("decay", params)) * v) + i

    def _cut(self, x: Value) -> Value:
        return array_namespace(x).trunc(x * self.grid) / self.grid
