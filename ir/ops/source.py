"""Where values enter a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ir.ops.base import Op, Shapes, Value, arity
from ir.types import Type, parse_type


@dataclass(frozen=True)
class Input(Op):
    """A value from outside, of the type that the attribute spells."""

    kind = "input"
    family = "input"
    type: str

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 0)
        return parse_type(self.type)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        raise AssertionError("inputs are fed, not computed")
