"""The membrane of a threshold neuron as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.ops.base import Op, Shapes, Value, expect
from ir.ops.membrane import ANALOG_BITS
from ir.ops.neuron import Lif
from ir.ops.population import MOMENTS, State, Stepwise, check_options
from ir.types import Type, graded


@dataclass(frozen=True)
class Potential(Stepwise):
    """
    The membrane v of the `Lif` with the same attributes and inputs at every step, `before` or `after` its spike's reset.

    The neuron itself is another node; this one takes the same steps again and emits v where that one emits s.
    """

    kind = "potential"
    decay: float
    gain: float = 1.0
    form: str = "euler"
    leak: float = 0.0
    v0: float = 0.0
    current_decay: float = 1.0
    current_gain: float = 1.0
    current_form: str = "sum"
    order: str = "current_first"
    threshold: float = 1.0
    comparator: str = ">="
    reset: str = "value"
    v_reset: float = 0.0
    reset_at: str = "spike"
    max_spikes: int = 1
    moment: str = "after"

    @property
    def neuron(self) -> Lif:
        """The neuron whose membrane it is."""
        return Lif(**{name: value for name, value in self.attributes().items() if name != "moment"})

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        check_options(self, {"moment": MOMENTS})
        return Type(self.neuron.infer(args, params).shape, graded(ANALOG_BITS))

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        return self.neuron.begin(x, params)

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        neuron = self.neuron
        state = neuron.integrate(state, x, params)
        settled = neuron.settle(state, neuron.fires(state, params), params)
        return (state if self.moment == "before" else settled).v, settled


def potential_of(op: Op, moment: str) -> Potential:
    """What emits the membrane of a neuron; only of a `Lif` itself, not of what is derived from it."""
    assert type(op) is Lif
    expect(not op.micro, "potential.micro", "a neuron in micro-steps has no membrane to read")
    return Potential(**{name: value for name, value in op.attributes().items() if name != "micro"}, moment=moment)
