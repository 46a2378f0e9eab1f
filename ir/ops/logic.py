"""Logic on spikes that arithmetic in a model spells out: NOT, written `1 - x`. (AND is `mul`, OR is `max_pool`.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import SPIKE, Type


@dataclass(frozen=True)
class Not(Op):
    """y = 1 - x of spikes: a spike exactly where there is none."""

    kind = "not"
    family = "tensor"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(args[0].domain == SPIKE, "not.spikes", f"only spikes can be negated, not {args[0]}")
        return args[0]

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return 1 - args[0]
