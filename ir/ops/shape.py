"""Routing: reshaping, reordering, cutting and joining values. On a chip these only rename wires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import CURRENT, REAL, Domain, Type, count


@dataclass(frozen=True)
class Reshape(Op):
    """y = x in C order at another shape of the same size."""

    kind = "reshape"
    family = "routing"
    shape: tuple[int, ...]

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(prod(self.shape) == args[0].size, "reshape.size", f"cannot reshape {args[0].shape} to {self.shape}")
        return args[0].with_shape(self.shape)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return array_namespace(args[0]).reshape(args[0], (*args[0].shape[:2], *self.shape))


@dataclass(frozen=True)
class Permute(Op):
    """y[i_perm[0], i_perm[1], ...] = x[i_0, i_1, ...]: axis k of y is axis perm[k] of x."""

    kind = "permute"
    family = "routing"
    perm: tuple[int, ...]

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        rank = len(args[0].shape)
        expect(sorted(self.perm) == list(range(rank)), "permute.axes", f"{self.perm} does not order {rank} axes")
        return args[0].with_shape(tuple(args[0].shape[axis] for axis in self.perm))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return array_namespace(args[0]).permute_dims(args[0], (0, 1, *(axis + 2 for axis in self.perm)))


@dataclass(frozen=True)
class Slice(Op):
    """y = x[start:stop] along one axis."""

    kind = "slice"
    family = "routing"
    axis: int
    start: int
    stop: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        expect(0 <= self.axis < len(shape), "slice.axis", f"{shape} has no axis {self.axis}")
        inside = 0 <= self.start < self.stop <= shape[self.axis]
        expect(inside, "slice.range", f"{self.start}:{self.stop} is outside 0:{shape[self.axis]}")
        return args[0].with_shape((*shape[: self.axis], self.stop - self.start, *shape[self.axis + 1 :]))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return args[0][(slice(None),) * (self.axis + 2) + (slice(self.start, self.stop),)]


@dataclass(frozen=True)
class Concat(Op):
    """
    y = the operands one after another along one axis.

    Spikes beside counts are counts. Payloads beside spikes, and whatever lies beside currents, are currents: no population
    carries all of it. What lies beside analog values is analog.
    """

    kind = "concat"
    family = "routing"
    axis: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2, 1 << 16)
        first, axis = args[0], self.axis
        rest = [(*arg.shape[:axis], *arg.shape[axis + 1 :]) for arg in args]
        expect(len(set(rest)) == 1, "concat.shape", f"cannot join {[arg.shape for arg in args]} along axis {axis}")
        same = len({arg.scale for arg in args}) == 1
        expect(same, "concat.scale", f"cannot join {', '.join(map(str, args))}: the scales differ")
        length = sum(arg.shape[axis] for arg in args)
        joined = first.with_shape((*first.shape[:axis], length, *first.shape[axis + 1 :]))
        return replace(joined, domain=_joint_domain(args), static=all(arg.static for arg in args))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp = array_namespace(*args)
        long = max(arg.shape[0] for arg in args)
        full = [xp.broadcast_to(arg, (long, *arg.shape[1:])) for arg in args]
        return xp.concat(full, axis=self.axis + 2)


def _joint_domain(args: tuple[Type, ...]) -> Domain:
    """The domain of a concatenation."""
    domains = {arg.domain for arg in args}
    kinds = {domain.kind for domain in domains}
    if len(domains) == 1:
        return domains.pop()
    if kinds <= {"spike", "count"}:
        return count(max(domain.populations for domain in domains))
    return REAL if "real" in kinds else CURRENT


@dataclass(frozen=True)
class Expand(Op):
    """y = x repeated along axes of length 1: one source feeds several wires."""

    kind = "expand"
    family = "routing"
    shape: tuple[int, ...]

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        fits = len(shape) == len(self.shape) and all(n in (1, m) for n, m in zip(shape, self.shape, strict=True))
        expect(fits, "expand.shape", f"cannot expand {shape} to {self.shape}")
        return args[0].with_shape(self.shape)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return array_namespace(args[0]).broadcast_to(args[0], (*args[0].shape[:2], *self.shape))


@dataclass(frozen=True)
class Gather(Op):
    """y[.., k, ..] = x[.., index[k], ..] along one axis; where the index is SILENT, 0: a wire that leads from nowhere."""

    kind = "gather"
    family = "routing"
    axis: int
    index: tuple[int, ...]

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        expect(0 <= self.axis < len(shape), "gather.axis", f"{shape} has no axis {self.axis}")
        inside = bool(self.index) and min(self.index) >= SILENT and max(self.index) < shape[self.axis]
        expect(inside, "gather.index", f"reads beyond 0:{shape[self.axis]}, or nothing")
        return args[0].with_shape((*shape[: self.axis], len(self.index), *shape[self.axis + 1 :]))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp, axis = array_namespace(args[0]), self.axis + 2
        index = xp.asarray([max(0, place) for place in self.index], device=_device(args[0]))
        y = xp.take(args[0], index, axis=axis)
        silent = [k for k, place in enumerate(self.index) if place == SILENT]
        if silent:
            y[(slice(None),) * axis + (silent,)] = 0
        return y


def _device(x: Value) -> Any:
    """Where an array lies, for the functions that make another there."""
    return x.device if is_torch_array(x) else "cpu"


SILENT = -1
"""The index of a wire that leads from nowhere."""


@dataclass(frozen=True)
class Pad(Op):
    """y = x with zeros before and after along one axis: wires that lead from nowhere."""

    kind = "pad"
    family = "routing"
    axis: int
    before: int
    after: int

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = list(args[0].shape)
        expect(0 <= self.axis < len(shape), "pad.axis", f"{args[0].shape} has no axis {self.axis}")
        expect(self.before >= 0 and self.after >= 0, "pad.range", f"cannot pad by {self.before}, {self.after}")
        shape[self.axis] += self.before + self.after
        return args[0].with_shape(tuple(shape))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        xp, x, axis = array_namespace(args[0]), args[0], self.axis + 2
        parts = [x]
        for length, at in ((self.before, 0), (self.after, 1)):
            if length:
                shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
                zeros = xp.zeros(shape, dtype=x.dtype, device=_device(x))
                parts.insert(0 if at == 0 else len(parts), zeros)
        return xp.concat(parts, axis=axis)


@dataclass(frozen=True)
class Repeat(Op):
    """y[t] = x at every step t of the window: a static value becomes one that is presented step by step."""

    kind = "repeat"
    family = "host"
    steps: int = 0
    """T of the result's window; 0 for that of the graph."""

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(args[0].static, "repeat.static", "only a value without time can be repeated over time")
        return replace(args[0], static=False, steps=self.steps)

    def moved(self, steps: int, to: int) -> Repeat:
        own = self.steps or steps
        return Repeat(0 if own == to else own)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return array_namespace(args[0]).broadcast_to(args[0], (steps, *args[0].shape[1:]))
