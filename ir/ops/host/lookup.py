"""Whole numbers on the host: rows of a table that they choose (the embedding of tokens), and counts as spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.ops.population import as_spikes
from ir.types import REAL, SPIKE, Type


@dataclass(frozen=True)
class Lookup(Op):
    """y[..., :] = weight[x[...], :], x whole numbers from 0; host only."""

    kind = "lookup"
    family = "host"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        rows = params.get("weight", ())
        expect(len(rows) == 2, "lookup.weight", f"a table has rows and columns, not the shape {rows}")
        return replace(args[0], shape=(*args[0].shape, rows[1]), domain=REAL, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp, x, table = array_namespace(args[0]), args[0], params["weight"]
        rows = x.long() if is_torch_array(x) else x.astype("int64")
        legal = bool(xp.all((rows == x) & (rows >= 0) & (rows < len(table))))
        expect(legal, "lookup.range", f"looks up what is no whole number from 0 to {len(table) - 1}")
        return table[rows]


@dataclass(frozen=True)
class Levels(Op):
    """y[k, ...] = [x[...] > k], k = 0..levels - 1: a count as so many spikes, whose sum it is; host only."""

    kind = "levels"
    family = "host"
    levels: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        fits = args[0].domain.kind == "count" and args[0].domain.bound <= self.levels
        expect(fits, "levels.count", f"{self.levels} spikes cannot stand for {args[0]}")
        return replace(args[0], shape=(self.levels, *args[0].shape), domain=SPIKE)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp, x = array_namespace(args[0]), args[0]
        return xp.stack([as_spikes(xp, x > level, x) for level in range(self.levels)], axis=2)
