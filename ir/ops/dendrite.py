"""Where the currents of a population meet: operands of one shape add up, and its parameters broadcast to it."""

from __future__ import annotations

from collections.abc import Mapping

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import Type


def dendrite(op: Op, args: tuple[Type, ...], params: Shapes) -> tuple[int, ...]:
    """The shape of a population that takes the operands as currents of equal shape and a broadcastable bias."""
    arity(op, args, 1, 1 << 16)
    shape = args[0].shape
    same = len({arg.shape for arg in args}) == 1
    expect(same, f"{op.kind}.shape", f"currents differ in shape: {[a.shape for a in args]}")
    bias = params.get("bias", ())
    expect(broadcasts(bias, shape), f"{op.kind}.bias", f"bias {bias} does not fit a population of shape {shape}")
    return shape


def broadcasts(part: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an array of shape `part` stands for one of `shape`."""
    return len(part) <= len(shape) and all(n in (1, m) for n, m in zip(part[::-1], shape[::-1], strict=False))


def total_current(args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
    """The sum of the currents and the bias, at every step: (T, B, *shape)."""
    xp, x = array_namespace(args[0]), args[0]
    for arg in args[1:]:
        x = x + arg
    x = x + params["bias"] if "bias" in params else x
    return x if x.shape[0] == steps else xp.broadcast_to(x, (steps, *x.shape[1:]))
