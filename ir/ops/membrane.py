"""
The leaky membrane that all neurons in the source's own arithmetic share, and the analog neuron that emits it.

Every framework's neuron is an instance (NIR's equations and what frameworks make of them: docs/semantics.md). A constant may
differ from neuron to neuron: then a parameter of the attribute's name holds it, of a shape that broadcasts to the population.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from array_api_compat import array_namespace

from ir.ops.base import Shapes, Value, expect
from ir.ops.population import State, Stepwise, check_options, check_params, dendrite_shape
from ir.types import Type, graded

FORMS = ("euler", "sum")
ORDERS = ("current_first", "membrane_first")
ANALOG_BITS = 24
"""Payload bits of an analog value: the widest payload the IR speaks of. The chip's own width is a matter of quantisation."""


@dataclass(frozen=True)
class Membrane(Stepwise):
    """
    One step of a membrane v with a synaptic current j, x the total input:

    j: sum  j <- (1 - current_decay) j + current_gain x      euler  j <- j + current_decay (current_gain x - j)
    v: sum  v <- (1 - decay) v + gain i + decay leak         euler  v <- v + decay ((leak - v) + gain i)

    i is the new j (order `current_first`) or the one before the step (`membrane_first`). current_decay 1 with form sum is no
    synaptic current at all: i = current_gain x. The state starts at v = v0, j = 0.
    """

    decay: float
    gain: float = 1.0
    form: str = "euler"
    leak: float = 0.0
    v0: float = 0.0
    current_decay: float = 1.0
    current_gain: float = 1.0
    current_form: str = "sum"
    order: str = "current_first"

    def check(self, args: tuple[Type, ...], params: Shapes) -> tuple[int, ...]:
        """The population's shape; CompileError for unknown options, constants out of range, parameters that do not fit."""
        check_options(self, {"form": FORMS, "current_form": FORMS, "order": ORDERS})
        shape = dendrite_shape(self, args, params)
        numbers = {name: value for name, value in self.attributes().items() if isinstance(value, float)}
        for name, value in numbers.items():
            expect(isfinite(value), f"{self.kind}.{name}", f"{name} {value} is not finite")
        check_params(self, params, numbers, shape)
        decays = self.decay >= 0 and self.current_decay >= 0
        expect(decays, f"{self.kind}.decay", f"decays {self.decay}, {self.current_decay} must not be negative")
        return shape

    @property
    def has_current(self) -> bool:
        """Whether a synaptic current is remembered; constants of single neurons apart."""
        return self.current_decay != 1.0 or self.order != "current_first"

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        zero = array_namespace(x).zeros_like(x)
        start = self.constant("v0", params)
        plain = isinstance(start, float) and not start
        return State(zero if plain else zero + start, zero if self._remembers_current(params) else None)

    def integrate(self, state: State, x: Value, params: Mapping[str, Value]) -> State:
        """The state after taking the input x."""
        new = self._synapse(state.current, x, params)
        v = self._leak(state.v, new if self.order == "current_first" else state.current, params)
        return state._replace(v=v, current=None if state.current is None else new)

    def _remembers_current(self, params: Mapping[str, Value]) -> bool:
        return self.has_current or "current_decay" in params

    def _synapse(self, j: Value | None, x: Value, params: Mapping[str, Value]) -> Value:
        gain, decay = self.constant("current_gain", params), self.constant("current_decay", params)
        x = x if isinstance(gain, float) and gain == 1.0 else gain * x
        if j is None:
            return x
        return j + decay * (x - j) if self.current_form == "euler" else (1 - decay) * j + x

    def _leak(self, v: Value, i: Value, params: Mapping[str, Value]) -> Value:
        decay, gain, leak = (self.constant(name, params) for name in ("decay", "gain", "leak"))
        i = i if isinstance(gain, float) and gain == 1.0 else gain * i
        rests = isinstance(leak, float) and not leak
        if self.form == "euler":
            return v + decay * (i - v if rests else leak - v + i)
        v = (1 - decay) * v + i
        return v if rests else v + decay * leak


@dataclass(frozen=True)
class Leaky(Membrane):
    """A membrane without threshold that emits its value at every step: NIR's LI, CubaLI and (decay 0, form sum) I."""

    kind = "leaky"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        return Type(self.check(args, params), graded(ANALOG_BITS))

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        state = self.integrate(state, x, params)
        return state.v, state
