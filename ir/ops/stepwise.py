"""Neurons that remember: populations computed step by step, each step from the state that the one before left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Value
from ir.ops.dendrite import total_current
from ir.types import Type


class State(NamedTuple):
    """
    What a population remembers, (B, *shape) each.

    v: membrane. current: synaptic current, None without one. fired: spikes whose reset is still to come, None without any.
    """

    v: Value
    current: Value | None = None
    fired: Value | None = None


@dataclass(frozen=True)
class Stepwise(Op):
    """A population of neurons with state. A constant may differ from neuron to neuron: a parameter of its name holds it."""

    family = "neuron"
    bias_is_current: ClassVar[bool] = True
    """Whether the bias adds to the currents; else `step` has a place of its own for it."""

    def begin(self, x: Value, params: Mapping[str, Value]) -> State:
        """The state before the first step; x: (B, *shape), for size and type."""
        raise NotImplementedError

    def step(self, state: State, x: Value, params: Mapping[str, Value]) -> tuple[Value, State]:
        """One step with the total current x: what is emitted, and the state after it."""
        raise NotImplementedError

    def constant(self, name: str, params: Mapping[str, Value]) -> Value:
        """An attribute, or the parameter that holds it neuron by neuron."""
        return params.get(name, getattr(self, name))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return self.resume(args, params, steps, None)[0]

    def resume(
        self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any
    ) -> tuple[Value, State]:
        x = total_current(args, params if self.bias_is_current else {}, steps)
        state = self.begin(x[0], params) if state is None else state
        out: list[Value] = []
        for t in range(steps):
            emitted, state = self.step(state, x[t], params)
            out.append(emitted)
        return array_namespace(x).stack(out), state

    def neurons(self, result: Type) -> int:
        return result.size


def as_spikes(xp: Any, fired: Value, like: Value) -> Value:
    """Booleans as 0 and 1 in the type of the membrane."""
    return fired.to(like.dtype) if is_torch_array(fired) else fired.astype(like.dtype)
