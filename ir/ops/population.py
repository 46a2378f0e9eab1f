"""
What all populations share: currents of one shape that add up in the dendrite, and the state of neurons that remember.

Operands are currents; the parameter `bias` is one more, present at every step of the window. A population with state is
computed step by step, each step from the state that the one before left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import Type

COMPARATORS = (">=", ">")
"""What a neuron that reaches its threshold does: it fires, or only one beyond it does."""
RESET_TIMES = ("spike", "next")
"""When a spike's reset comes: in its own step, or in the next one; for float neurons and the chip's alike."""
MOMENTS = ("before", "after")
"""When a membrane is read: before the reset of a spike of this step, or after it."""


def dendrite_shape(op: Op, args: tuple[Type, ...], params: Shapes) -> tuple[int, ...]:
    """The shape of a population that takes the operands as currents of equal shape and a broadcastable bias."""
    arity(op, args, 1, 1 << 16)
    shape = args[0].shape
    same = len({arg.shape for arg in args}) == 1
    expect(same, f"{op.kind}.shape", f"currents differ in shape: {[a.shape for a in args]}")
    bias = params.get("bias", ())
    expect(broadcasts_to(bias, shape), f"{op.kind}.bias", f"bias {bias} does not fit a population of shape {shape}")
    return shape


def broadcasts_to(part: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array of shape `part` stands for one of `shape`."""
    return len(part) <= len(shape) and all(n in (1, m) for n, m in zip(part[::-1], shape[::-1], strict=False))


def check_options(op: Op, options: Mapping[str, tuple[str, ...]]) -> None:
    """Require that each of these attributes is one of its options."""
    for name, legal in options.items():
        value = getattr(op, name)
        expect(value in legal, f"{op.kind}.option", f"unknown option {value!r}", hint=f"known: {', '.join(legal)}")


def check_params(op: Op, params: Shapes, roles: Collection[str], shape: tuple[int, ...]) -> None:
    """Require that the parameters are a bias or constants of single neurons, and fit a population of `shape`."""
    for role, part in params.items():
        expect(role == "bias" or role in roles, f"{op.kind}.param", f"a {op.kind} has no parameter {role}")
        expect(broadcasts_to(part, shape), f"{op.kind}.{role}", f"{role} of shape {part} does not fit {shape}")


def total_current(args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
    """The sum of the currents and the bias, at every step: (T, B, *shape)."""
    xp, x = array_namespace(args[0]), args[0]
    for arg in args[1:]:
        x = x + arg
    x = x + params["bias"] if "bias" in params else x
    return x if x.shape[0] == steps else xp.broadcast_to(x, (steps, *x.shape[1:]))


def as_spikes(xp: Any, fired: Value, like: Value) -> Value:
    """Booleans as 0 and 1 in the type of the membrane."""
    return fired.to(like.dtype) if is_torch_array(fired) else fired.astype(like.dtype)


class State(NamedTuple):
    """What a population remembers from one step to the next, arrays of (B, *shape)."""

    v: Value
    """Membrane."""
    current: Value | None = None
    """Synaptic current; None for neurons without one."""
    fired: Value | None = None
    """Spikes whose reset is still to come; None without any."""
    extra: Value | None = None
    """One more variable of a neuron that has one: adaptation, a threshold of its own, steps until it may fire again."""


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
        return array_namespace(x).stack(out) if steps > 1 else out[0][None], state

    def neurons(self, result: Type) -> int:
        return result.size
