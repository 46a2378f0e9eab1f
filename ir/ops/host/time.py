"""Operations across the window: single steps, sums, all steps side by side. They run on the host: most are not causal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import REAL, Type


@dataclass(frozen=True)
class TimeSum(Op):
    """y = factor sum_t x[t] over the window. Not causal: known only after the last step."""

    kind = "time_sum"
    family = "host"
    factor: float = 1.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(not args[0].static, "time_sum.static", "a value without time cannot be summed over time")
        return replace(args[0], domain=REAL, scale=1.0, static=True)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp = array_namespace(args[0])
        y = xp.sum(args[0], axis=0, keepdims=True)
        return y if self.factor == 1 else y * self.factor


@dataclass(frozen=True)
class AtStep(Op):
    """y = x[step]: the value at one step of the window."""

    kind = "at_step"
    family = "host"
    step: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(not args[0].static, "at_step.static", "a value without time has no steps")
        expect(self.step >= 0, "at_step.step", f"there is no step {self.step}")
        return replace(args[0], domain=REAL, scale=1.0, static=True)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        expect(self.step < steps, "at_step.length", f"a window of {steps} steps has no step {self.step}")
        return args[0][self.step : self.step + 1]


@dataclass(frozen=True)
class FoldTime(Op):
    """`y[t, ..] = x[t][..]`: all `length` steps of the window as the first axis of a value without time. Not causal."""

    kind = "fold_time"
    family = "host"
    length: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(not args[0].static, "fold_time.static", "a value without time has no steps")
        return replace(args[0], shape=(self.length, *args[0].shape), domain=REAL, scale=1.0, static=True)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        expect(steps == self.length, "fold_time.length", f"a window of {steps} steps has not {self.length}")
        return array_namespace(args[0]).moveaxis(args[0], 0, 1)[None, ...]


@dataclass(frozen=True)
class UnfoldTime(Op):
    """y[t] = x[.., t, ..] along `axis`, which is as long as y's window: computed steps are presented one by one."""

    kind = "unfold_time"
    family = "host"
    axis: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        expect(args[0].static, "unfold_time.static", "only a value without time can be unfolded over time")
        expect(0 <= self.axis < len(shape), "unfold_time.axis", f"{shape} has no axis {self.axis}")
        rest = (*shape[: self.axis], *shape[self.axis + 1 :])
        return replace(args[0], shape=rest, domain=REAL, scale=1.0, static=False, steps=shape[self.axis])

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp, axis = array_namespace(args[0]), self.axis + 1
        expect(args[0].shape[axis + 1] == steps, "unfold_time.length", f"axis {self.axis} is not {steps} steps long")
        return xp.moveaxis(args[0][0, ...], axis, 0)
