"""
Constants of single steps of the window: a factor or a term per step, the same for all features or one for each.

The parameter has the shape (T, *features), which broadcasts against (T, *shape). On a chip a neuron that fires in the first step
opens gates for the steps in which a constant holds (`ir.lowerings.rules.over_time.by_step`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.ops.population import broadcasts_to
from ir.types import REAL, Type


class ByStep(Op):
    """An operation with a constant per step: where it runs step by step, it remembers how many there were."""

    family = "tensor"

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return self.resume(args, params, steps, None)[0]

    def resume(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any) -> tuple[Value, Any]:
        before, (x,), (rows,) = state or 0, args, params.values()
        expect(before + steps <= rows.shape[0], f"{self.kind}.length", f"there are {rows.shape[0]} steps of constants")
        rows = rows[before : before + steps]
        features = (1,) * (x.ndim - rows.ndim - 1) + tuple(rows.shape[1:])
        return self.of(x, array_namespace(x).reshape(rows, (rows.shape[0], 1, *features))), before + steps

    def of(self, x: Value, constant: Value) -> Value:
        """The operation with constants that broadcast."""
        raise NotImplementedError

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        (rows,) = params.values()
        fits = bool(rows) and broadcasts_to(rows[1:], args[0].shape)
        expect(fits, f"{self.kind}.shape", f"constants of shape {rows} per step and feature do not fit {args[0].shape}")
        return replace(args[0], domain=REAL, scale=1.0, static=False, steps=rows[0])


@dataclass(frozen=True)
class TimeWeight(ByStep):
    """y[t] = w[t] x[t], the parameter `weight`."""

    kind = "time_weight"

    def of(self, x: Value, constant: Value) -> Value:
        return x * constant


@dataclass(frozen=True)
class TimeOffset(ByStep):
    """y[t] = x[t] + b[t], the parameter `bias`."""

    kind = "time_offset"

    def of(self, x: Value, constant: Value) -> Value:
        return x + constant
