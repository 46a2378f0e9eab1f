"""Values of earlier steps: delay lines, and the back edges of recurrent networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import Type, parse_type


@dataclass(frozen=True)
class Delay(Op):
    """
    y[t] = x[t - steps], zero before: on chip the delay of the synapses that read it.

    The parameter `steps` (whole numbers, of the value's shape) delays every element by its own number of steps.
    """

    kind = "delay"
    family = "routing"
    steps: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(self.steps >= 0, "delay.steps", f"cannot delay by {self.steps} steps")
        expect(not args[0].static, "delay.static", "a value without time cannot be delayed")
        delays = params.get("steps", args[0].shape)
        expect(delays == args[0].shape, "delay.shape", f"delays of shape {delays} do not fit {args[0].shape}")
        return args[0]

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return self.resume(args, params, steps, None)[0]

    def resume(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any) -> tuple[Value, Any]:
        """The state is the last values, as many as the longest delay, (longest, B, *shape)."""
        xp, x, late = array_namespace(args[0]), args[0], self.longest(params)
        before = xp.zeros_like(xp.broadcast_to(x[:1], (late, *x.shape[1:]))) if state is None else state
        line = xp.concat([before, x]) if late else x
        if "steps" not in params:
            return line[: len(x)], line[len(x) :]
        y = xp.zeros_like(x)
        for delay in distinct(params["steps"]):
            start = late - delay
            y = xp.where(params["steps"] == delay, line[start : start + len(x)], y)
        return y, line[len(x) :]

    def longest(self, params: Mapping[str, Value]) -> int:
        """The longest delay of any element, in steps."""
        return int(params["steps"].max()) if "steps" in params else self.steps


def distinct(steps: Value) -> list[int]:
    """The delays that occur, in order."""
    return [int(n) for n in np.unique(np.asarray(steps.tolist()))]


@dataclass(frozen=True)
class Past(Op):
    """
    y[t] = x[t - steps] of the value named `of`, zero before: the back edge of a loop.

    The node has no operands, so that graphs stay topological; `of` may be made later, and must be of the type that `type`
    spells.
    """

    kind = "past"
    family = "routing"
    of: str
    type: str
    steps: int = 1

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 0)
        expect(self.steps >= 1, "past.steps", f"a loop cannot close after {self.steps} steps")
        return parse_type(self.type)

    def moved(self, steps: int, to: int) -> Past:
        return replace(self, type=str(parse_type(self.type).moved(steps, to)))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        raise AssertionError("a loop is run step by step, by the interpreter")
